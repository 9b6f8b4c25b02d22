(** Linear forms over the elements of a graph: a vector of coefficients for each node.

    A node without coefficients has an empty vector. [total] is what a form is for given elements; the lemmas say what each operation adds to it. *)

From Coq Require Import ZArith List Lia Bool.
From QnnProof Require Import Vector Outcome Step Graph Ranges Shares.
Import ListNotations.
Open Scope Z_scope.

Definition form : Type := vec (vec Z).

Definition zero_form (g : graph) : form := filled (size g) (Vec []).

Definition total (cs : form) (v : nat -> nat -> Z) : Z := dots (to_list cs) v.

Definition shape (g : graph) (cs : form) : Prop :=
  size cs = size g /\
  forall k, size (get (Vec []) cs k) = O \/ size (get (Vec []) cs k) = length_of (get nothing g k).

(** The coefficients of a node, all of them. *)
Definition live (g : graph) (cs : form) (k : nat) : vec Z :=
  let c := get (Vec []) cs k in
  if Nat.eqb (size c) 0 then filled (length_of (get nothing g k)) 0 else c.

(** target + c * row. *)
Fixpoint add_row (r : row) (c : Z) (target : vec Z) : vec Z :=
  match r with
  | [] => target
  | (column, w) :: r => add_row r c (set target column (get 0 target column + c * w))
  end.

(** target + the sum of coefficient * row. *)
Fixpoint pull (rows : list row) (mine : list Z) (target : vec Z) : vec Z :=
  match rows, mine with
  | r :: rows, c :: mine => pull rows mine (if c =? 0 then target else add_row r c target)
  | _, _ => target
  end.

(** Adds a multiple of an element. *)
Definition add_at (g : graph) (k i : nat) (x : Z) (cs : form) : form :=
  if x =? 0 then cs else let t := live g cs k in set cs k (set t i (get 0 t i + x)).

(** Adds a linear form times a weight. *)
Definition add_terms (g : graph) (weight : Z) (terms : list (nat * nat * Z)) (cs : form) : form :=
  fold_left (fun cs '(k, i, factor) => add_at g k i (weight * factor) cs) terms cs.

(** * Sums *)

Fixpoint sum_from (h : nat -> Z) (i n : nat) : Z :=
  match n with
  | O => 0
  | S n => h i + sum_from h (S i) n
  end.

Lemma sum_from_shift h n : forall i, sum_from h (S i) n = sum_from (fun j => h (S j)) i n.
Proof. induction n; intros; simpl; [reflexivity |]. rewrite IHn. reflexivity. Qed.

Lemma sum_from_ext h h' n : forall i, (forall j, (i <= j < i + n)%nat -> h j = h' j) -> sum_from h i n = sum_from h' i n.
Proof. induction n; intros i H; simpl; [reflexivity |]. rewrite H by lia. f_equal. apply IHn. intros. apply H. lia. Qed.

Lemma dot_sum c : forall f, dot c f = sum_from (fun i => nth i c 0 * f i) 0 (length c).
Proof. induction c as [| x c IH]; intros f; simpl; [reflexivity |]. rewrite IH, sum_from_shift. reflexivity. Qed.

Lemma dots_sum cs : forall v, dots cs v = sum_from (fun k => dot (to_list (nth k cs (Vec []))) (v k)) 0 (length cs).
Proof. induction cs as [| x cs IH]; intros v; simpl; [reflexivity |]. rewrite IH, sum_from_shift. reflexivity. Qed.

Lemma dot_ext c : forall f f', (forall i, (i < length c)%nat -> f i = f' i) -> dot c f = dot c f'.
Proof.
  induction c as [| x c IH]; intros f f' H; simpl; [reflexivity |].
  rewrite (H O) by (simpl; lia). f_equal. apply IH. intros i Hi. apply H. simpl. lia.
Qed.

Lemma dot_add c : forall f f', dot c (fun i => f i + f' i) = dot c f + dot c f'.
Proof. induction c as [| x c IH]; intros f f'; simpl; [reflexivity |]. rewrite (IH (fun i => f (S i)) (fun i => f' (S i))). lia. Qed.

