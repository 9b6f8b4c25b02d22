(** Steps: monotone functions from integers to integers.

    A step is a rounded quotient within limits, or a table of thresholds. All later proofs use three facts: [apply_limits], [apply_threshold] and [apply_monotone]. *)

From Coq Require Import ZArith List Lia Bool.
From QnnProof Require Import Vector.
Import ListNotations.
Open Scope Z_scope.

Inductive mode : Type :=
| HalfUp | HalfEven | HalfAway | HalfDown | HalfTowardZero | Floor | Ceil | TowardZero | Up.

Inductive step : Type :=
| Round (numerator denominator offset : Z) (m : mode) (lo hi : Z)
    (** clamp(round((numerator * a + offset) / denominator), lo, hi) *)
| Table (lo : Z) (thresholds : vec Z).
    (** lo + the number of thresholds that are at most a *)

(** Whether p / d, which is no integer, is rounded up; [q] is the quotient rounded down and [r] what is left. *)
Definition rounds_up (m : mode) (p d q r : Z) : bool :=
  match m with
  | HalfUp => d <=? 2 * r
  | HalfEven => (d <? 2 * r) || ((d =? 2 * r) && Z.odd q)
  | HalfAway => (d <? 2 * r) || ((d =? 2 * r) && (0 <? p))
  | HalfDown => d <? 2 * r
  | HalfTowardZero => (d <? 2 * r) || ((d =? 2 * r) && (p <? 0))
  | Floor => false
  | Ceil => true
  | TowardZero => p <? 0
  | Up => 0 <? p
  end.

(** p / d as an integer. *)
Definition round (m : mode) (p d : Z) : Z :=
  let (q, r) := Z.div_eucl p d in
  if r =? 0 then q else if rounds_up m p d q r then q + 1 else q.

Definition clamp (lo hi z : Z) : Z := Z.max lo (Z.min hi z).

Fixpoint count (a : Z) (l : list Z) : Z :=
  match l with
  | [] => 0
  | t :: r => if t <=? a then 1 + count a r else count a r
  end.

Definition apply (f : step) (a : Z) : Z :=
  match f with
  | Round n d o m lo hi => clamp lo hi (round m (n * a + o) d)
  | Table lo thresholds => lo + count a (to_list thresholds)
  end.

Definition least (f : step) : Z := match f with Round _ _ _ _ lo _ => lo | Table lo _ => lo end.

Definition greatest (f : step) : Z :=
  match f with Round _ _ _ _ _ hi => hi | Table lo thresholds => lo + Z.of_nat (size thresholds) end.

