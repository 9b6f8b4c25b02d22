(** Vectors, and sums of products over them.

    A vector is a list behind a constructor, so that the extracted program can hold it in an array: there [Vec] builds an array, a match reads it as a
    list, and [get], [set] and [size] take constant time (see [Extract.v]). Here they are what these definitions say. *)

From Coq Require Import ZArith List Lia Bool.
Import ListNotations.
Open Scope Z_scope.

Inductive vec (A : Type) : Type := Vec (elements : list A).
Arguments Vec {A} elements.

Section Vectors.
  Context {A : Type}.

  Definition to_list (v : vec A) : list A := match v with Vec l => l end.

  (** The element at a place, or [d] where there is none. *)
  Definition get (d : A) (v : vec A) (i : nat) : A := nth i (to_list v) d.

  Fixpoint replace (i : nat) (x : A) (l : list A) : list A :=
    match l, i with
    | [], _ => []
    | _ :: r, O => x :: r
    | y :: r, S i => y :: replace i x r
    end.

  (** The same vector with another element at a place; the same, where there is no such place. *)
  Definition set (v : vec A) (i : nat) (x : A) : vec A := Vec (replace i x (to_list v)).

  Definition size (v : vec A) : nat := length (to_list v).

  Lemma replace_length i x l : length (replace i x l) = length l.
  Proof. revert i; induction l as [| y l IH]; intros [| i]; simpl; auto. Qed.

  Lemma nth_replace d x l : forall i j,
    nth j (replace i x l) d = if Nat.eqb i j && Nat.ltb j (length l) then x else nth j l d.
  Proof.
    induction l as [| y l IH]; intros i j.
    - destruct i, j; simpl; rewrite ?andb_false_r; reflexivity.
    - destruct i, j; simpl; try reflexivity. rewrite IH. destruct (Nat.eqb i j); reflexivity.
  Qed.

  Lemma size_set v i x : size (set v i x) = size v.
  Proof. apply replace_length. Qed.

  Lemma get_set d v i x j : get d (set v i x) j = if Nat.eqb i j && Nat.ltb j (size v) then x else get d v j.
  Proof. apply nth_replace. Qed.

  Lemma get_set_other d v i x j : i <> j -> get d (set v i x) j = get d v j.
  Proof. intros H. rewrite get_set. apply Nat.eqb_neq in H. rewrite H. reflexivity. Qed.

  Lemma get_set_same d v i x : (i < size v)%nat -> get d (set v i x) i = x.
  Proof. intros H. rewrite get_set, Nat.eqb_refl. apply Nat.ltb_lt in H. rewrite H. reflexivity. Qed.

  (** What holds of the old elements and of the new one holds of all. *)
  Lemma get_set_cases (P : A -> Prop) d v i x j : P x -> P (get d v j) -> P (get d (set v i x) j).
  Proof. intros Hx Hv. rewrite get_set. destruct (_ && _); assumption. Qed.

  Lemma get_beyond d v i : (size v <= i)%nat -> get d v i = d.
  Proof. apply nth_overflow. Qed.

  (** What holds of the default and of each element of the list holds of what [get] finds. *)
  Lemma get_all (P : A -> Prop) d v i : P d -> (forall x, In x (to_list v) -> P x) -> P (get d v i).
  Proof.
    intros Hd Hall. unfold get. destruct (Nat.lt_ge_cases i (length (to_list v))) as [H | H].
    - apply Hall, nth_In, H.
    - rewrite nth_overflow by exact H. exact Hd.
  Qed.

  Definition filled (n : nat) (x : A) : vec A := Vec (repeat x n).

  Lemma size_filled n x : size (filled n x) = n.
  Proof. apply repeat_length. Qed.

  Lemma get_filled n x i : get x (filled n x) i = x.
  Proof.
    apply (get_all (fun y => y = x)); [reflexivity |]. intros y. simpl. apply repeat_spec.
  Qed.
End Vectors.

(** The list of what a function gives for each element and its place, counted from [i]. *)
Fixpoint mapi {A B} (f : nat -> A -> B) (i : nat) (l : list A) : list B :=
  match l with
  | [] => []
  | x :: r => f i x :: mapi f (S i) r
  end.

Lemma mapi_length {A B} (f : nat -> A -> B) l : forall i, length (mapi f i l) = length l.
Proof. induction l; intros; simpl; auto. Qed.

Lemma nth_mapi {A B} (f : nat -> A -> B) a b l : forall i j,
  (j < length l)%nat -> nth j (mapi f i l) b = f (i + j)%nat (nth j l a).
Proof.
  induction l as [| x l IH]; intros i j H; simpl in H; [lia |].
  destruct j; simpl.
  - f_equal. lia.
  - rewrite IH by lia. f_equal. lia.
Qed.

(** The sum of c(i) * f(i) over a list of coefficients. *)
Fixpoint dot (c : list Z) (f : nat -> Z) : Z :=
  match c with
  | [] => 0
  | x :: r => x * f O + dot r (fun i => f (S i))
  end.

Lemma dot_replace x c : forall f i,
  (i < length c)%nat -> dot (replace i x c) f = dot c f + (x - nth i c 0) * f i.
Proof.
  induction c as [| y c IH]; intros f i H; simpl in H; [lia |].
  destruct i; simpl; [lia |]. rewrite IH by lia. lia.
Qed.

Lemma dot_zeros n : forall f, dot (repeat 0 n) f = 0.
Proof. induction n; intros; simpl; [| rewrite IHn]; lia. Qed.

(** The same for a vector of coefficients for each node of a graph. *)
Fixpoint dots (cs : list (vec Z)) (v : nat -> nat -> Z) : Z :=
  match cs with
  | [] => 0
  | c :: r => dot (to_list c) (v O) + dots r (fun k => v (S k))
  end.

Lemma dots_replace x cs : forall v k,
  (k < length cs)%nat ->
  dots (replace k x cs) v = dots cs v + dot (to_list x) (v k) - dot (to_list (nth k cs (Vec []))) (v k).
Proof.
  induction cs as [| c cs IH]; intros v k H; simpl in H; [lia |].
  destruct k; simpl; [lia |]. rewrite IH by lia. lia.
Qed.

Lemma dots_empty n : forall v, dots (repeat (Vec []) n) v = 0.
Proof. induction n; intros; simpl; [| rewrite IHn]; lia. Qed.
