-- No picture near a sample is read as another digit than the sample's.

@network
digits : Tensor Real [8, 8] -> Tensor Real [10]

@parameter
epsilon : Real

@parameter(infer=True)
n : Nat

@dataset
images : Tensor Real [n, 8, 8]

@dataset
labels : Vector (Index 10) n

-- Grey levels are 0 to 255.
near : Tensor Real [8, 8] -> Tensor Real [8, 8] -> Bool
near x y = forall i j . 0 <= x ! i ! j <= 255 and y ! i ! j - epsilon <= x ! i ! j <= y ! i ! j + epsilon

read : Tensor Real [8, 8] -> Index 10 -> Bool
read x k = forall i . i != k => digits x ! i < digits x ! k

@property
robust : Tensor Bool [n]
robust = foreach i . forall x . near x (images ! i) => read x (labels ! i)
