-- A car in a crosswind keeps to its lane if its controller answers each pair of sensor readings within a band.

@network
controller : Tensor Real [2] -> Tensor Real [1]

readable : Tensor Real [2] -> Bool
readable x = forall i . -3.25 <= x ! i <= 3.25

steady : Tensor Real [2] -> Bool
steady x = -1.25 < controller x ! 0 + 2 * x ! 0 - x ! 1 < 1.25

@property
safe : Bool
safe = forall x . readable x => steady x
