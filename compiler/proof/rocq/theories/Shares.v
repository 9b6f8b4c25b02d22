(** A nonlinear element's share of a dual bound: what c * y - m * a is at most, for the argument a in its range and y its value.

    Each function has one lemma: the share is not below any c * y - m * a that can occur. [None] where the share does not exist: the certificate is rejected. *)

From Coq Require Import ZArith List Lia Bool.
From QnnProof Require Import Vector Outcome Step Graph Ranges.
Import ListNotations.
Open Scope Z_scope.

Definition max_option (best : option Z) (z : Z) : option Z :=
  match best with Some b => Some (Z.max b z) | None => Some z end.

Definition max_options (best new : option Z) : option Z :=
  match new with Some z => max_option best z | None => best end.

Definition at_most_some (z : Z) (best : option Z) : Prop := exists b, best = Some b /\ z <= b.

Lemma at_most_max_l z best new : at_most_some z best -> at_most_some z (max_options best new).
Proof. intros [b [E H]]. subst best. destruct new as [n |]; simpl; eexists; split; eauto; lia. Qed.

Lemma at_most_max_r z best new : at_most_some z new -> at_most_some z (max_options best new).
Proof. intros [b [E H]]. subst new. destruct best as [c |]; simpl; eexists; split; eauto; lia. Qed.

Lemma at_most_le z z' best : at_most_some z' best -> z <= z' -> at_most_some z best.
Proof. intros [b [E H]] Hz. exists b. split; [exact E | lia]. Qed.

(** The greatest z * factor for z in a range. *)
Definition best (factor : Z) (r : range) : Z := factor * (if 0 <? factor then snd r else fst r).

Lemma best_ok factor r z : inside r z -> factor * z <= best factor r.
Proof.
  unfold inside, best. intros [Hl Hu]. destruct (Z.ltb_spec 0 factor).
  - apply Z.mul_le_mono_nonneg_l; lia.
  - apply Z.mul_le_mono_nonpos_l; lia.
Qed.

(** A linear function is nowhere above its greater end. *)
Lemma linear_ends k a l u : l <= a <= u -> k * a <= k * l \/ k * a <= k * u.
Proof.
  intros [Hl Hu]. destruct (Z_le_gt_dec 0 k).
  - right. apply Z.mul_le_mono_nonneg_l; lia.
  - left. apply Z.mul_le_mono_nonpos_l; lia.
Qed.

(** * Steps *)

(** The greatest c * v - m * a over the arguments a in a range at which a step is v; [None] if there are none. *)
Definition value_share (f : step) (c m v : Z) (a : range) : option Z :=
  let first := if least f <? v then Z.max (fst a) (threshold f v) else fst a in
  let last := if v <? greatest f then Z.min (snd a) (threshold f (v + 1) - 1) else snd a in
  if last <? first then None else Some (c * v - m * (if 0 <? m then first else last)).

Lemma value_share_ok f c m a z : well_formed_step f = true -> inside a z ->
  at_most_some (c * apply f z - m * z) (value_share f c m (apply f z) a).
Proof.
  intros W [Hl Hu]. pose proof (apply_limits f z W) as L. unfold value_share.
  set (first := if least f <? apply f z then _ else _). set (last := if apply f z <? greatest f then _ else _).
  assert (Hf : first <= z).
  { unfold first. destruct (Z.ltb_spec (least f) (apply f z)); [| exact Hl].
    pose proof (apply_threshold f (apply f z) z W ltac:(lia)). lia. }
  assert (Hz : z <= last).
  { unfold last. destruct (Z.ltb_spec (apply f z) (greatest f)); [| exact Hu].
    pose proof (apply_threshold f (apply f z + 1) z W ltac:(lia)). lia. }
  destruct (Z.ltb_spec last first); [lia |]. eexists. split; [reflexivity |].
  destruct (Z.ltb_spec 0 m).
  - pose proof (Z.mul_le_mono_nonneg_l first z m ltac:(lia) Hf). lia.
  - pose proof (Z.mul_le_mono_nonpos_l z last m ltac:(lia) Hz). lia.
Qed.

