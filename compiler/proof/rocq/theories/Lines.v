(** The lines that enclose a nonlinearity over ranges: the first half of the rule of propagation.

    A step or a wrap has an exponent e, and for each element a line above and one below: 2^e * y is between them. Any slope is sound, since the intercepts
    are made for it; so the proofs are about intercepts alone. *)

From Coq Require Import ZArith List Lia Bool.
From QnnProof Require Import Vector Outcome Step Graph Ranges Shares.
Import ListNotations.
Open Scope Z_scope.

(** slope * a + intercept *)
Notation line := (Z * Z)%type.

Inductive lines : Type :=
| NoLines
| Pairs (exponent : Z) (each : vec (line * line))  (** above and below *)
| Entries (each : vec (nat * bool)).  (** of a maximum: an entry that it is never below, and whether it always is that entry *)

(** The binary digits of |n|. *)
Definition bits (n : Z) : Z := if n =? 0 then 0 else Z.log2 (Z.abs n) + 1.

(** * Steps *)

(** How far below v, in halves, the quotients lie from which on a mode rounds to v: at most, and at least. *)
Definition rounding_ends (m : mode) : Z * Z :=
  match m with
  | Floor => (0, 0)
  | Ceil => (2, 2)
  | TowardZero | Up => (2, 0)
  | _ => (1, 1)
  end.

(** 2 * numerator * the real threshold of v. *)
Definition real_threshold (d o v end_ : Z) : Z := d * (2 * v - end_) - 2 * o.

(** The intercepts of lines with the slopes [up] and [down], from [n] values from [v] on. *)
Fixpoint few_intercepts (f : step) (one up down : Z) (n : nat) (v above below : Z) : Z * Z :=
  match n with
  | O => (above, below)
  | S n =>
      let next := threshold f (v + 1) in
      few_intercepts f one up down n (v + 1) (Z.max above (one * (v + 1) - up * next)) (Z.min below (one * v - down * (next - 1)))
  end.

(** Up to this many values of a rounding step are looked at one by one. *)
Definition few : Z := 16.

(** The lines of a step with the given slopes, nearest to it. *)
Definition step_lines (f : step) (a y : range) (up down exponent : Z) : line * line :=
  let one := 2 ^ exponent in
  let low := Z.max (fst y) (least f) in
  let high := Z.min (snd y) (greatest f) in
  if (up =? 0) && (down =? 0) then ((0, one * high), (0, one * low))
  else
    let above := one * low - up * fst a in
    let below := one * high - down * snd a in
    let one_by_one := few_intercepts f one up down (Z.to_nat (high - low)) low above below in
    let (above, below) :=
      match f with
      | Round n d o m _ _ =>
          if few <? high - low then
            let (l, g) := rounding_ends m in
            let at_above v := one * v - div_up (up * real_threshold d o v l) (2 * n) in
            let at_below v := one * v - down * real_threshold d o (v + 1) g / (2 * n) in
            (Z.max above (Z.max (at_above (low + 1)) (at_above high)), Z.min below (Z.min (at_below low) (at_below (high - 1))))
          else one_by_one
      | Table _ _ => one_by_one
      end in
    ((up, above), (down, below)).

(** The slopes above and below as quotients p / q, q > 0; [is_read]: whether a node reads this one. *)
Definition step_slopes (f : step) (a y : range) (is_read : bool) : (Z * Z) * (Z * Z) :=
  let rise := snd y - fst y in
  let run := snd a - fst a in
  if (rise =? 0) || (run =? 0) then ((0, 1), (0, 1))
  else
    match f with
    | Table _ _ => ((rise, run), (rise, run))
    | Round n d o _ lo hi =>
        let first := n * fst a + o in
        let last := n * snd a + o in
        let low := d * lo in
        let high := d * hi in
        let corner to_ beyond := if (0 <? to_) && ((beyond <=? to_) || negb is_read) then (rise * n, to_) else (0, 1) in
        if (low <=? first) && (last <=? high) then ((n, d), (n, d))
        else
          (if high <? last then corner (high - first) (last - high) else (rise, run),
           if first <? low then corner (last - low) (low - first) else (rise, run))
    end.

Definition least_exponent (so_far : option Z) (slope : Z * Z) : option Z :=
  let (p, q) := slope in
  if p =? 0 then so_far
  else
    let e := 29 + bits q - bits p in
    match so_far with Some b => Some (Z.min b e) | None => Some e end.

Definition scaled_slope (exponent : Z) (slope : Z * Z) : Z :=
  Z.max 0 (Z.min (fst slope * 2 ^ exponent / snd slope) (2 ^ 30 - 1)).

