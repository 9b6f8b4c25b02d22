(** The program: the checker in OCaml, with integers of zarith, indices of the machine and vectors in arrays.

    What is mapped here is trusted: each OCaml function has to do what the Rocq function on its left does. [Integer] and [Vector] are in program/. *)

From Coq Require Import ZArith List Extraction ExtrOcamlBasic.
From QnnProof Require Import Vector Outcome Step Graph Ranges Certificate Check.

Extraction Language OCaml.
Extraction Blacklist List String Int.

(** Integers *)
Extract Inductive positive => "Big.t" [ "Integer.xi" "Integer.xo" "Big.one" ] "Integer.positive".
Extract Inductive Z => "Big.t" [ "Big.zero" "" "Big.neg" ] "Integer.case".
Extract Inlined Constant Z.add => "Big.add".
Extract Inlined Constant Z.sub => "Big.sub".
Extract Inlined Constant Z.mul => "Big.mul".
Extract Inlined Constant Z.opp => "Big.neg".
Extract Inlined Constant Z.abs => "Big.abs".
Extract Inlined Constant Z.max => "Big.max".
Extract Inlined Constant Z.min => "Big.min".
Extract Inlined Constant Z.eqb => "Big.equal".
Extract Inlined Constant Z.leb => "Big.leq".
Extract Inlined Constant Z.ltb => "Big.lt".
Extract Inlined Constant Z.odd => "Big.is_odd".
Extract Inlined Constant Z.pow => "Integer.pow".
Extract Inlined Constant Z.div_eucl => "Integer.div_eucl".
Extract Inlined Constant Z.div => "Integer.div".
Extract Inlined Constant Z.modulo => "Integer.modulo".
Extract Inlined Constant Z.rem => "Integer.rem".
Extract Inlined Constant Z.shiftl => "Integer.shiftl".
Extract Inlined Constant Z.shiftr => "Integer.shiftr".
Extract Inlined Constant Z.log2 => "Integer.log2".
Extract Inlined Constant Z.of_nat => "Big.of_int".
Extract Inlined Constant Z.to_nat => "Integer.to_nat".

(** Indices *)
Extract Inductive nat => "int" [ "0" "Stdlib.succ" ] "Integer.nat".
Extract Inlined Constant Nat.add => "(+)".
Extract Inlined Constant Nat.eqb => "Integer.nat_eqb".
Extract Inlined Constant Nat.leb => "Integer.nat_leb".
Extract Inlined Constant Nat.ltb => "Integer.nat_ltb".

(** Lists *)
Extract Inlined Constant length => "Stdlib.List.length".
Extract Inlined Constant app => "Vector.append".
Extract Inlined Constant rev => "Stdlib.List.rev".
Extract Inlined Constant map => "Vector.map".
Extract Inlined Constant seq => "Vector.seq".

(** Vectors *)
Extract Inductive vec => "Vector.t" [ "Vector.of_list" ] "(fun f v -> f (Vector.to_list v))".
Extract Inlined Constant to_list => "Vector.to_list".
Extract Inlined Constant get => "Vector.get".
Extract Inlined Constant set => "Vector.set".
Extract Inlined Constant size => "Vector.size".
Extract Inlined Constant filled => "Vector.filled".

Extraction "checker.ml" judge.