(** The greatest of [n] values from [v] on. *)
Fixpoint values_share (f : step) (c m : Z) (a : range) (n : nat) (v : Z) (so_far : option Z) : option Z :=
  match n with
  | O => so_far
  | S n => values_share f c m a n (v + 1) (max_options so_far (value_share f c m v a))
  end.

Lemma values_share_keeps f c m a z n : forall v so_far, at_most_some z so_far -> at_most_some z (values_share f c m a n v so_far).
Proof. induction n; intros; simpl; [assumption |]. apply IHn, at_most_max_l. assumption. Qed.

Lemma values_share_ok f c m a z : well_formed_step f = true -> inside a z ->
  forall n v so_far, v <= apply f z < v + Z.of_nat n ->
  at_most_some (c * apply f z - m * z) (values_share f c m a n v so_far).
Proof.
  intros W H. induction n as [| n IH]; intros v so_far Hv; cbn [values_share]; [lia |].
  destruct (Z.eq_dec v (apply f z)) as [E | E].
  - apply values_share_keeps, at_most_max_r. rewrite E. apply value_share_ok; assumption.
  - apply IH. lia.
Qed.

(** The first and the last value that a step has within the ranges of its result and its argument. *)
Definition step_values (f : step) (y a : range) : range := (Z.max (apply f (fst a)) (fst y), Z.min (apply f (snd a)) (snd y)).

Lemma step_values_ok f y a z : well_formed_step f = true -> inside a z -> inside y (apply f z) ->
  inside (step_values f y a) (apply f z).
Proof.
  intros W [Hl Hu] [Hyl Hyu]. pose proof (apply_monotone f (fst a) z W Hl). pose proof (apply_monotone f z (snd a) W Hu).
  unfold inside, step_values; simpl. lia.
Qed.

(** Up to this many values of a rounding step are looked at one by one. *)
Definition many_values : Z := 2 ^ 16.

(** n / d, rounded up. *)
Definition div_up (n d : Z) : Z := - (- n / d).

Lemma div_up_ok n d z : 0 < d -> z * d <= n + d - 1 -> z <= div_up n d.
Proof. intros Hd H. unfold div_up. pose proof (Z.div_lt_upper_bound (- n) d (1 - z) Hd). nia. Qed.