Definition lines_of_steps (steps : list step) (source own : vec range) (is_read : bool) : lines :=
  let slopes := mapi (fun i f => step_slopes f (get (0, 0) source i) (get (0, 0) own i) is_read) 0 steps in
  let found := fold_left (fun e pair => least_exponent (least_exponent e (fst pair)) (snd pair)) slopes None in
  let exponent := Z.max 0 (Z.min 60 (match found with Some e => e | None => 0 end)) in
  let slopes := Vec slopes in
  Pairs exponent (Vec (mapi (fun i f =>
    let pair := get ((0, 1), (0, 1)) slopes i in
    step_lines f (get (0, 0) source i) (get (0, 0) own i) (scaled_slope exponent (fst pair)) (scaled_slope exponent (snd pair)) exponent)
    0 steps)).

(** * Wraps and maxima *)

Definition wrap_lines (width : Z) (signed : bool) (a y : range) : line * line :=
  match wrap_shift width signed a with
  | Some shift => ((1, shift), (1, shift))
  | None => ((0, snd y), (0, fst y))
  end.

Fixpoint first_greatest (low : nat -> Z) (best : nat) (l : list nat) : nat :=
  match l with
  | [] => best
  | i :: l => first_greatest low (if low best <? low i then i else best) l
  end.

(** The first entry of a window with the greatest lower end, and whether no other entry can be above it. *)
Definition dominant (source : vec range) (window : list nat) : nat * bool :=
  match window with
  | [] => (O, false)
  | first :: rest =>
      let low i := fst (get (0, 0) source i) in
      let best := first_greatest low first rest in
      let floor := low best in
      (best, forallb (fun i => Nat.eqb i best || (snd (get (0, 0) source i) <=? floor)) window)
  end.

Definition lines_of (n : node) (R : ranges) (k : nat) (is_read : bool) : lines :=
  let own := get (Vec []) R k in
  match n with
  | Stepwise s steps => lines_of_steps (to_list steps) (get (Vec []) R s) own is_read
  | Wrap s len width signed =>
      let source := get (Vec []) R s in
      Pairs 0 (Vec (map (fun i => wrap_lines width signed (get (0, 0) source i) (get (0, 0) own i)) (seq 0 len)))
  | Maximum s windows => Entries (Vec (map (dominant (get (Vec []) R s)) (to_list windows)))
  | _ => NoLines
  end.

(** * Lines enclose *)

Definition encloses (exponent : Z) (pair : line * line) (a y : Z) : Prop :=
  2 ^ exponent * y <= fst (fst pair) * a + snd (fst pair) /\
  fst (snd pair) * a + snd (snd pair) <= 2 ^ exponent * y.

Lemma few_intercepts_ok f one up down n : forall v above below,
  let (above', below') := few_intercepts f one up down n v above below in
  above <= above' /\ below' <= below /\
  forall w, v <= w < v + Z.of_nat n ->
    one * (w + 1) - up * threshold f (w + 1) <= above' /\ below' <= one * w - down * (threshold f (w + 1) - 1).
Proof.
  induction n as [| n IH]; intros v above below; cbn [few_intercepts].
  - split; [lia | split; [lia |]]. intros w Hw. lia.
  - specialize (IH (v + 1) (Z.max above (one * (v + 1) - up * threshold f (v + 1))) (Z.min below (one * v - down * (threshold f (v + 1) - 1)))).
    destruct (few_intercepts _ _ _ _ _ _ _ _) as [above' below']. destruct IH as [Ha [Hb Hall]].
    split; [lia | split; [lia |]]. intros w Hw. destruct (Z.eq_dec w v) as [E | E]; [subst w; lia | apply Hall; lia].
Qed.

(** The real threshold is never above the threshold, and never below the argument before it. *)
Lemma real_threshold_ok n d o m lo hi v : 0 < n -> 0 < d ->
  let f := Round n d o m lo hi in
  real_threshold d o v (fst (rounding_ends m)) <= 2 * n * threshold f v /\
  2 * n * (threshold f v - 1) <= real_threshold d o v (snd (rounding_ends m)).
