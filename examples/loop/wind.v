(** A vehicle in a side wind, kept on the road by a network of 8 bits: a theorem about the closed loop.

    [network.v] is written by qnn: the network as a graph of integers, and that it has the property of wind.qnn, without axioms. This file is about the loop
    around it. Lengths are in units of 1/32 m; a step is a second. *)

From Coq Require Import ZArith List Lia.
From QnnProof Require Import Vector Outcome Step Graph.
Require Import network.
Import ListNotations.
Open Scope Z_scope.

(** What the network answers, where the sensor sees the vehicle at [now] and saw it at [before]. *)
Definition inputs (now before : Z) : nat -> nat -> Z := fun _ i => match i with O => now | _ => before end.
Definition controller (now before : Z) : Z := value (eval graph_1 (inputs now before)) 4 0.

(** The property of wind.qnn, as a property of this function. *)
Lemma controller_follows now before :
  -104 <= now <= 104 -> -104 <= before <= 104 -> Z.abs (controller now before + 2 * now - before) < 40.
Proof.
  intros Hn Hb.
  assert (B : in_boxes graph_1 (inputs now before)).
  { intros k box i E Hi. destruct k as [| [| [| [| [| k]]]]]; try discriminate.
    - injection E as <-. destruct i as [| [| i]]; simpl; [lia | lia |]. unfold size in Hi; simpl in Hi. lia.
    - destruct k; discriminate. }
  assert (W : well_formed graph_1 = true) by (vm_compute; reflexivity).
  assert (V : forall i, value (eval graph_1 (inputs now before)) 0 i = match i with O => now | 1%nat => before | _ => 0 end).
  { intros i. rewrite (eval_meaning _ _ _ _ W). destruct i as [| [| i]]; reflexivity. }
  apply Z.nle_gt. intros H. apply (unanswered_1 (inputs now before) B).
  split; [constructor |]. unfold controller in H. cbn [cases obligation_1 nodes].
  set (v := value (eval graph_1 (inputs now before))) in *.
  pose proof (V O) as V0. pose proof (V 1%nat) as V1. cbv iota in V0, V1.
  destruct (Z_le_gt_dec 40 (v 4%nat O + 2 * now - before)).
  - apply Exists_cons_hd. constructor; [| constructor]. unfold holds, atom_value. cbn [fold_right fst snd]. lia.
  - apply Exists_cons_tl, Exists_cons_hd. constructor; [| constructor]. unfold holds, atom_value. cbn [fold_right fst snd]. lia.
Qed.

Record state : Type := { position : Z; velocity : Z; wind : Z; sensed : Z }.

(** A second: the wind changes by [shift], the vehicle moves, and the sensor sees it [error] beside where it is. *)
Definition next (s : state) (shift error : Z) : state :=
  let wind' := wind s + shift in
  let position' := position s + velocity s + wind' in
  let sensed' := position' + error in
  {| position := position'; velocity := velocity s + controller sensed' (sensed s); wind := wind'; sensed := sensed' |}.

(** The wind changes by at most 1 m/s in a second, and the sensor errs by at most a quarter of a metre. *)
Inductive reachable : state -> Prop :=
| start : reachable {| position := 0; velocity := 0; wind := 0; sensed := 0 |}
| later s shift error : reachable s -> Z.abs shift <= 32 -> Z.abs error <= 8 -> reachable (next s shift error).

(** The vehicle never leaves the road, which is 6 m wide. *)
Theorem on_the_road s : reachable s -> Z.abs (position s) <= 96.
Proof.
  assert (Invariant : reachable s ->
    Z.abs (wind s + position s + velocity s) < 64 /\ Z.abs (position s - sensed s) <= 8 /\
    Z.abs (position s) <= 96 /\ Z.abs (sensed s) <= 104).
  { induction 1 as [| s shift error _ IH Hs He]; [simpl; lia |]. unfold next. cbn [position velocity wind sensed].
    set (now := position s + velocity s + (wind s + shift) + error).
    pose proof (controller_follows now (sensed s) ltac:(lia) ltac:(lia)). lia. }
  intros H. apply Invariant, H.
Qed.

Print Assumptions on_the_road.