Lemma dot_zero c : forall f, (forall i, f i = 0) -> dot c f = 0.
Proof. induction c as [| x c IH]; intros f H; simpl; [reflexivity |]. rewrite IH, H by (intros; apply H). lia. Qed.

(** A walk each of whose steps takes h(i) off an account takes the sum off. *)
Lemma walk_sum {S A} (P : S -> Z -> Prop) (h : nat -> Z) (f : nat -> A -> S -> outcome S) l : forall i s account,
  (forall j a s account, nth_error l j = Some a -> P s account -> okay (fun s' => P s' (account - h (i + j)%nat)) (f (i + j)%nat a s)) ->
  P s account -> okay (fun s' => P s' (account - sum_from h i (length l))) (walk f i l s).
Proof.
  induction l as [| a l IH]; intros i s account step start; simpl.
  - rewrite Z.sub_0_r. exact start.
  - pose proof (step O a s account eq_refl start) as first. rewrite Nat.add_0_r in first.
    destruct (f i a s) as [why | | next]; simpl in *; try contradiction; auto.
    eapply okay_weaken.
    + apply (IH (Datatypes.S i) next (account - h i)); [| exact first].
      intros j b t acc at_j. replace (Datatypes.S i + j)%nat with (i + Datatypes.S j)%nat by lia. apply step. exact at_j.
    + intros t Ht. simpl in Ht. replace (account - (h i + sum_from h (Datatypes.S i) (length l)))
        with (account - h i - sum_from h (Datatypes.S i) (length l)) by lia. exact Ht.
Qed.

(** * What operations add *)

