(* What Rocq's integers and indices are in the program: integers of zarith, and of the machine. Divisions by zero are what they are in Rocq. *)

let xo p = Z.shift_left p 1
let xi p = Z.succ (Z.shift_left p 1)

let positive on_xi on_xo on_xh p =
  if Z.equal p Z.one then on_xh ()
  else if Z.is_odd p then on_xi (Z.shift_right p 1)
  else on_xo (Z.shift_right p 1)

let case on_zero on_positive on_negative z =
  match Z.sign z with 0 -> on_zero () | s when s > 0 -> on_positive z | _ -> on_negative (Z.neg z)

(* Rounded down, as in Rocq; zarith's [fdiv] is. *)
let div a b = if Z.equal b Z.zero then Z.zero else Z.fdiv a b
let modulo a b = if Z.equal b Z.zero then a else Z.sub a (Z.mul b (Z.fdiv a b))

let div_eucl a b =
  if Z.equal b Z.zero then (Z.zero, a)
  else
    let q = Z.fdiv a b in
    (q, Z.sub a (Z.mul b q))

let rem a b = if Z.equal b Z.zero then a else Z.rem a b
let pow a b = if Z.sign b < 0 then Z.zero else Z.pow a (Z.to_int b)

(* A shift to the right is rounded down, as in Rocq; a negative shift goes the other way. *)
let rec shiftl a b = if Z.sign b < 0 then shiftr a (Z.neg b) else Z.shift_left a (Z.to_int b)
and shiftr a b = if Z.sign b < 0 then shiftl a (Z.neg b) else Z.shift_right a (Z.to_int b)

let log2 a = if Z.sign a <= 0 then Z.zero else Z.of_int (Z.numbits a - 1)

(* Indices are natural numbers below 2^62: nothing in the checker counts beyond. *)
let to_nat z = if Z.sign z <= 0 then 0 else Z.to_int z
let nat on_zero on_succ n = if n = 0 then on_zero () else on_succ (n - 1)
let nat_eqb (a : int) b = a = b
let nat_leb (a : int) b = a <= b
let nat_ltb (a : int) b = a < b