Proof.
  intros Hn Hd. unfold threshold, real_threshold.
  assert (Hb : 2 * v - fst (rounding_ends m) <= fst (reach m v) <= 2 * v - snd (rounding_ends m)).
  { destruct m; cbn [reach rounding_ends fst snd]; try lia; destruct (0 <? v); cbn [fst]; lia. }
  destruct (reach m v) as [b strict]. cbn [fst] in Hb.
  pose proof (first_multiple (2 * n) (b * d - 2 * o) strict) as F.
  destruct (Z.div_eucl (b * d - 2 * o) (2 * n)) as [q r].
  set (t := if strict || negb (r =? 0) then q + 1 else q) in *.
  pose proof (F t ltac:(lia)) as F1. pose proof (F (t - 1) ltac:(lia)) as F2.
  pose proof (Z.mul_le_mono_nonneg_r _ _ d ltac:(lia) (proj1 Hb)).
  pose proof (Z.mul_le_mono_nonneg_r _ _ d ltac:(lia) (proj2 Hb)).
  destruct strict; lia.
Qed.

Lemma div_up_le n d z : 0 < d -> n <= z * d -> div_up n d <= z.
Proof. intros Hd H. unfold div_up. pose proof (Z.div_le_lower_bound (- n) d (- z) Hd). lia. Qed.

Theorem step_lines_ok f a y up down exponent z : well_formed_step f = true -> 0 <= exponent -> 0 <= up -> 0 <= down ->
  inside a z -> inside y (apply f z) -> encloses exponent (step_lines f a y up down exponent) z (apply f z).
Proof.
  intros W He Hup Hdown [Hal Hau] [Hyl Hyu]. unfold step_lines, encloses.
  assert (H1 : 0 < 2 ^ exponent) by (apply Z.pow_pos_nonneg; lia). set (one := 2 ^ exponent) in *.
  pose proof (apply_limits f z W) as L.
  set (low := Z.max (fst y) (least f)). set (high := Z.min (snd y) (greatest f)).
  assert (Hlow : low <= apply f z) by lia. assert (Hhigh : apply f z <= high) by lia.
  assert (Hll : least f <= low) by lia. assert (Hhg : high <= greatest f) by lia.
  destruct ((up =? 0) && (down =? 0)) eqn:Ez.
  { cbn [fst snd]. pose proof (Z.mul_le_mono_nonneg_l _ _ one ltac:(lia) Hlow).
    pose proof (Z.mul_le_mono_nonneg_l _ _ one ltac:(lia) Hhigh). lia. }
  clear Ez.
  (* It is enough that the intercepts are right at thresholds. *)
  assert (Enough : forall above below,
    one * low - up * fst a <= above -> below <= one * high - down * snd a ->
    (low < apply f z -> one * apply f z - up * threshold f (apply f z) <= above) ->
    (apply f z < high -> below <= one * apply f z - down * (threshold f (apply f z + 1) - 1)) ->
    one * apply f z <= up * z + above /\ down * z + below <= one * apply f z).
  { intros above below A1 B1 A2 B2. split.
    - destruct (Z.eq_dec (apply f z) low) as [E | E].
      + rewrite E. pose proof (Z.mul_le_mono_nonneg_l _ _ up Hup Hal). lia.
      + assert (T : threshold f (apply f z) <= z) by (apply apply_threshold; auto; lia).
        pose proof (Z.mul_le_mono_nonneg_l _ _ up Hup T). specialize (A2 ltac:(lia)). lia.
    - destruct (Z.eq_dec (apply f z) high) as [E | E].
      + rewrite E. pose proof (Z.mul_le_mono_nonneg_l _ _ down Hdown Hau). lia.
      + assert (T : z <= threshold f (apply f z + 1) - 1).
        { pose proof (apply_threshold f (apply f z + 1) z W ltac:(lia)). lia. }
        pose proof (Z.mul_le_mono_nonneg_l _ _ down Hdown T). specialize (B2 ltac:(lia)). lia. }
  pose proof (few_intercepts_ok f one up down (Z.to_nat (high - low)) low (one * low - up * fst a) (one * high - down * snd a)) as Few.
  destruct (few_intercepts f one up down _ low _ _) as [above' below'] eqn:Efew. destruct Few as [A1 [B1 All]].
  assert (One : one * apply f z <= up * z + above' /\ down * z + below' <= one * apply f z).
  { apply Enough; auto.
    - intros H. destruct (All (apply f z - 1) ltac:(lia)) as [A _]. rewrite Z.sub_add in A. exact A.
    - intros H. destruct (All (apply f z) ltac:(lia)) as [_ B]. exact B. }
  destruct f as [n d o m lo hi | lo t]; [| exact One].
  destruct (Z.ltb_spec few (high - low)) as [Hmany | Hmany]; [| exact One]. clear One All A1 B1 Efew.
  set (f := Round n d o m lo hi) in *.
  assert (Hn : 0 < n /\ 0 < d) by (unfold f in W; simpl in W; rewrite !andb_true_iff, !Z.ltb_lt in W; lia). destruct Hn as [Hn Hd].
  pose proof (fun v => real_threshold_ok n d o m lo hi v Hn Hd) as Real. fold f in Real. cbv zeta in Real.
  destruct (rounding_ends m) as [l g]. cbn [fst snd] in Real |- *.
  apply Enough; [lia | lia | |].
  - intros H. destruct (Real (apply f z)) as [Rz _].
    assert (G : forall v, one * apply f z * (2 * n) - up * real_threshold d o (apply f z) l <= one * v * (2 * n) - up * real_threshold d o v l ->
      one * apply f z - up * threshold f (apply f z) <= one * v - div_up (up * real_threshold d o v l) (2 * n)).
    { intros v Hv. pose proof (Z.mul_le_mono_nonneg_l _ _ up Hup Rz) as Hr.
      assert (div_up (up * real_threshold d o v l) (2 * n) <= one * v - (one * apply f z - up * threshold f (apply f z))); [| lia].
      apply div_up_le; lia. }
    assert (S : forall v, one * v * (2 * n) - up * real_threshold d o v l = (2 * n * one - 2 * d * up) * v + up * (d * l + 2 * o))
      by (intros; unfold real_threshold; ring).
    destruct (linear_ends (2 * n * one - 2 * d * up) (apply f z) (low + 1) high ltac:(lia)) as [E | E].
    + pose proof (G (low + 1) ltac:(rewrite !S; lia)). lia.
    + pose proof (G high ltac:(rewrite !S; lia)). lia.
  - intros H. destruct (Real (apply f z + 1)) as [_ Rz].
    assert (G : forall v, one * v * (2 * n) - down * real_threshold d o (v + 1) g <= one * apply f z * (2 * n) - down * real_threshold d o (apply f z + 1) g ->
      one * v - down * real_threshold d o (v + 1) g / (2 * n) <= one * apply f z - down * (threshold f (apply f z + 1) - 1)).
    { intros v Hv. pose proof (Z.mul_le_mono_nonneg_l _ _ down Hdown Rz) as Hr.
      assert (one * v - (one * apply f z - down * (threshold f (apply f z + 1) - 1)) <= down * real_threshold d o (v + 1) g / (2 * n)); [| lia].
      apply Z.div_le_lower_bound; lia. }
    assert (S : forall v, one * v * (2 * n) - down * real_threshold d o (v + 1) g = - (2 * d * down - 2 * n * one) * v - down * (2 * d - d * g - 2 * o))
      by (intros; unfold real_threshold; ring).
    destruct (linear_ends (2 * d * down - 2 * n * one) (apply f z) low (high - 1) ltac:(lia)) as [E | E].
    + pose proof (G low ltac:(rewrite !S; lia)). lia.
    + pose proof (G (high - 1) ltac:(rewrite !S; lia)). lia.
