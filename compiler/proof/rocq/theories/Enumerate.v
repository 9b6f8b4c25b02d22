(** The step of enumeration: each input within the ranges is evaluated. *)

From Coq Require Import ZArith List Lia Bool.
From QnnProof Require Import Vector Outcome Step Graph Ranges.
Import ListNotations.
Open Scope Z_scope.

(** At most this many inputs are evaluated. *)
Definition most_points : Z := 2 ^ 20.

(** Whether [n] integers from [z] on pass a test. *)
Fixpoint all_from (n : nat) (z : Z) (test : Z -> bool) : bool :=
  match n with
  | O => true
  | S n => test z && all_from n (z + 1) test
  end.

(** Whether all points of a box pass a test; [before] are the coordinates before, the last one first. *)
Fixpoint all_points (box : list range) (before : list Z) (test : list Z -> bool) : bool :=
  match box with
  | [] => test (rev before)
  | (lo, hi) :: box => all_from (Z.to_nat (hi - lo + 1)) lo (fun z => all_points box (z :: before) test)
  end.

(** How many points a box has, as far as it is at most [most_points]. *)
Definition count_points (box : list range) : Z :=
  fold_left (fun count '(lo, hi) => if most_points <? count then count else count * (hi - lo + 1)) box 1.

(** The coordinates of the inputs of a graph, one node after the other. *)
Fixpoint coordinates {A} (at_ : nat -> nat -> A) (k : nat) (ns : list node) : list A :=
  match ns with
  | [] => []
  | Input box :: r => map (at_ k) (seq 0 (size box)) ++ coordinates at_ (S k) r
  | _ :: r => coordinates at_ (S k) r
  end.

(** The vectors of the inputs with the given coordinates. *)
Fixpoint assigned (ns : list node) (point : list Z) : list (vec Z) :=
  match ns with
  | [] => []
  | Input box :: r => Vec (firstn (size box) point) :: assigned r (skipn (size box) point)
  | _ :: r => Vec [] :: assigned r point
  end.

Definition atom_holds (v : nat -> nat -> Z) (a : atom) : bool := 0 <=? atom_value a v.

(** Whether a point fails an atom. *)
Definition fails (g : graph) (atoms : list atom) (point : list Z) : bool :=
  let x := Vec (assigned (to_list g) point) in
  let v := value (eval g (fun k i => get 0 (get (Vec []) x k) i)) in
  negb (forallb (atom_holds v) atoms).

(** Why not every input within the ranges fails an atom, if so. *)
Definition enumerate (g : graph) (R : ranges) (atoms : list atom) : option reason :=
  let box := coordinates (range_at R) 0 (to_list g) in
  if most_points <? count_points box then Some TooManyInputs
  else if all_points box [] (fails g atoms) then None else Some InputMeetsAtoms.

Lemma all_from_ok test n : forall z, all_from n z test = true -> forall y, z <= y < z + Z.of_nat n -> test y = true.
Proof.
  induction n as [| n IH]; intros z H y Hy; [lia |]. cbn [all_from] in H. apply andb_true_iff in H. destruct H as [H1 H2].
  destruct (Z.eq_dec z y) as [E | E]; [subst; exact H1 | apply (IH (z + 1) H2); lia].
Qed.

Lemma all_points_ok test box : forall before, all_points box before test = true ->
  forall point, Forall2 inside box point -> test (rev before ++ point) = true.
Proof.
  induction box as [| [lo hi] box IH]; intros before H point Hp; inversion Hp; subst; simpl in H.
  - rewrite app_nil_r. exact H.
  - unfold inside in H2; simpl in H2.
    pose proof (all_from_ok _ _ _ H y ltac:(lia)) as Hy. cbv beta in Hy.
    specialize (IH (y :: before) Hy l' H4). simpl in IH. rewrite <- app_assoc in IH. exact IH.
Qed.

Lemma coordinates_inside (v : nat -> nat -> Z) R ns : within R v -> forall k,
  Forall2 inside (coordinates (range_at R) k ns) (coordinates v k ns).
Proof.
  intros H. induction ns as [| n ns IH]; intros k; simpl; [constructor |].
  destruct n; try apply IH. apply Forall2_app; [| apply IH].
  induction (seq 0 (size box)) as [| i l IHl]; simpl; constructor; [apply (H k i) | exact IHl].
Qed.

Lemma firstn_app_exact {A} (l r : list A) n : length l = n -> firstn n (l ++ r) = l.
Proof. intros <-. rewrite firstn_app, Nat.sub_diag, firstn_all. simpl. apply app_nil_r. Qed.

Lemma skipn_app_exact {A} (l r : list A) n : length l = n -> skipn n (l ++ r) = r.
Proof. intros <-. rewrite skipn_app, Nat.sub_diag, skipn_all. reflexivity. Qed.

Lemma assigned_coordinates (v : nat -> nat -> Z) ns : forall k j box i,
  nth j ns nothing = Input box -> (i < size box)%nat ->
  get 0 (nth j (assigned ns (coordinates v k ns)) (Vec [])) i = v (k + j)%nat i.
Proof.
  induction ns as [| n ns IH]; intros k j box i Hj Hi; simpl in Hj; [destruct j; discriminate |].
  assert (Hrest : forall j, nth j ns nothing = Input box ->
    get 0 (nth j (assigned ns (coordinates v (S k) ns)) (Vec [])) i = v (k + S j)%nat i).
  { intros j' Hj'. rewrite (IH (S k) j' box i Hj' Hi). f_equal. lia. }
  destruct j as [| j].
  - subst n. simpl. rewrite Nat.add_0_r.
    rewrite firstn_app_exact by (rewrite map_length, seq_length; reflexivity).
    unfold get; simpl. rewrite (nth_indep _ 0 (v k O)) by (rewrite map_length, seq_length; exact Hi).
    rewrite map_nth, seq_nth by exact Hi. reflexivity.
  - destruct n; simpl; try (apply Hrest; exact Hj).
    rewrite skipn_app_exact by (rewrite map_length, seq_length; reflexivity). apply Hrest; exact Hj.
Qed.

Lemma atom_value_ext v v' a : (forall k i, v k i = v' k i) -> atom_value a v = atom_value a v'.
Proof.
  intros H. destruct a as [c terms]. unfold atom_value; simpl. induction terms as [| [[k i] f] terms IH]; simpl; [reflexivity |].
  rewrite IH, H. reflexivity.
Qed.

Theorem enumerate_ok g R atoms x : well_formed g = true ->
  within R (value (eval g x)) -> Forall (holds (value (eval g x))) atoms -> enumerate g R atoms <> None.
Proof.
  intros W H Ha. unfold enumerate. destruct (most_points <? _); [discriminate |].
  destruct (all_points _ [] _) eqn:E; [| discriminate]. exfalso.
  set (v := value (eval g x)) in *.
  pose proof (all_points_ok _ _ _ E _ (coordinates_inside v R (to_list g) H 0)) as F. simpl in F. unfold fails in F.
  set (y := fun k i => _) in F.
  assert (Ext : forall k i, value (eval g x) k i = value (eval g y) k i).
  { apply eval_ext; [exact W |]. intros k box i Hk Hi. unfold y. unfold get at 2. simpl.
    rewrite (assigned_coordinates v (to_list g) 0 k box i Hk Hi). simpl. unfold v.
    rewrite (eval_meaning g x k i W). cbv zeta. rewrite Hk. simpl. apply Nat.ltb_lt in Hi. rewrite Hi. reflexivity. }
  apply negb_true_iff in F. assert (T : forallb (atom_holds (value (eval g y))) atoms = true); [| congruence].
  apply forallb_forall. intros a Hin. unfold atom_holds. apply Z.leb_le.
  rewrite <- (atom_value_ext _ _ a Ext). rewrite Forall_forall in Ha. apply Ha, Hin.
Qed.
