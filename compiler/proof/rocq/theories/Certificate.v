(** Certificates: why an obligation has no answer. Data, in which nothing has to be believed. *)

From Coq Require Import ZArith List.
Import ListNotations.

(** The integers that define a dual bound: (atom, weight) and (node, slot, multiplier). *)
Record multipliers : Type := {
  weights : list (nat * Z);
  slot_values : list (nat * nat * Z)
}.

(** weight * element + the weighted atoms are at most their dual bound. *)
Record tightening : Type := {
  tight_node : nat;
  tight_element : nat;
  tight_weight : Z;
  tight_multipliers : multipliers
}.

(** A tree of steps. A list in preorder is such a tree, read by the program around the checker. *)
Inductive tree : Type :=
| Bound (m : multipliers)
| Nothing
| Enumerate
| Propagate
| Split (node element : nat) (value : Z) (below above : tree)
| Tighten (t : tightening) (rest : tree)
| Slack (m : multipliers) (rest : tree).

Record certificate : Type := {
  prelude : list tightening;
  trees : list tree
}.