Qed.

Lemma wrap_lines_ok width signed a y z : 0 <= width -> inside a z -> inside y (wrap width signed z) ->
  encloses 0 (wrap_lines width signed a y) z (wrap width signed z).
Proof.
  intros Hw Ha [Hl Hu]. unfold wrap_lines, encloses. destruct (wrap_shift width signed a) as [shift |] eqn:E.
  - rewrite (wrap_shift_ok _ _ _ _ _ Hw E Ha). cbn [fst snd]. lia.
  - cbn [fst snd]. lia.
Qed.

Lemma first_greatest_in low l : forall best, In (first_greatest low best l) (best :: l).
Proof.
  induction l as [| i l IH]; intros best; cbn [first_greatest]; [left; reflexivity |].
  destruct (IH (if low best <? low i then i else best)) as [E | E]; [| right; right; exact E].
  rewrite <- E. destruct (low best <? low i); [right; left | left]; reflexivity.
Qed.

Lemma dominant_ok source window f : window <> [] -> (forall i, inside (get (0, 0) source i) (f i)) ->
  let (best, is_dominant) := dominant source window in
  f best <= list_max (map f window) /\ (is_dominant = true -> list_max (map f window) = f best).
Proof.
  intros Hne H. destruct window as [| first rest]; [contradiction |]. unfold dominant.
  set (low := fun i => fst (get (0, 0) source i)).
  set (best := first_greatest low first rest).
  assert (Hin : In best (first :: rest)).
  { apply first_greatest_in. }
  destruct (list_max_spec (map f (first :: rest))) as [Hmax Hall]; [discriminate |].
  pose proof (Hall (f best) (in_map f _ _ Hin)) as Hbest. split; [exact Hbest |]. intros Hd.
  apply in_map_iff in Hmax. destruct Hmax as [i [Ei Hi]]. rewrite forallb_forall in Hd. specialize (Hd i Hi).
  apply orb_true_iff in Hd. destruct Hd as [Hd | Hd].
  - apply Nat.eqb_eq in Hd. subst i. symmetry. exact Ei.
  - apply Z.leb_le in Hd. pose proof (H i) as [_ Hu]. pose proof (H best) as [Hl _].
    change (low best <= f best) in Hl. change (snd (get (0, 0) source i) <= low best) in Hd. lia.
