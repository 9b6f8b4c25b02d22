(** The integer IR: a graph of vectors of integers, what it computes, and what is asked of it.

    This file, with [Vector.v] and the first half of [Step.v], is all that a reader of the theorem has to understand. A node reads nodes before it;
    [well_formed] says so, and the checker looks. *)

From Coq Require Import ZArith List Lia Bool.
From QnnProof Require Import Vector Step.
Import ListNotations.
Open Scope Z_scope.

(** A row of a sparse matrix: columns and weights. *)
Notation row := (list (nat * Z)).

Inductive node : Type :=
| Input (box : vec (Z * Z))
    (** any integers within these limits *)
| Constant (values : vec Z)
| Affine (bias : vec Z) (terms : list (nat * vec row))
    (** bias + the sum of matrix times source *)
| Stepwise (source : nat) (steps : vec step)
    (** a step for each element of the source *)
| Wrap (source len : nat) (width : Z) (signed : bool)
    (** each element modulo 2^width, unsigned or in two's complement *)
| Maximum (source : nat) (windows : vec (list nat))
    (** the greatest of the source's elements in each window *)
| Gather (picks : vec (nat * nat)).
    (** elements of nodes *)

(** What stands where there is no node: no elements. *)
Definition nothing : node := Constant (Vec []).

Definition length_of (n : node) : nat :=
  match n with
  | Input box => size box
  | Constant values => size values
  | Affine bias _ => size bias
  | Stepwise _ steps => size steps
  | Wrap _ len _ _ => len
  | Maximum _ windows => size windows
  | Gather picks => size picks
  end.

(** The least result of a wrap. *)
Definition wrap_least (width : Z) (signed : bool) : Z := if signed then - 2 ^ (width - 1) else 0.

(** The number between [wrap_least] and [wrap_least] + 2^width - 1 that differs from a by a multiple of 2^width. *)
Definition wrap (width : Z) (signed : bool) (a : Z) : Z :=
  let low := wrap_least width signed in low + (a - low) mod 2 ^ width.

(** The sum of weight * element over a row. *)
Fixpoint row_sum (r : row) (f : nat -> Z) : Z :=
  match r with
  | [] => 0
  | (column, weight) :: r => weight * f column + row_sum r f
  end.

Definition list_max (l : list Z) : Z := match l with [] => 0 | a :: r => fold_left Z.max r a end.

(** What node [n] has at element [i], given the inputs [x] and the elements [v] of the nodes that it reads. *)
Definition meaning (n : node) (x : nat -> Z) (v : nat -> nat -> Z) (i : nat) : Z :=
  match n with
  | Input _ => x i
  | Constant values => get 0 values i
  | Affine bias terms =>
      fold_right (fun term sum => row_sum (get [] (snd term) i) (v (fst term)) + sum) (get 0 bias i) terms
  | Stepwise s steps => apply (get flat steps i) (v s i)
  | Wrap s _ width signed => wrap width signed (v s i)
  | Maximum s windows => list_max (map (v s) (get [] windows i))
  | Gather picks => let (n, e) := get (O, O) picks i in v n e
  end.

Definition graph : Type := vec node.

(** All elements of all nodes. *)
Definition values : Type := vec (vec Z).

(** An element of a node; zero where there is none. *)
Definition value (vs : values) (k i : nat) : Z := get 0 (get (Vec []) vs k) i.

(** Computes node [k]. *)
Definition eval_node (x : nat -> nat -> Z) (k : nat) (n : node) (vs : values) : values :=
  set vs k (Vec (map (meaning n (x k) (value vs)) (seq 0 (length_of n)))).

Fixpoint eval_from (x : nat -> nat -> Z) (k : nat) (ns : list node) (vs : values) : values :=
  match ns with
  | [] => vs
  | n :: r => eval_from x (S k) r (eval_node x k n vs)
  end.

(** All nodes, from the first to the last; [x k i] is element [i] of input [k]. *)
Definition eval (g : graph) (x : nat -> nat -> Z) : values := eval_from x 0 (to_list g) (filled (size g) (Vec [])).

(** A linear form: a constant, and factors of elements: (node, element, factor). *)
Definition atom : Type := Z * list (nat * nat * Z).

Definition atom_value (a : atom) (v : nat -> nat -> Z) : Z :=
  fold_right (fun '(k, i, factor) sum => factor * v k i + sum) (fst a) (snd a).

(** An atom holds if it is at least zero. *)
Definition holds (v : nat -> nat -> Z) (a : atom) : Prop := 0 <= atom_value a v.

Record obligation : Type := {
  nodes : graph;
  assumptions : list atom;
  cases : list (list atom)
}.

(** Each element of each input is within its limits. *)
Definition in_boxes (g : graph) (x : nat -> nat -> Z) : Prop :=
  forall k box i, get nothing g k = Input box -> (i < size box)%nat ->
  fst (get (0, 0) box i) <= x k i <= snd (get (0, 0) box i).

(** What an obligation asks for: the inputs meet the assumptions and all atoms of a case. *)
Definition answers (o : obligation) (x : nat -> nat -> Z) : Prop :=
  let v := value (eval (nodes o) x) in
  Forall (holds v) (assumptions o) /\ Exists (Forall (holds v)) (cases o).

(** * Well-formed graphs *)

Definition sources (n : node) : list nat :=
  match n with
  | Input _ | Constant _ => []
  | Affine _ terms => map fst terms
  | Stepwise s _ | Wrap s _ _ _ | Maximum s _ => [s]
  | Gather picks => map fst (to_list picks)
  end.

(** What node [n] needs, given the graph that it is in. *)
Definition well_formed_node (g : graph) (n : node) : bool :=
  let len s := length_of (get nothing g s) in
  match n with
  | Input box => forallb (fun r => fst r <=? snd r) (to_list box)
  | Constant _ => true
  | Affine bias terms =>
      forallb (fun '(s, rows) =>
        let columns := len s in
        Nat.eqb (size rows) (size bias)
        && forallb (forallb (fun '(column, _) => Nat.ltb column columns)) (to_list rows)) terms
  | Stepwise s steps => Nat.eqb (size steps) (len s) && forallb well_formed_step (to_list steps)
  | Wrap s n width _ => Nat.eqb n (len s) && (1 <=? width) && (width <=? 63)
  | Maximum s windows =>
      let columns := len s in
      forallb (fun w => negb (Nat.eqb (length w) 0) && forallb (fun i => Nat.ltb i columns) w) (to_list windows)
  | Gather picks => forallb (fun '(s, i) => Nat.ltb i (len s)) (to_list picks)
  end.

Fixpoint well_formed_from (g : graph) (k : nat) (ns : list node) : bool :=
  match ns with
  | [] => true
  | n :: r => forallb (fun s => Nat.ltb s k) (sources n) && well_formed_node g n && well_formed_from g (S k) r
  end.

Definition well_formed (g : graph) : bool := well_formed_from g 0 (to_list g).

Lemma well_formed_at g k :
  well_formed g = true ->
  (forall s, In s (sources (get nothing g k)) -> (s < k)%nat) /\ well_formed_node g (get nothing g k) = true.
Proof.
  intros H. unfold well_formed in H.
  assert (G : forall ns i, well_formed_from g i ns = true -> forall j,
    let n := nth j ns nothing in
    (forall s, In s (sources n) -> (s < i + j)%nat) /\ well_formed_node g n = true).
  { induction ns as [| n ns IH]; intros i W j.
    - destruct j; simpl; split; auto; intros s [].
    - simpl in W. rewrite !andb_true_iff in W. destruct W as [[Ws Wn] W].
      destruct j; simpl.
      + split; [| exact Wn]. intros s Hs. rewrite forallb_forall in Ws. apply Ws in Hs. apply Nat.ltb_lt in Hs. lia.
      + specialize (IH (S i) W j). simpl in IH. destruct IH as [IH1 IH2]. split; [| exact IH2].
        intros s Hs. apply IH1 in Hs. lia. }
  apply (G _ _ H k).
Qed.

(** * What is computed is consistent: each element is what its node says of the others. *)

Definition consistent (g : graph) (v : nat -> nat -> Z) : Prop :=
  forall k i, v k i = if Nat.ltb i (length_of (get nothing g k)) then meaning (get nothing g k) (v k) v i else 0.

(** A node reads its sources only. *)
Lemma meaning_reads n x x' v v' i :
  (forall s j, In s (sources n) -> v s j = v' s j) -> (forall box, n = Input box -> x i = x' i) ->
  (i < length_of n)%nat ->
  meaning n x v i = meaning n x' v' i.
Proof.
  destruct n as [box | c | b t | s st | s l w sg | s ws | p]; simpl; intros H Hx Hi; auto.
  - apply (Hx box eq_refl).
  - clear Hx. induction t as [| [s rows] t IH]; simpl; [reflexivity |].
    rewrite IH by (intros; apply H; simpl; auto). f_equal. simpl in H.
    induction (get [] rows i) as [| [c w] r IHr]; simpl; [reflexivity |]. rewrite IHr. f_equal. f_equal. apply H. auto.
  - rewrite H by auto. reflexivity.
  - rewrite H by auto. reflexivity.
  - f_equal. apply map_ext. intros j. apply H. auto.
  - destruct (get (O, O) p i) as [n e] eqn:E. apply H.
    change n with (fst (n, e)). apply in_map. rewrite <- E. apply nth_In. exact Hi.
Qed.

Lemma value_eval_node x k n vs j i :
  (k < size vs)%nat ->
  value (eval_node x k n vs) j i =
    if Nat.eqb k j then (if Nat.ltb i (length_of n) then meaning n (x k) (value vs) i else 0) else value vs j i.
Proof.
  intros Hk. unfold value at 1, eval_node. destruct (Nat.eqb_spec k j) as [E | E].
  - subst j. rewrite get_set_same by exact Hk. unfold get at 1. simpl.
    destruct (Nat.ltb_spec i (length_of n)) as [Hi | Hi].
    + rewrite (nth_indep _ 0 (meaning n (x k) (value vs) O)) by (rewrite map_length, seq_length; exact Hi).
      rewrite map_nth, seq_nth by exact Hi. reflexivity.
    + apply nth_overflow. rewrite map_length, seq_length. exact Hi.
  - rewrite get_set_other by exact E. reflexivity.
Qed.

Lemma eval_from_before x ns : forall k vs j i,
  (k + length ns <= size vs)%nat -> (j < k)%nat -> value (eval_from x k ns vs) j i = value vs j i.
Proof.
  induction ns as [| n ns IH]; intros k vs j i Hs Hj; simpl in *; [reflexivity |].
  rewrite IH; [| unfold eval_node; rewrite size_set; lia | lia].
  rewrite value_eval_node by lia. destruct (Nat.eqb_spec k j); [lia | reflexivity].
Qed.

Lemma eval_from_at x ns : forall k vs j,
  (k + length ns <= size vs)%nat -> (j < length ns)%nat ->
  (forall j, (forall s, In s (sources (nth j ns nothing)) -> (s < k + j)%nat)) ->
  forall i, value (eval_from x k ns vs) (k + j) i =
    let n := nth j ns nothing in
    if Nat.ltb i (length_of n) then meaning n (x (k + j)%nat) (value (eval_from x k ns vs)) i else 0.
Proof.
  induction ns as [| n ns IH]; intros k vs j Hs Hj Hr i; simpl in Hs, Hj; [lia |].
  assert (Hsz : (S k + length ns <= size (eval_node x k n vs))%nat) by (unfold eval_node; rewrite size_set; lia).
  destruct j as [| j].
  - rewrite Nat.add_0_r. cbn [nth eval_from]. rewrite eval_from_before by (exact Hsz || lia).
    rewrite value_eval_node, Nat.eqb_refl by lia. cbv zeta.
    destruct (Nat.ltb_spec i (length_of n)) as [Hi | Hi]; [| reflexivity].
    apply meaning_reads; auto. intros s e Hin. specialize (Hr O s Hin).
    rewrite eval_from_before by (exact Hsz || lia).
    rewrite value_eval_node by lia. destruct (Nat.eqb_spec k s); [lia | reflexivity].
  - cbn [nth eval_from]. replace (k + S j)%nat with (S k + j)%nat by lia. apply IH; [exact Hsz | lia |].
    intros j' s Hin. specialize (Hr (S j') s Hin). lia.
Qed.

Lemma value_beyond vs k i : (size vs <= k)%nat -> value vs k i = 0.
Proof. intros H. unfold value. rewrite (get_beyond _ vs) by exact H. destruct i; reflexivity. Qed.

Lemma eval_from_size x ns : forall k vs, size (eval_from x k ns vs) = size vs.
Proof. induction ns; intros; simpl; [reflexivity |]. rewrite IHns. apply size_set. Qed.

(** Each element of an evaluation is what its node says, of the inputs and of the elements before. *)
Lemma eval_meaning g x k i :
  well_formed g = true ->
  value (eval g x) k i =
    let n := get nothing g k in
    if Nat.ltb i (length_of n) then meaning n (x k) (value (eval g x)) i else 0.
Proof.
  intros W. destruct (Nat.lt_ge_cases k (size g)) as [Hk | Hk].
  - apply (eval_from_at x (to_list g) 0 _ k).
    + rewrite size_filled. simpl. unfold size. lia.
    + exact Hk.
    + intros j. apply (well_formed_at g j W).
  - rewrite value_beyond.
    + rewrite (get_beyond nothing g) by exact Hk. reflexivity.
    + unfold eval. rewrite eval_from_size, size_filled. exact Hk.
Qed.

Theorem eval_consistent g x : well_formed g = true -> consistent g (value (eval g x)).
Proof.
  intros W k i. rewrite (eval_meaning g x k i W) at 1. cbv zeta.
  destruct (Nat.ltb_spec i (length_of (get nothing g k))) as [Hi | Hi]; [| reflexivity].
  destruct (get nothing g k) eqn:E; simpl; try reflexivity.
  rewrite (eval_meaning g x k i W). cbv zeta. rewrite E. apply Nat.ltb_lt in Hi. rewrite Hi. reflexivity.
Qed.

(** Inputs that agree where the graph has inputs give the same elements. *)
Theorem eval_ext g x y :
  well_formed g = true ->
  (forall k box i, get nothing g k = Input box -> (i < size box)%nat -> x k i = y k i) ->
  forall k i, value (eval g x) k i = value (eval g y) k i.
Proof.
  intros W H k. induction k as [k IH] using (well_founded_induction lt_wf). intros i.
  rewrite !(eval_meaning g _ k i W). cbv zeta.
  destruct (Nat.ltb_spec i (length_of (get nothing g k))) as [Hi | Hi]; [| reflexivity].
  destruct (well_formed_at g k W) as [Hs _].
  apply meaning_reads; [auto | | exact Hi].
  intros box E. apply (H k box i E). rewrite E in Hi. exact Hi.
Qed.