Lemma div_up_mono n n' d : 0 < d -> n <= n' -> div_up n d <= div_up n' d.
Proof. intros Hd H. unfold div_up. pose proof (Z.div_le_mono (- n') (- n) d Hd). lia. Qed.

Lemma div_up_shift n d k : 0 < d -> div_up (n + k * d) d = div_up n d + k.
Proof. intros Hd. unfold div_up. replace (- (n + k * d)) with (- n + - k * d) by lia. rewrite Z.div_add by lia. lia. Qed.

(** What the values between the first and the last are at most: they are less than one off their quotient, which is linear. *)
Definition between_share (n d o c m at_ : Z) (rounding : Z) : Z := div_up (c * (n * at_ + o)) d + rounding - m * at_.

Lemma between_share_ok n d o c m md z l u rounding :
  0 < d -> l <= z <= u -> (rounding = Z.abs c \/ (Z.rem n d = 0 /\ Z.rem o d = 0 /\ rounding = 0)) ->
  c * round md (n * z + o) d - m * z <= between_share n d o c m l rounding \/
  c * round md (n * z + o) d - m * z <= between_share n d o c m u rounding.
Proof.
  intros Hd Hz Hr. unfold between_share.
  assert (G : c * round md (n * z + o) d <= div_up (c * (n * z + o)) d + rounding).
  { unfold round. pose proof (Z_div_mod (n * z + o) d ltac:(lia)) as D.
    destruct (Z.div_eucl (n * z + o) d) as [q r]. destruct D as [Dq Dr].
    rewrite Dq. replace (c * (d * q + r)) with (c * r + c * q * d) by ring. rewrite div_up_shift by exact Hd.
    destruct Hr as [Hr | [Hn [Ho Hr]]].
    - assert (R : - Z.abs c <= div_up (c * r) d - 0 /\ (0 <= c -> 0 <= div_up (c * r) d)).
      { split.
        - apply Z.le_add_le_sub_r. apply div_up_ok; [exact Hd |]. nia.
        - intros Hc. apply div_up_ok; [exact Hd |]. nia. }
      destruct (r =? 0), (rounds_up md (d * q + r) d q r); lia.
    - assert (r = 0).
      { apply Z.rem_divide in Hn; [| lia]. apply Z.rem_divide in Ho; [| lia]. destruct Hn as [n' Hn], Ho as [o' Ho].
        assert (E : r = (n' * z + o' - q) * d) by (rewrite Hn, Ho in Dq; lia).
        rewrite <- (Z.mod_small r d Dr), E. apply Z.mod_mul. lia. }
      subst r. simpl Z.eqb. cbv iota. rewrite Z.mul_0_r. unfold div_up. simpl. lia. }
  assert (S : forall x, div_up (c * (n * x + o)) d - m * x = div_up (c * o + (c * n - m * d) * x) d).
  { intros x. replace (c * o + (c * n - m * d) * x) with (c * (n * x + o) + (- m * x) * d) by ring.
    rewrite div_up_shift by exact Hd. lia. }
  pose proof (S z) as Sz. pose proof (S l) as Sl. pose proof (S u) as Su.
  destruct (linear_ends (c * n - m * d) z l u Hz) as [E | E].
  - left. pose proof (div_up_mono (c * o + (c * n - m * d) * z) (c * o + (c * n - m * d) * l) d Hd ltac:(lia)). lia.
  - right. pose proof (div_up_mono (c * o + (c * n - m * d) * z) (c * o + (c * n - m * d) * u) d Hd ltac:(lia)). lia.
Qed.

(** A step's share. *)
Definition step_share (f : step) (c m : Z) (y a : range) : option Z :=
  let (first, last) := step_values f y a in
  match f with
  | Round n d o _ _ _ =>
      if many_values <? last - first then
        let rounding := if (Z.rem n d =? 0) && (Z.rem o d =? 0) then 0 else Z.abs c in
        let ends := max_options (value_share f c m first a) (value_share f c m last a) in
        max_option (max_option ends (between_share n d o c m (threshold f (first + 1)) rounding))
                   (between_share n d o c m (threshold f last - 1) rounding)
      else values_share f c m a (Z.to_nat (last - first + 1)) first None
  | Table _ _ => values_share f c m a (Z.to_nat (last - first + 1)) first None
  end.

Theorem step_share_ok f c m y a z : well_formed_step f = true -> inside a z -> inside y (apply f z) ->
  at_most_some (c * apply f z - m * z) (step_share f c m y a).
Proof.
  intros W Ha Hy. pose proof (step_values_ok f y a z W Ha Hy) as V. unfold step_share.
  destruct (step_values f y a) as [first last] eqn:E. unfold inside in V; simpl in V.
  assert (L : least f <= first /\ last <= greatest f).
  { injection E as E1 E2. pose proof (apply_limits f (fst a) W). pose proof (apply_limits f (snd a) W). lia. }
  assert (one : at_most_some (c * apply f z - m * z) (values_share f c m a (Z.to_nat (last - first + 1)) first None))
    by (apply values_share_ok; auto; lia).
  destruct f as [n d o md lo hi | lo t]; [| exact one].
  destruct (Z.ltb_spec many_values (last - first)) as [Hmany | _]; [| exact one]. clear one.
  unfold many_values in Hmany.
  set (f := Round n d o md lo hi) in *.
  set (rounding := if _ && _ then 0 else Z.abs c).
  change (max_option (max_option ?e ?p) ?q) with (max_options (max_options e (Some p)) (Some q)).
  destruct (Z.eq_dec (apply f z) first) as [Ef | Ef].
  { apply at_most_max_l, at_most_max_l, at_most_max_l. rewrite <- Ef. apply value_share_ok; assumption. }
  destruct (Z.eq_dec (apply f z) last) as [El | El].
  { apply at_most_max_l, at_most_max_l, at_most_max_r. rewrite <- El. apply value_share_ok; assumption. }
  assert (T1 : threshold f (first + 1) <= z) by (apply apply_threshold; auto; lia).
  assert (T2 : z <= threshold f last - 1).
  { pose proof (apply_threshold f last z W ltac:(lia)). lia. }
  assert (Er : apply f z = round md (n * z + o) d).
  { unfold f in *. simpl in *. unfold clamp in *. lia. }
  assert (Hd : 0 < d) by (unfold f in W; simpl in W; rewrite !andb_true_iff, !Z.ltb_lt in W; lia).
  rewrite Er.
  destruct (between_share_ok n d o c m md z (threshold f (first + 1)) (threshold f last - 1) rounding Hd ltac:(lia)) as [B | B].
  - unfold rounding. destruct (Z.eqb_spec (Z.rem n d) 0), (Z.eqb_spec (Z.rem o d) 0); simpl; auto.
  - apply at_most_max_l, at_most_max_r. eexists. split; [reflexivity | exact B].
  - apply at_most_max_r. eexists. split; [reflexivity | exact B].
Qed.

(** * Wraps *)

(** The greatest c * wrap(a) - m * a over a range: at an end of the range, or of the first or the last of the periods that end or begin in it. *)
Definition wrap_share (width : Z) (signed : bool) (c m : Z) (a : range) : Z :=
  let low := wrap_least width signed in
  let period := 2 ^ width in
  let share z := c * wrap width signed z - m * z in
  let p := (fst a - low) / period in
  let q := (snd a - low) / period in
  let ends := Z.max (share (fst a)) (share (snd a)) in
  if p <? q then
    Z.max ends (Z.max (Z.max (share (low + (p + 1) * period - 1)) (share (low + (p + 1) * period)))
                      (Z.max (share (low + q * period - 1)) (share (low + q * period))))
  else ends.

Lemma wrap_at width signed z q : 0 <= width ->
  wrap_least width signed + q * 2 ^ width <= z < wrap_least width signed + (q + 1) * 2 ^ width ->
  wrap width signed z = z - q * 2 ^ width.
Proof.
  intros Hw Hz. unfold wrap.
  rewrite <- (Z.mod_unique_pos (z - wrap_least width signed) (2 ^ width) q (z - wrap_least width signed - q * 2 ^ width)); lia.
Qed.

Theorem wrap_share_ok width signed c m a z : 0 <= width -> inside a z ->
  c * wrap width signed z - m * z <= wrap_share width signed c m a.
Proof.
  intros Hw [Hl Hu]. unfold wrap_share. set (low := wrap_least width signed).
  assert (HP : 0 < 2 ^ width) by (apply Z.pow_pos_nonneg; lia).
  set (p := (fst a - low) / 2 ^ width). set (q := (snd a - low) / 2 ^ width). set (r := (z - low) / 2 ^ width).
  assert (Hp : p <= r) by (apply Z.div_le_mono; lia). assert (Hq : r <= q) by (apply Z.div_le_mono; lia).
  assert (In : forall x, low + (x - low) / 2 ^ width * 2 ^ width <= x < low + ((x - low) / 2 ^ width + 1) * 2 ^ width).
  { intros x. pose proof (Z.div_mod (x - low) (2 ^ width) ltac:(lia)). pose proof (Z.mod_pos_bound (x - low) (2 ^ width) HP). lia. }
  pose proof (In z) as Iz. fold r in Iz. pose proof (In (fst a)) as Il. fold p in Il. pose proof (In (snd a)) as Iu. fold q in Iu.
  rewrite (wrap_at width signed z r Hw Iz), (wrap_at width signed (fst a) p Hw Il), (wrap_at width signed (snd a) q Hw Iu).
  assert (One : c * (fst a - p * 2 ^ width) - m * fst a <= c * (snd a - q * 2 ^ width) - m * snd a \/ True) by auto. clear One.
  destruct (Z.ltb_spec p q) as [Hpq | Hpq].
  - rewrite (wrap_at width signed (low + (p + 1) * 2 ^ width - 1) p Hw) by lia.
    rewrite (wrap_at width signed (low + (p + 1) * 2 ^ width) (p + 1) Hw) by lia.
    rewrite (wrap_at width signed (low + q * 2 ^ width - 1) (q - 1) Hw) by lia.
    rewrite (wrap_at width signed (low + q * 2 ^ width) q Hw) by lia.
    set (P := 2 ^ width) in *.
    destruct (Z_le_gt_dec 0 (c - m)) as [Hc | Hc].
    + (* rises within a period: at its end *)
      destruct (Z.eq_dec r q) as [E | E].
      * rewrite E. pose proof (Z.mul_le_mono_nonneg_l z (snd a) (c - m) Hc Hu). lia.
      * pose proof (Z.mul_le_mono_nonneg_l z (low + (r + 1) * P - 1) (c - m) Hc ltac:(lia)).
        destruct (linear_ends (- m * P) r p (q - 1) ltac:(lia)); lia.
    + (* falls within a period: at its start *)
      destruct (Z.eq_dec r p) as [E | E].
      * rewrite E. pose proof (Z.mul_le_mono_nonpos_l (fst a) z (c - m) ltac:(lia) Hl). lia.
      * pose proof (Z.mul_le_mono_nonpos_l (low + r * P) z (c - m) ltac:(lia) ltac:(lia)).
        destruct (linear_ends (- m * P) r (p + 1) q ltac:(lia)); lia.
  - replace r with p in * by lia. replace q with p in * by lia.
    destruct (linear_ends (c - m) z (fst a) (snd a) ltac:(lia)); lia.
Qed.

(** * Maxima *)

(** A window's entries: multiplier and range. *)
Definition entries : Type := list (Z * range).

(** The sum of the greatest - m * a, with [c] added to the factor of entry [j]. *)
Fixpoint sum_with (c : Z) (j : nat) (es : entries) : Z :=
  match es with
  | [] => 0
  | (m, r) :: es =>
      match j with
      | O => best (c - m) r + sum_with 0 O es
      | S j => best (- m) r + sum_with c j es
      end
  end.

(** The sum of the greatest - m * a where no a is above [t]. *)
Fixpoint sum_capped (t : Z) (es : entries) : Z :=
  match es with
  | [] => 0
  | (m, r) :: es => best (- m) (fst r, Z.min (snd r) t) + sum_capped t es
  end.

(** Where the bound for c < 0 has corners: the greatest lower end, and the upper ends above it. *)
Definition corners (es : entries) : list Z :=
  let low := list_max (map (fun e => fst (snd e)) es) in
  low :: filter (fun hi => low <? hi) (map (fun e => snd (snd e)) es).

Definition greatest_of (l : list Z) : option Z := fold_left max_option l None.

Definition window_share (c : Z) (es : entries) : option Z :=
  match es with
  | [] => None
  | _ =>
      greatest_of (if 0 <=? c then map (fun j => sum_with c j es) (seq 0 (length es))
                   else map (fun t => c * t + sum_capped t es) (corners es))
  end.

(** The sum of m * a. *)
Fixpoint weigh (es : entries) (zs : list Z) : Z :=
  match es, zs with
  | (m, _) :: es, z :: zs => m * z + weigh es zs
  | _, _ => 0
  end.

Definition fits (es : entries) (zs : list Z) : Prop := Forall2 (fun e z => inside (snd e) z) es zs.

Lemma greatest_of_ok z l : In z l -> at_most_some z (greatest_of l).
Proof.
  unfold greatest_of.
  assert (K : forall l best, at_most_some z best -> at_most_some z (fold_left max_option l best)).
  { induction l0 as [| y l0 IH]; intros b H; simpl; [exact H |]. apply IH. apply (at_most_max_l z b (Some y) H). }
  assert (G : forall l best, In z l -> at_most_some z (fold_left max_option l best)).
  { induction l0 as [| y l0 IH]; intros b H; simpl; [contradiction |]. destruct H as [E | H]; [| apply IH, H].
    subst y. apply K. apply (at_most_max_r z b (Some z)). exists z. split; [reflexivity | lia]. }
  apply G.
Qed.

Lemma sum_with_ok es : forall zs c j, fits es zs -> (c = 0 \/ (j < length zs)%nat) ->
  c * nth j zs 0 - weigh es zs <= sum_with c j es.
Proof.
  induction es as [| [m r] es IH]; intros zs c j H Hj; inversion H; subst.
  - simpl in *. destruct Hj; [subst c; lia | lia].
  - simpl in *. destruct j; cbn [nth].
    + specialize (IH l' 0 O H4 (or_introl eq_refl)). pose proof (best_ok (c - m) r y H2). lia.
    + specialize (IH l' c j H4 ltac:(destruct Hj; [auto | right; lia])). pose proof (best_ok (- m) r y H2). lia.
Qed.

Lemma sum_capped_ok es t : forall zs, fits es zs -> (forall z, In z zs -> z <= t) -> - weigh es zs <= sum_capped t es.
Proof.
  induction es as [| [m r] es IH]; intros zs H Ht; inversion H; subst; simpl; [lia |].
  specialize (IH l' H4 ltac:(simpl in Ht; auto)). simpl in H2. unfold inside in H2.
  pose proof (Ht y (or_introl eq_refl)).
  pose proof (best_ok (- m) (fst r, Z.min (snd r) t) y ltac:(unfold inside; simpl; lia)). lia.
Qed.

(** Between two neighbouring corners the sum is linear. *)
Lemma sum_capped_linear es t1 t2 :
  (forall e, In e es -> snd (snd e) <= t1 \/ t2 <= snd (snd e)) ->
  exists k, forall t, t1 <= t <= t2 -> sum_capped t es = sum_capped t1 es + k * (t - t1).
Proof.
  induction es as [| [m r] es IH]; intros H.
  - exists 0. intros. simpl. lia.
  - destruct IH as [k Hk]; [intros; apply H; simpl; auto |].
    specialize (H (m, r) (or_introl eq_refl)). simpl in H. unfold sum_capped; fold sum_capped. unfold best; simpl.
    destruct (Z.ltb_spec 0 (- m)).
    + destruct H as [H | H].
      * exists k. intros t Ht. rewrite (Hk t Ht), !Z.min_l by lia. lia.
      * exists (k - m). intros t Ht. rewrite (Hk t Ht), !Z.min_r by lia. lia.
    + exists k. intros t Ht. rewrite (Hk t Ht). lia.
Qed.

Lemma last_below t l : (exists x, In x l /\ x <= t) -> exists x, In x l /\ x <= t /\ forall y, In y l -> y <= t -> y <= x.
Proof.
  induction l as [| a l IH]; intros [x [Hx Hxt]]; [contradiction |].
  destruct (Z_le_gt_dec a t) as [Ha | Ha].
  - destruct (Exists_dec (fun y => y <= t) l) as [E | E]; [intros y; apply Z_le_dec | |].
    + apply Exists_exists in E. destruct (IH E) as [b [Hb [Hbt Hall]]].
      destruct (Z_le_gt_dec a b).
      * exists b. simpl. split; [auto | split; [exact Hbt |]]. intros y [Ey | Hy]; [lia | auto].
      * exists a. simpl. split; [auto | split; [exact Ha |]]. intros y [Ey | Hy] Hyt; [lia |]. specialize (Hall y Hy Hyt). lia.
    + exists a. simpl. split; [auto | split; [exact Ha |]]. intros y [Ey | Hy] Hyt; [lia |].
      exfalso. apply E. apply Exists_exists. eauto.
  - destruct Hx as [Ex | Hx]; [lia |]. destruct IH as [b [Hb [Hbt Hall]]]; [eauto |].
    exists b. simpl. split; [auto | split; [exact Hbt |]]. intros y [Ey | Hy] Hyt; [lia | auto].
Qed.

Lemma first_above t l : (exists x, In x l /\ t <= x) -> exists x, In x l /\ t <= x /\ forall y, In y l -> t <= y -> x <= y.
Proof.
  intros [x [Hx Hxt]]. destruct (last_below (- t) (map Z.opp l)) as [y [Hy [Hyt Hall]]].
  - exists (- x). split; [apply in_map, Hx | lia].
  - apply in_map_iff in Hy. destruct Hy as [b [E Hb]]. exists b. split; [exact Hb | split; [lia |]].
    intros z Hz Hzt. specialize (Hall (- z) (in_map _ _ _ Hz) ltac:(lia)). lia.
Qed.

Lemma fits_length es zs : fits es zs -> length es = length zs.
Proof. induction 1; simpl; auto. Qed.

Lemma fits_entry es zs : fits es zs -> forall e, In e es -> exists z, In z zs /\ inside (snd e) z.
Proof.
  induction 1 as [| e' z es zs Hez H IH]; intros e He; [contradiction |]. destruct He as [E | He].
  - subst e'. exists z. simpl. auto.
  - destruct (IH e He) as [z' [Hz' Hi]]. exists z'. simpl. auto.
Qed.

Lemma fits_value es zs : fits es zs -> forall z, In z zs -> exists e, In e es /\ inside (snd e) z.
Proof.
  induction 1 as [| e z' es zs Hez H IH]; intros z Hz; [contradiction |]. destruct Hz as [E | Hz].
  - subst z'. exists e. simpl. auto.
  - destruct (IH z Hz) as [e' [He' Hi]]. exists e'. simpl. auto.
Qed.

Theorem window_share_ok c es zs : fits es zs -> es <> [] ->
  at_most_some (c * list_max zs - weigh es zs) (window_share c es).
Proof.
  intros H Hne.
  assert (Hzs : zs <> []) by (destruct H; congruence).
  destruct (list_max_spec zs Hzs) as [Hin Hall].
  assert (E : window_share c es = greatest_of (if 0 <=? c then map (fun j => sum_with c j es) (seq 0 (length es))
                                               else map (fun t => c * t + sum_capped t es) (corners es)))
    by (destruct es; [congruence | reflexivity]).
  rewrite E. clear E. destruct (Z.leb_spec 0 c) as [Hc | Hc].
  - destruct (In_nth zs (list_max zs) 0 Hin) as [j [Hj Ej]].
    apply at_most_le with (z' := sum_with c j es).
    + apply greatest_of_ok. apply in_map_iff. exists j. split; [reflexivity |]. apply in_seq.
      rewrite (fits_length es zs H). lia.
    + rewrite <- Ej. apply sum_with_ok; auto.
  - set (t := list_max zs) in *.
    pose proof (sum_capped_ok es t zs H Hall) as Ht.
    set (low := list_max (map (fun e => fst (snd e)) es)).
    assert (Hlow : low <= t).
    { destruct (list_max_spec (map (fun e => fst (snd e)) es)) as [Hl _]; [destruct es; simpl; congruence |].
      apply in_map_iff in Hl. destruct Hl as [e [El He]]. cbv beta in El. fold low in El.
      destruct (fits_entry es zs H e He) as [z [Hz Hi]]. specialize (Hall z Hz). rewrite <- El. transitivity z; [apply Hi | exact Hall]. }
    assert (Hhi : forall e, In e es -> snd (snd e) <= low \/ In (snd (snd e)) (corners es)).
    { intros e He. destruct (Z_le_gt_dec (snd (snd e)) low); [auto |]. right. simpl. right. apply filter_In. split.
      - apply in_map_iff. exists e. auto.
      - apply Z.ltb_lt. fold low. lia. }
    assert (In low (corners es)) as Hcl by (simpl; auto).
    destruct (last_below t (corners es)) as [t1 [H1 [H1t Hall1]]]; [exists low; auto |].
    destruct (first_above t (corners es)) as [t2 [H2 [H2t Hall2]]].
    { destruct (fits_value es zs H t Hin) as [e [He [_ Hi]]]. destruct (Hhi e He) as [L | L].
      - exists low. split; [exact Hcl | lia].
      - exists (snd (snd e)). split; [exact L | exact Hi]. }
    destruct (sum_capped_linear es t1 t2) as [k Hk].
    { intros e He. destruct (Hhi e He) as [L | L].
      - left. specialize (Hall1 low Hcl Hlow). lia.
      - destruct (Z_le_gt_dec (snd (snd e)) t); [left; auto | right; apply Hall2; [exact L | lia]]. }
    pose proof (Hk t ltac:(lia)). pose proof (Hk t2 ltac:(lia)).
    assert (C : forall u, In u (corners es) -> c * t - weigh es zs <= c * u + sum_capped u es ->
      at_most_some (c * t - weigh es zs) (greatest_of (map (fun t => c * t + sum_capped t es) (corners es)))).
    { intros u Hu Hle. eapply at_most_le; [| exact Hle]. apply greatest_of_ok.
      apply in_map_iff. exists u. auto. }
    destruct (linear_ends (c + k) t t1 t2 ltac:(lia)); [apply (C t1) | apply (C t2)]; auto; lia.
Qed.