Section Forms.
  Context (g : graph) (v : nat -> nat -> Z) (M : model g v).

  Lemma size_live cs k : shape g cs -> size (live g cs k) = length_of (get nothing g k).
  Proof.
    intros [_ H]. unfold live. destruct (Nat.eqb_spec (size (get (Vec []) cs k)) 0) as [E | E].
    - apply size_filled.
    - destruct (H k); [contradiction | assumption].
  Qed.

  Lemma dot_live cs k f : dot (to_list (live g cs k)) f = dot (to_list (get (Vec []) cs k)) f.
  Proof.
    unfold live. destruct (Nat.eqb_spec (size (get (Vec []) cs k)) 0) as [E | E]; [| reflexivity].
    simpl. rewrite dot_zeros. destruct (get (Vec []) cs k) as [[| x l]]; [reflexivity | discriminate].
  Qed.

  Lemma zero_shape : shape g (zero_form g).
  Proof. split; [apply size_filled |]. intros k. left. unfold zero_form. rewrite get_filled. reflexivity. Qed.

  Lemma zero_total : total (zero_form g) v = 0.
  Proof. apply dots_empty. Qed.

  Lemma put_shape cs k t : shape g cs -> size t = O \/ size t = length_of (get nothing g k) -> shape g (set cs k t).
  Proof.
    intros [Hs H] Ht. split; [rewrite size_set; exact Hs |]. intros j. rewrite get_set.
    destruct (Nat.eqb_spec k j) as [E | E]; simpl; [| apply H]. subst j. destruct (Nat.ltb k (size cs)); [exact Ht | apply H].
  Qed.

  Lemma put_total cs k t : shape g cs -> size t = O \/ size t = length_of (get nothing g k) ->
    total (set cs k t) v = total cs v - dot (to_list (get (Vec []) cs k)) (v k) + dot (to_list t) (v k).
  Proof.
    intros [Hs H] Ht. unfold total. destruct (Nat.lt_ge_cases k (size cs)) as [Hk | Hk].
    - unfold set. simpl. rewrite dots_replace by exact Hk. unfold get. lia.
    - rewrite (get_beyond _ cs) by exact Hk. rewrite (get_beyond nothing g) in Ht by lia.
      assert (size t = O) by (destruct Ht; assumption). destruct t as [[| x l]]; [| discriminate]. simpl.
      assert (E : forall (l : list (vec Z)) i x, (length l <= i)%nat -> replace i x l = l).
      { clear. induction l as [| y l IH]; intros i x Hi; [destruct i; reflexivity |].
        destruct i; simpl in *; [lia |]. rewrite IH by lia. reflexivity. }
      rewrite E by exact Hk. lia.
  Qed.

  Lemma add_row_ok r c f : forall t, (forall j, (size t <= j)%nat -> f j = 0) ->
    size (add_row r c t) = size t /\ dot (to_list (add_row r c t)) f = dot (to_list t) f + c * row_sum r f.
  Proof.
    induction r as [| [j w] r IH]; intros t Hf; simpl; [split; [reflexivity | lia] |].
    destruct (IH (set t j (get 0 t j + c * w))) as [Hs Hd]; [intros i Hi; rewrite size_set in Hi; auto |].
    rewrite Hs, Hd, size_set. split; [reflexivity |].
    destruct (Nat.lt_ge_cases j (size t)) as [Hj | Hj].
    - unfold set. simpl. rewrite dot_replace by exact Hj. unfold get. lia.
    - rewrite (Hf j Hj). assert (E : forall (l : list Z) i x, (length l <= i)%nat -> replace i x l = l).
      { clear. induction l as [| y l IH]; intros i x Hi; [destruct i; reflexivity |].
        destruct i; simpl in *; [lia |]. rewrite IH by lia. reflexivity. }
      unfold set. simpl. rewrite E by exact Hj. lia.
  Qed.

  Lemma pull_ok rows f : forall mine t, (forall j, (size t <= j)%nat -> f j = 0) ->
    size (pull rows mine t) = size t /\
    dot (to_list (pull rows mine t)) f = dot (to_list t) f + dot mine (fun i => row_sum (nth i rows []) f).
  Proof.
    induction rows as [| r rows IH]; intros mine t Hf; cbn [pull].
    - split; [reflexivity |]. rewrite (dot_zero mine); [lia |]. intros [| i]; reflexivity.
    - destruct mine as [| c mine]; [cbn [dot]; split; [reflexivity | lia] |]. cbn [dot nth].
      destruct (Z.eqb_spec c 0) as [E | E].
      + destruct (IH mine t Hf) as [Hs Hd]. rewrite Hs, Hd. split; [reflexivity | subst c; lia].
      + destruct (add_row_ok r c f t Hf) as [Hs Hd].
        destruct (IH mine (add_row r c t)) as [Hs' Hd']; [intros j Hj; apply Hf; lia |].
        rewrite Hs', Hd', Hs, Hd. split; [reflexivity | lia].
  Qed.

  Lemma live_beyond cs k j : shape g cs -> (size (live g cs k) <= j)%nat -> v k j = 0.
  Proof. intros H Hj. rewrite size_live in Hj by exact H. apply (beyond_zero g v k j M Hj). Qed.

  Lemma add_at_ok k i x cs : shape g cs ->
    shape g (add_at g k i x cs) /\ total (add_at g k i x cs) v = total cs v + x * v k i.
  Proof.
    intros H. unfold add_at. destruct (Z.eqb_spec x 0) as [E | E]; [split; [exact H | subst x; lia] |].
    set (t := live g cs k).
    assert (Ht : size (set t i (get 0 t i + x)) = length_of (get nothing g k)) by (rewrite size_set; apply size_live, H).
    split; [apply put_shape; auto |]. rewrite put_total by auto.
    rewrite <- dot_live. fold t.
    pose proof (add_row_ok [(i, 1)] x (v k) t (fun j => live_beyond cs k j H)) as [_ Hr].
    cbn [add_row row_sum] in Hr. rewrite !Z.mul_1_r in Hr. lia.
  Qed.

  Lemma add_terms_ok weight terms : forall cs, shape g cs ->
    shape g (add_terms g weight terms cs) /\
    forall c, weight * c + total (add_terms g weight terms cs) v = total cs v + weight * atom_value (c, terms) v.
  Proof.
    induction terms as [| [[k i] factor] terms IH]; intros cs H; simpl; [split; [exact H | intros; unfold atom_value; simpl; lia] |].
    destruct (add_at_ok k i (weight * factor) cs H) as [Hs Ht]. destruct (IH _ Hs) as [Hs' Ht'].
    split; [exact Hs' |]. intros c. unfold add_terms in Ht'. rewrite Ht', Ht. unfold atom_value. simpl. lia.
  Qed.
End Forms.
