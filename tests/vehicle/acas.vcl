-- Properties 3 and 4 of the ACAS Xu networks (Reluplex, CAV 2017), in the units of the aircraft.

@network
acas : Tensor Real [5] -> Tensor Real [5]

mean : Tensor Real [5]
mean = [19791.091, 0.0, 0.0, 650.0, 600.0]

span : Tensor Real [5]
span = [60261.0, 6.28318530718, 6.28318530718, 1100.0, 1200.0]

scores : Tensor Real [5] -> Tensor Real [5]
scores x = acas (foreach i . (x ! i - mean ! i) / (span ! i))

-- The least score is advised; that of «clear of conflict» is the first.
isClear : Tensor Real [5] -> Bool
isClear x = forall i . i != 0 => scores x ! 0 < scores x ! i

ahead : Tensor Real [5] -> Bool
ahead x = 1500 <= x ! 0 <= 1800 and -0.06 <= x ! 1 <= 0.06

comes : Tensor Real [5] -> Bool
comes x = 3.1 <= x ! 2 <= 3.141592 and 980 <= x ! 3 <= 1200 and 960 <= x ! 4 <= 1200

leaves : Tensor Real [5] -> Bool
leaves x = x ! 2 == 0 and 1000 <= x ! 3 <= 1200 and 700 <= x ! 4 <= 800

@property
property3 : Bool
property3 = forall x . ahead x and comes x => not (isClear x)

@property
property4 : Bool
property4 = forall x . ahead x and leaves x => not (isClear x)