(** The thresholds of a table don't fall. *)
Fixpoint sorted (l : list Z) : bool :=
  match l with
  | a :: ((b :: _) as r) => (a <=? b) && sorted r
  | _ => true
  end.

Definition well_formed_step (f : step) : bool :=
  match f with
  | Round n d _ _ lo hi => (0 <? n) && (0 <? d) && (lo <=? hi)
  | Table _ thresholds => sorted (to_list thresholds)
  end.

(** round(p / d) >= v is 2 p >= b d, or 2 p > b d if strict, for this b. *)
Definition reach (m : mode) (v : Z) : Z * bool :=
  match m with
  | HalfUp => (2 * v - 1, false)
  | HalfEven => (2 * v - 1, Z.odd v)
  | HalfAway => (2 * v - 1, v <=? 0)
  | HalfDown => (2 * v - 1, true)
  | HalfTowardZero => (2 * v - 1, 0 <? v)
  | Floor => (2 * v, false)
  | Ceil => (2 * v - 2, true)
  | TowardZero => if 0 <? v then (2 * v, false) else (2 * v - 2, true)
  | Up => if 0 <? v then (2 * v - 2, true) else (2 * v, false)
  end.

(** The least a at which a step is at least v; for least < v <= greatest. *)
Definition threshold (f : step) (v : Z) : Z :=
  match f with
  | Round n d o m _ _ =>
      let (b, strict) := reach m v in
      let (q, r) := Z.div_eucl (b * d - 2 * o) (2 * n) in
      if strict || negb (r =? 0) then q + 1 else q
  | Table lo thresholds => get 0 thresholds (Z.to_nat (v - lo - 1))
  end.

(** p is reached from b d on. *)
Definition reached (m : mode) (v p d : Z) : Prop :=
  let (b, strict) := reach m v in if strict then b * d < 2 * p else b * d <= 2 * p.

Lemma round_reaches m v p d : 0 < d -> (v <= round m p d <-> reached m v p d).
Proof.
  intros Hd. unfold round, reached.
  pose proof (Z_div_mod p d ltac:(lia)) as D. destruct (Z.div_eucl p d) as [q r]. destruct D as [Hp Hr].
  assert (Hv : v <= q /\ v * d <= q * d \/ v = q + 1 \/ q + 2 <= v /\ (q + 2) * d <= v * d).
  { pose proof (fun x y => Z.mul_le_mono_nonneg_r x y d ltac:(lia)) as mono.
    destruct (Z_le_gt_dec v q); [left; auto |]. destruct (Z.eq_dec v (q + 1)); [auto |]. right; right. split; [| apply mono]; lia. }
  assert (Hpos : 0 <= q -> 0 <= d * q) by (intros; apply Z.mul_nonneg_nonneg; lia).
  assert (Hneg : q < 0 -> d * q <= - d).
  { intros. pose proof (Z.mul_le_mono_nonneg_l q (-1) d ltac:(lia) ltac:(lia)). lia. }
  assert (Ho : Z.odd (q + 1) = negb (Z.odd q)) by (rewrite Z.add_1_r, Z.odd_succ, <- Z.negb_odd; reflexivity).
  destruct (Z.eqb_spec r 0) as [Hr0 | Hr0];
    destruct Hv as [[Hv Hvd] | [Hv | [Hv Hvd]]]; try subst v; destruct m; cbn [reach rounds_up]; try rewrite Ho;
    repeat match goal with
      | |- context [Z.ltb ?x ?y] => destruct (Z.ltb_spec x y)
      | |- context [Z.leb ?x ?y] => destruct (Z.leb_spec x y)
      | |- context [Z.eqb ?x ?y] => destruct (Z.eqb_spec x y)
      | |- context [Z.odd ?x] => destruct (Z.odd x)
      end; cbn [andb orb negb]; lia.
Qed.

(** The quotient of a threshold, rounded up or beyond, is where a multiple passes. *)
Lemma first_multiple n x (strict : bool) a : 0 < n ->
  let (q, r) := Z.div_eucl x n in
  ((if strict || negb (r =? 0) then q + 1 else q) <= a <-> (if strict then x < n * a else x <= n * a)).
Proof.
  intros Hn. pose proof (Z_div_mod x n ltac:(lia)) as D. destruct (Z.div_eucl x n) as [q r]. destruct D as [Hx Hr].
  assert (a <= q - 1 /\ n * a <= n * q - n \/ a = q \/ q + 1 <= a /\ n * q + n <= n * a) as Ha.
  { pose proof (fun x y => Z.mul_le_mono_nonneg_l x y n ltac:(lia)) as mono.
    destruct (Z_le_gt_dec a (q - 1)) as [H | H]; [left; specialize (mono a (q - 1) H); lia |].
    destruct (Z.eq_dec a q); [auto |]. right; right. specialize (mono (q + 1) a ltac:(lia)). lia. }
  destruct Ha as [Ha | [Ha | Ha]]; try subst a; destruct strict, (Z.eqb_spec r 0); cbn [orb negb]; lia.
Qed.

Lemma sorted_head a l : sorted (a :: l) = true -> forall i, (i < length l)%nat -> a <= nth i l 0.
Proof.
  revert a. induction l as [| b l IH]; intros a H i Hi; simpl in Hi; [lia |].
  simpl in H. apply andb_true_iff in H. destruct H as [Hab H]. apply Z.leb_le in Hab.
  destruct i; simpl; [exact Hab |]. specialize (IH b H i ltac:(lia)). lia.
Qed.

Lemma sorted_tail a l : sorted (a :: l) = true -> sorted l = true.
Proof. destruct l; simpl; [reflexivity |]. rewrite andb_true_iff. tauto. Qed.

Lemma count_limits a l : 0 <= count a l <= Z.of_nat (length l).
Proof. induction l as [| t l IH]; cbn [count length]; [lia |]. destruct (t <=? a); lia. Qed.

Lemma count_sorted a l : forall j, sorted l = true -> (j < length l)%nat ->
  (Z.of_nat j < count a l <-> nth j l 0 <= a).
Proof.
  induction l as [| t l IH]; intros j Hs Hj; cbn [length] in Hj; [lia |].
  pose proof (sorted_head t l Hs) as Hh. pose proof (sorted_tail t l Hs) as Ht. cbn [count].
  pose proof (count_limits a l).
  destruct (t <=? a) eqn:E; [apply Z.leb_le in E | apply Z.leb_gt in E].
  - destruct j; cbn [nth]; [lia |]. specialize (IH j Ht ltac:(lia)). lia.
  - assert (count a l = 0).
    { destruct l as [| b l]; [reflexivity |]. specialize (IH O Ht ltac:(simpl; lia)).
      specialize (Hh O ltac:(simpl; lia)). simpl nth in *. lia. }
    destruct j; cbn [nth]; [lia |]. specialize (Hh j ltac:(lia)). lia.
Qed.

Lemma apply_limits f a : well_formed_step f = true -> least f <= apply f a <= greatest f.
Proof.
  destruct f as [n d o m lo hi | lo t]; unfold well_formed_step, least, greatest, apply; intros H.
  - rewrite !andb_true_iff, Z.leb_le in H. unfold clamp. lia.
  - pose proof (count_limits a (to_list t)). unfold size. lia.
Qed.

(** A step is at least v from its threshold on. *)
Theorem apply_threshold f v a :
  well_formed_step f = true -> least f < v <= greatest f -> (v <= apply f a <-> threshold f v <= a).
Proof.
  destruct f as [n d o m lo hi | lo t]; unfold well_formed_step, least, greatest, apply, threshold; intros H Hv.
  - rewrite !andb_true_iff, Z.leb_le, !Z.ltb_lt in H. destruct H as [[Hn Hd] Hl].
    pose proof (round_reaches m v (n * a + o) d Hd) as Hr. unfold reached in Hr.
    transitivity (v <= round m (n * a + o) d). { unfold clamp. lia. }
    rewrite Hr. destruct (reach m v) as [b strict].
    pose proof (first_multiple (2 * n) (b * d - 2 * o) strict a ltac:(lia)) as Hf.
    destruct (Z.div_eucl (b * d - 2 * o) (2 * n)) as [q r]. rewrite Hf.
    replace (2 * (n * a + o)) with (2 * n * a + 2 * o) by ring. destruct strict; lia.
  - unfold size in Hv. pose proof (count_sorted a (to_list t) (Z.to_nat (v - lo - 1)) H ltac:(lia)) as C.
    unfold get. rewrite <- C. lia.
Qed.

Lemma apply_monotone f a b : well_formed_step f = true -> a <= b -> apply f a <= apply f b.
Proof.
  intros H Hab. pose proof (apply_limits f a H). pose proof (apply_limits f b H).
  destruct (Z.eq_dec (apply f a) (least f)); [lia |].
  pose proof (apply_threshold f (apply f a) a H ltac:(lia)). pose proof (apply_threshold f (apply f a) b H ltac:(lia)). lia.
Qed.

(** The step without arguments: zero everywhere. *)
Definition flat : step := Table 0 (Vec []).

Lemma apply_flat a : apply flat a = 0.
Proof. reflexivity. Qed.