Qed.

(** What the lines of node [k] say of its elements. *)
Definition lines_ok (g : graph) (v : nat -> nat -> Z) (k : nat) (ls : lines) : Prop :=
  match ls with
  | NoLines => True
  | Pairs exponent each =>
      0 <= exponent /\
      exists s, (match get nothing g k with Stepwise s' _ | Wrap s' _ _ _ => s' = s | _ => False end) /\
      forall i, (i < length_of (get nothing g k))%nat -> encloses exponent (get ((0, 0), (0, 0)) each i) (v s i) (v k i)
  | Entries each =>
      exists s windows, get nothing g k = Maximum s windows /\
      forall i, (i < size windows)%nat ->
        let (best, is_dominant) := get (O, false) each i in
        v s best <= v k i /\ (is_dominant = true -> v k i = v s best)
  end.

Theorem lines_of_ok g v k R is_read : model g v -> within R v -> lines_ok g v k (lines_of (get nothing g k) R k is_read).
Proof.
  intros M H. pose proof (fun i => element_meaning g v k i M) as E.
  destruct (get nothing g k) as [| | | s steps | s len width signed | s windows |] eqn:Hk; try exact I; cbn [meaning length_of] in E; unfold lines_of.
  - unfold lines_of_steps. cbv zeta.
    set (slopes := mapi (fun i f => step_slopes _ _ _ _) 0 (to_list steps)).
    set (exponent := Z.max 0 _). split; [lia |]. exists s. rewrite Hk. split; [reflexivity |]. intros i Hi. cbn [length_of] in Hi.
    unfold get at 1. cbn [to_list]. rewrite (nth_mapi _ flat) by exact Hi.
    set (f := nth i (to_list steps) flat).
    assert (W : well_formed_step f = true) by (apply (well_formed_steps g k s steps i (model_well_formed g v M) Hk)).
    rewrite (E i Hi). fold (get flat steps i) in f.
    apply step_lines_ok; auto; try (unfold scaled_slope; lia).
    + apply (H s i).
    + pose proof (H k i) as Hy. rewrite (E i Hi) in Hy. exact Hy.
  - split; [lia |]. exists s. rewrite Hk. split; [reflexivity |]. intros i Hi. cbn [length_of] in Hi.
    unfold get at 1. cbn [to_list].
    set (h := fun i => wrap_lines _ _ _ _). rewrite (nth_indep _ _ (h O)) by (rewrite map_length, seq_length; exact Hi).
    rewrite map_nth, seq_nth by exact Hi. unfold h. cbn [Nat.add]. rewrite (E i Hi).
    apply wrap_lines_ok; [eapply well_formed_width; [apply (model_well_formed g v M) | exact Hk] | apply (H s i) |].
    pose proof (H k i) as Hy. rewrite (E i Hi) in Hy. exact Hy.
  - exists s, windows. split; [exact Hk |]. intros i Hi.
    unfold get at 1. cbn [to_list].
    rewrite (nth_indep _ _ (dominant (get (Vec []) R s) [])) by (rewrite map_length; exact Hi).
    rewrite map_nth. fold (get [] windows i).
    assert (Hne : get [] windows i <> []).
    { destruct (well_formed_at g k (model_well_formed g v M)) as [_ Wn]. rewrite Hk in Wn. simpl in Wn.
      rewrite forallb_forall in Wn. specialize (Wn (get [] windows i) (nth_In _ _ Hi)).
      apply andb_true_iff in Wn. destruct Wn as [Wn _]. intros E0. rewrite E0 in Wn. discriminate. }
    pose proof (dominant_ok (get (Vec []) R s) (get [] windows i) (v s) Hne (H s)) as D.
    destruct (dominant _ _) as [best is_dominant]. rewrite (E i Hi). exact D.
Qed.
