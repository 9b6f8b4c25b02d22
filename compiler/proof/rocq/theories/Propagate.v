(** The step of propagation: a fixed rule that needs no data of the certificate.

    Nodes are taken from the first to the last. What a nonlinearity reads is bounded by backward substitution, its ranges are computed, and it gets its lines.
    In the end the branch is closed if an atom is negative. *)

From Coq Require Import ZArith List Lia Bool.
From QnnProof Require Import Vector Outcome Step Graph Ranges Shares Form Bound Lines Backward.
Import ListNotations.
Open Scope Z_scope.

(** What depends on the graph alone. Nothing rests on it. *)
Record facts : Type := {
  norms : vec Z;  (** of each affine node the greatest sum of the magnitudes of a row *)
  is_read : vec bool  (** whether a node reads this one *)
}.

Definition norm_of (n : node) : Z :=
  match n with
  | Affine _ terms =>
      fold_left (fun most '(_, rows) =>
        fold_left (fun most r => Z.max most (fold_left (fun sum '(_, w) => sum + Z.abs w) r 0)) (to_list rows) most) terms 0
  | _ => 0
  end.

Definition facts_of (g : graph) : facts :=
  {| norms := Vec (map norm_of (to_list g));
     is_read := fold_left (fun read n => fold_left (fun read s => if get false read s then read else set read s true) (sources n) read)
                  (to_list g) (filled (size g) false) |}.

(** Whether the lines of an element of a step or a wrap no longer depend on where in its range the argument is. *)
Definition decided (reader : node) (i : nat) (a : range) : bool :=
  match reader with
  | Stepwise _ steps =>
      let f := get flat steps i in
      (match f with
       | Round n d o _ lo hi => (d * lo <=? n * fst a + o) && (n * snd a + o <=? d * hi)
       | Table _ _ => false
       end) || (apply f (fst a) =? apply f (snd a))
  | Wrap _ _ width signed => match wrap_shift width signed a with Some _ => true | None => false end
  | _ => false
  end.

(** The source of a nonlinearity, and its elements on whose ranges the lines depend. *)
Definition undecided (reader : node) (R : ranges) : option (nat * list nat) :=
  match reader with
  | Stepwise s steps => Some (s, filter (fun i => negb (decided reader i (range_at R s i))) (seq 0 (size steps)))
  | Wrap s len _ _ => Some (s, filter (fun i => negb (decided reader i (range_at R s i))) (seq 0 len))
  | Maximum s windows =>
      Some (s, flat_map (fun w => if snd (dominant (get (Vec []) R s) w) then [] else w) (to_list windows))
  | _ => None
  end.

(** The ranges, the lines, and which elements were bounded by substitution. *)
Definition progress : Type := ranges * vec lines * vec (vec bool).

Section Rule.
  Context (g : graph) (known : facts).

  (** Cuts an element's range at the upper bound of [sign] * element. *)
  Definition cut (sign : Z) (s i : nat) (R : ranges) (ls : vec lines) : outcome ranges :=
    match upper g (norms known) R ls 0 (add_at g s i sign (zero_form g)) with
    | Rejected _ => Left R
    | Empty => Empty
    | Left u =>
        bind (if 0 <? sign then meet s i None (Some u) (R, Vec []) else meet s i (Some (- u)) None (R, Vec []))
             (fun st => Left (fst st))
    end.

  (** Bounds an element that a nonlinearity reads, once. *)
  Definition substitute (reader : node) (s i : nat) (st : progress) : outcome progress :=
    let '(R, ls, seen) := st in
    let old := get (Vec []) seen s in
    let mine := if Nat.eqb (size old) 0 then filled (length_of (get nothing g s)) false else old in
    if get true mine i then Left st
    else
      let seen := set seen s (set mine i true) in
      bind (cut 1 s i R ls) (fun R =>
        if decided reader i (range_at R s i) then Left (R, ls, seen)
        else bind (cut (-1) s i R ls) (fun R => Left (R, ls, seen))).

  Definition is_linear (n : node) : bool := match n with Affine _ _ | Gather _ => true | _ => false end.

  (** One node: what it reads, its ranges, its lines. *)
  Definition propagate_node (k : nat) (n : node) (st : progress) : outcome progress :=
    match n with
    | Input _ | Constant _ => Left st
    | _ =>
        bind (match undecided n (fst (fst st)) with
              | Some (s, elements) =>
                  if is_linear (get nothing g s) then walk (fun _ i => substitute n s i) 0 elements st else Left st
              | None => Left st
              end)
          (fun '(R, ls, seen) =>
            bind (walk (fun i '(lo, hi) st => meet k i (Some lo) (Some hi) st) 0 (interval n R) (R, Vec []))
              (fun '(R, _) => Left (R, set ls k (lines_of n R k (get false (is_read known) k)), seen)))
    end.

  (** Whether an atom's upper bound is negative. *)
  Definition excluded (R : ranges) (ls : vec lines) (a : atom) : bool :=
    if forallb (fun '(_, _, factor) => within_64_bits factor) (snd a) then
      match upper g (norms known) R ls (fst a) (add_terms g 1 (snd a) (zero_form g)) with
      | Left u => u <? 0
      | Rejected _ => false
      | Empty => true
      end
    else false.

  (** Whether the rule closes a branch. *)
  Definition propagation_closes (R : ranges) (atoms : list atom) : bool :=
    match walk propagate_node 0 (to_list g) (R, filled (size g) NoLines, filled (size g) (Vec [])) with
    | Rejected _ => false
    | Empty => true
    | Left (R, ls, _) => existsb (excluded R ls) atoms
    end.

  Context (v : nat -> nat -> Z) (M : model g v).

  Definition progress_ok (st : progress) : Prop :=
    let '(R, ls, _) := st in within R v /\ forall k, lines_ok g v k (get NoLines ls k).

  Lemma cut_ok sign s i R ls : (sign = 1 \/ sign = -1) -> within R v -> (forall k, lines_ok g v k (get NoLines ls k)) ->
    okay (fun R => within R v) (cut sign s i R ls).
  Proof.
    intros Hsign H Hls. unfold cut.
    destruct (add_at_ok g v M s i sign (zero_form g) (zero_shape g)) as [Hs Ht]. rewrite (zero_total g v) in Ht.
    pose proof (upper_ok g (norms known) R ls v 0 _ M H Hls Hs) as U.
    destruct (upper _ _ _ _ _ _) as [why | | u]; [exact H | contradiction |]. simpl in U. rewrite Ht in U.
    apply (okay_bind (state_within v)); [| auto].
    destruct Hsign as [E | E]; rewrite E in *; cbn [Z.ltb Z.compare]; apply meet_ok; simpl; auto; lia.
  Qed.

  Lemma substitute_ok reader s i st : progress_ok st -> okay progress_ok (substitute reader s i st).
  Proof.
    destruct st as [[R ls] seen]. intros [H Hls]. unfold substitute. cbv zeta.
    destruct (get true _ i); [split; assumption |].
    eapply okay_bind; [apply (cut_ok 1 s i R ls); auto |]. intros R1 H1. cbv beta in H1.
    destruct (decided _ _ _); [split; assumption |].
    eapply okay_bind; [apply (cut_ok (-1) s i R1 ls); auto |]. intros R2 H2. split; assumption.
  Qed.

  Lemma propagate_node_ok k st : progress_ok st -> okay progress_ok (propagate_node k (get nothing g k) st).
  Proof.
    intros H. unfold propagate_node.
    assert (Main : okay progress_ok
      (bind (match undecided (get nothing g k) (fst (fst st)) with
              | Some (s, elements) =>
                  if is_linear (get nothing g s) then walk (fun _ i => substitute (get nothing g k) s i) 0 elements st else Left st
              | None => Left st
              end)
          (fun '(R, ls, seen) =>
            bind (walk (fun i '(lo, hi) st => meet k i (Some lo) (Some hi) st) 0 (interval (get nothing g k) R) (R, Vec []))
              (fun '(R, _) => Left (R, set ls k (lines_of (get nothing g k) R k (get false (is_read known) k)), seen))))).
    { apply (okay_bind progress_ok).
      - destruct (undecided _ _) as [[s elements] |]; [| exact H]. destruct (is_linear _); [| exact H].
        apply walk_okay; [| exact H]. intros. apply substitute_ok. assumption.
      - intros [[R ls] seen] [HR Hls]. apply (okay_bind (state_within v)).
        + apply (meet_interval_ok g v k); assumption.
        + intros [R' dirty] HR'. unfold state_within in HR'. cbn [fst] in HR'. split; [exact HR' |].
          intros j. rewrite get_set. destruct (Nat.eqb_spec k j) as [E | E]; cbn [andb]; [| apply Hls]. subst j.
          destruct (Nat.ltb k (size ls)); [| apply Hls]. apply lines_of_ok; assumption. }
    destruct (get nothing g k); try exact Main; exact H.
  Qed.

  Lemma excluded_ok R ls a : within R v -> (forall k, lines_ok g v k (get NoLines ls k)) -> holds v a -> excluded R ls a = false.
  Proof.
    intros H Hls Ha. unfold excluded. destruct (forallb _ _); [| reflexivity].
    destruct (add_terms_ok g v M 1 (snd a) (zero_form g) (zero_shape g)) as [Hs Ht]. specialize (Ht (fst a)).
    rewrite (zero_total g v) in Ht. rewrite <- surjective_pairing in Ht.
    pose proof (upper_ok g (norms known) R ls v (fst a) _ M H Hls Hs) as U.
    destruct (upper _ _ _ _ _ _) as [why | | u]; [reflexivity | contradiction |]. simpl in U. unfold holds in Ha.
    apply Z.ltb_ge. lia.
  Qed.

  (** Elements within the ranges of a branch that the rule closes don't meet all atoms. *)
  Theorem propagation_ok R atoms : within R v -> Forall (holds v) atoms -> propagation_closes R atoms = false.
  Proof.
    intros H Ha. unfold propagation_closes.
    assert (W : okay progress_ok (walk propagate_node 0 (to_list g) (R, filled (size g) NoLines, filled (size g) (Vec [])))).
    { apply walk_okay.
      - intros k n st Hn Hst. destruct (nth_error_get nothing _ _ _ Hn) as [_ E]. rewrite <- E. apply propagate_node_ok, Hst.
      - split; [exact H |]. intros k. rewrite get_filled. exact I. }
    destruct (walk _ _ _ _) as [why | | [[R' ls] seen]]; [reflexivity | contradiction |]. destruct W as [HR Hls].
    destruct (existsb (excluded R' ls) atoms) eqn:E; [| reflexivity]. apply existsb_exists in E. destruct E as [a [Hin Hex]].
    rewrite Forall_forall in Ha. rewrite (excluded_ok R' ls a HR Hls (Ha a Hin)) in Hex. discriminate.
  Qed.
End Rule.
