(** Ranges: limits for each element of each node, and what follows from them.

    [interval] is the interval analysis of one node, [initial] that of a graph. [narrow] narrows an element's range and uses what follows once backwards and
    once forwards. Each lemma says: what is within the ranges before is within those after, and where they are empty there is nothing. *)

From Coq Require Import ZArith List Lia Bool.
From QnnProof Require Import Vector Outcome Step Graph.
Import ListNotations.
Open Scope Z_scope.

(** The least and the greatest value. *)
Notation range := (Z * Z)%type.
Definition ranges : Type := vec (vec range).

Definition inside (r : range) (z : Z) : Prop := fst r <= z <= snd r.

Definition range_at (R : ranges) (k i : nat) : range := get (0, 0) (get (Vec []) R k) i.

Definition within (R : ranges) (v : nat -> nat -> Z) : Prop := forall k i, inside (range_at R k i) (v k i).

(** What all lemmas are about: the elements [v] of a graph for some inputs in their boxes. *)
Record model (g : graph) (v : nat -> nat -> Z) : Prop := {
  model_well_formed : well_formed g = true;
  model_consistent : consistent g v;
  model_boxes : forall k box i, get nothing g k = Input box -> inside (get (0, 0) box i) (v k i)
}.

Lemma beyond_zero g v k i : model g v -> (length_of (get nothing g k) <= i)%nat -> v k i = 0.
Proof. intros M H. rewrite (model_consistent g v M). apply Nat.ltb_ge in H. rewrite H. reflexivity. Qed.

Lemma element_meaning g v k i :
  model g v -> (i < length_of (get nothing g k))%nat -> v k i = meaning (get nothing g k) (v k) v i.
Proof. intros M H. rewrite (model_consistent g v M) at 1. apply Nat.ltb_lt in H. rewrite H. reflexivity. Qed.

(** * The interval analysis *)

Fixpoint row_range (r : row) (source : vec range) (lo hi : Z) : range :=
  match r with
  | [] => (lo, hi)
  | (column, w) :: r =>
      let (l, u) := get (0, 0) source column in
      if 0 <=? w then row_range r source (lo + w * l) (hi + w * u) else row_range r source (lo + w * u) (hi + w * l)
  end.

Definition affine_range (R : ranges) (terms : list (nat * vec row)) (i : nat) (bias : Z) : range :=
  fold_left (fun acc term => row_range (get [] (snd term) i) (get (Vec []) R (fst term)) (fst acc) (snd acc)) terms (bias, bias).

Definition wrap_greatest (width : Z) (signed : bool) : Z := wrap_least width signed + 2 ^ width - 1.

(** What a wrap adds to each value of a range that lies in one period. *)
Definition wrap_shift (width : Z) (signed : bool) (r : range) : option Z :=
  let first := wrap width signed (fst r) in
  if first + (snd r - fst r) <=? wrap_greatest width signed then Some (first - fst r) else None.

Definition wrap_range (width : Z) (signed : bool) (r : range) : range :=
  match wrap_shift width signed r with
  | Some shift => (fst r + shift, snd r + shift)
  | None => (wrap_least width signed, wrap_greatest width signed)
  end.

Definition window_range (source : vec range) (window : list nat) : range :=
  (list_max (map (fun i => fst (get (0, 0) source i)) window), list_max (map (fun i => snd (get (0, 0) source i)) window)).

Definition step_range (f : step) (a : range) : range :=
  let first := apply f (fst a) in
  if fst a =? snd a then (first, first) else (first, apply f (snd a)).

Definition interval (n : node) (R : ranges) : list range :=
  match n with
  | Input box => to_list box
  | Constant values => map (fun z => (z, z)) (to_list values)
  | Affine bias terms => mapi (affine_range R terms) 0 (to_list bias)
  | Stepwise s steps => let source := get (Vec []) R s in mapi (fun i f => step_range f (get (0, 0) source i)) 0 (to_list steps)
  | Wrap s len width signed =>
      let source := get (Vec []) R s in map (fun i => wrap_range width signed (get (0, 0) source i)) (seq 0 len)
  | Maximum s windows => map (window_range (get (Vec []) R s)) (to_list windows)
  | Gather picks => map (fun pick => range_at R (fst pick) (snd pick)) (to_list picks)
  end.

Lemma row_range_ok r source f : (forall c, inside (get (0, 0) source c) (f c)) ->
  forall lo hi z, inside (lo, hi) z -> inside (row_range r source lo hi) (row_sum r f + z).
Proof.
  intros H. induction r as [| [c w] r IH]; intros lo hi z Hz; simpl; [exact Hz |].
  pose proof (H c) as Hc. destruct (get (0, 0) source c) as [l u]. unfold inside in *; simpl in *.
  replace (w * f c + row_sum r f + z) with (row_sum r f + (z + w * f c)) by lia.
  destruct (Z.leb_spec 0 w) as [Hw | Hw]; apply IH; simpl.
  - pose proof (Z.mul_le_mono_nonneg_l l (f c) w Hw). pose proof (Z.mul_le_mono_nonneg_l (f c) u w Hw). lia.
  - pose proof (Z.mul_le_mono_nonpos_l l (f c) w ltac:(lia)). pose proof (Z.mul_le_mono_nonpos_l (f c) u w ltac:(lia)). lia.
Qed.

Lemma fold_right_shift (t : list (nat * vec row)) (h : nat * vec row -> Z) : forall z d,
  fold_right (fun term sum => h term + sum) (z + d) t = fold_right (fun term sum => h term + sum) z t + d.
Proof. induction t; intros; simpl; [reflexivity |]. rewrite IHt. lia. Qed.

Lemma affine_range_ok R v i terms : (forall s j, In s (map fst terms) -> inside (range_at R s j) (v s j)) ->
  forall bias, inside (affine_range R terms i bias)
    (fold_right (fun term sum => row_sum (get [] (snd term) i) (v (fst term)) + sum) bias terms).
Proof.
  intros H bias. unfold affine_range.
  assert (G : forall acc z, inside acc z -> inside
    (fold_left (fun acc term => row_range (get [] (snd term) i) (get (Vec []) R (fst term)) (fst acc) (snd acc)) terms acc)
    (fold_right (fun term sum => row_sum (get [] (snd term) i) (v (fst term)) + sum) z terms)).
  { induction terms as [| [s rows] terms IH]; intros acc z Hz; simpl; [exact Hz |].
    simpl in H. rewrite Z.add_comm, <- fold_right_shift.
    apply IH; [intros; apply H; auto |]. rewrite Z.add_comm. apply row_range_ok.
    - intros c. apply (H s c). auto.
    - destruct acc; exact Hz. }
  apply G. unfold inside; simpl. lia.
Qed.

Lemma wrap_shift_ok width signed r z shift : 0 <= width ->
  wrap_shift width signed r = Some shift -> inside r z -> wrap width signed z = z + shift.
Proof.
  unfold wrap_shift, wrap_greatest, wrap, inside. set (low := wrap_least width signed). intros Hw.
  assert (HP : 0 < 2 ^ width) by (apply Z.pow_pos_nonneg; lia). set (P := 2 ^ width) in *.
  pose proof (Z.div_mod (fst r - low) P ltac:(lia)) as D. pose proof (Z.mod_pos_bound (fst r - low) P HP).
  destruct (Z.leb_spec (low + (fst r - low) mod P + (snd r - fst r)) (low + P - 1)) as [Hle | Hle]; [| discriminate].
  intros E Hz. injection E as E. subst shift.
  rewrite <- (Z.mod_unique_pos (z - low) P ((fst r - low) / P) ((fst r - low) mod P + (z - fst r))); lia.
Qed.

Lemma wrap_limits width signed z : 0 <= width ->
  wrap_least width signed <= wrap width signed z <= wrap_greatest width signed.
Proof.
  intros Hw. unfold wrap, wrap_greatest.
  pose proof (Z.mod_pos_bound (z - wrap_least width signed) (2 ^ width) ltac:(apply Z.pow_pos_nonneg; lia)). lia.
Qed.

Lemma wrap_range_ok width signed r z : 0 <= width ->
  inside r z -> inside (wrap_range width signed r) (wrap width signed z).
Proof.
  intros Hw Hz. unfold wrap_range. destruct (wrap_shift width signed r) as [shift |] eqn:E.
  - rewrite (wrap_shift_ok _ _ _ _ _ Hw E Hz). unfold inside in *; simpl. lia.
  - apply wrap_limits. exact Hw.
Qed.

Lemma fold_max_spec l : forall a,
  (fold_left Z.max l a = a \/ In (fold_left Z.max l a) l) /\ a <= fold_left Z.max l a /\
  (forall x, In x l -> x <= fold_left Z.max l a).
Proof.
  induction l as [| b l IH]; intros a; simpl; [split; [auto |]; split; [lia |]; intros x [] |].
  destruct (IH (Z.max a b)) as [Hin [Hge Hall]]. split; [| split].
  - destruct Hin as [E | E]; [| auto]. rewrite E. destruct (Z.max_spec a b) as [[_ H] | [_ H]]; rewrite H; auto.
  - lia.
  - intros x [E | Hx]; [subst; lia | auto].
Qed.

(** The greatest of a list that is not empty is in it, and none is greater. *)
Lemma list_max_spec l : l <> [] -> In (list_max l) l /\ forall x, In x l -> x <= list_max l.
Proof.
  destruct l as [| a l]; [congruence |]. intros _. simpl. destruct (fold_max_spec l a) as [Hin [Hge Hall]].
  split; [destruct Hin; auto |]. intros x [E | Hx]; [lia | auto].
Qed.

Lemma window_range_ok source window f :
  (forall i, inside (get (0, 0) source i) (f i)) -> inside (window_range source window) (list_max (map f window)).
Proof.
  intros H. unfold window_range, inside; simpl. destruct window as [| a w]; [simpl; lia |].
  assert (Hne : forall h : nat -> Z, map h (a :: w) <> []) by (simpl; discriminate).
  assert (G : forall h h' : nat -> Z, (forall i, h i <= h' i) -> list_max (map h (a :: w)) <= list_max (map h' (a :: w))).
  { intros h h' Hh. destruct (list_max_spec _ (Hne h)) as [Hin _]. apply in_map_iff in Hin. destruct Hin as [i [E Hi]].
    rewrite <- E. destruct (list_max_spec _ (Hne h')) as [_ Hall].
    specialize (Hall (h' i) (in_map _ _ _ Hi)). specialize (Hh i). lia. }
  split; apply G; intros i; apply (H i).
Qed.

Lemma step_range_ok f a z : well_formed_step f = true -> inside a z -> inside (step_range f a) (apply f z).
Proof.
  intros W [Hl Hu]. unfold step_range. destruct (Z.eqb_spec (fst a) (snd a)) as [E | E].
  - replace z with (fst a) by lia. unfold inside; simpl. lia.
  - split; simpl; apply apply_monotone; assumption.
Qed.

Lemma well_formed_steps g k s steps i : well_formed g = true ->
  get nothing g k = Stepwise s steps -> well_formed_step (get flat steps i) = true.
Proof.
  intros W E. destruct (well_formed_at g k W) as [_ Wn]. rewrite E in Wn. simpl in Wn. apply andb_true_iff in Wn.
  destruct Wn as [_ Wn]. rewrite forallb_forall in Wn. apply get_all; auto.
Qed.

Lemma well_formed_width g k s len width signed : well_formed g = true ->
  get nothing g k = Wrap s len width signed -> 0 <= width.
Proof.
  intros W E. destruct (well_formed_at g k W) as [_ Wn]. rewrite E in Wn. simpl in Wn.
  rewrite !andb_true_iff, !Z.leb_le in Wn. lia.
Qed.

(** An element of a step, and what stands beyond the last one: the step without arguments is zero. *)
Lemma step_element g v k s steps i : model g v -> get nothing g k = Stepwise s steps -> v k i = apply (get flat steps i) (v s i).
Proof.
  intros M E. destruct (Nat.lt_ge_cases i (size steps)) as [Hi | Hi].
  - pose proof (element_meaning g v k i M) as Em. rewrite E in Em. apply Em, Hi.
  - rewrite (beyond_zero g v k i M) by (rewrite E; exact Hi). rewrite (get_beyond flat) by exact Hi. reflexivity.
Qed.

Lemma interval_length n R : length (interval n R) = length_of n.
Proof. destruct n; simpl; rewrite ?mapi_length, ?map_length, ?seq_length; reflexivity. Qed.

Theorem interval_ok g v k R :
  model g v -> (forall s j, In s (sources (get nothing g k)) -> inside (range_at R s j) (v s j)) ->
  forall i, inside (nth i (interval (get nothing g k) R) (0, 0)) (v k i).
Proof.
  intros M H i. destruct (Nat.lt_ge_cases i (length_of (get nothing g k))) as [Hi | Hi].
  2: { rewrite nth_overflow by (rewrite interval_length; exact Hi). rewrite (beyond_zero g v k i M Hi). unfold inside; simpl; lia. }
  pose proof (element_meaning g v k i M Hi) as E. pose proof (model_boxes g v M k) as Hbox.
  pose proof (fun s t j => well_formed_steps g k s t j (model_well_formed g v M)) as Wsteps.
  pose proof (fun s l w sg => well_formed_width g k s l w sg (model_well_formed g v M)) as Wwidth.
  destruct (get nothing g k) as [box | c | b t | s st | s l w sg | s ws | p]; simpl in *.
  - apply Hbox. reflexivity.
  - rewrite E. pose proof (map_nth (fun z : Z => (z, z)) (to_list c) 0 i) as Em. simpl in Em. rewrite Em.
    unfold inside, get; simpl. lia.
  - rewrite E. rewrite (nth_mapi _ 0) by exact Hi. apply affine_range_ok. exact H.
  - rewrite E. rewrite (nth_mapi _ flat) by exact Hi. apply step_range_ok; [apply (Wsteps s st i eq_refl) | apply H; auto].
  - rewrite E. set (h := fun i => wrap_range w sg (get (0, 0) (get (Vec []) R s) i)).
    rewrite (nth_indep _ (0, 0) (h O)) by (rewrite map_length, seq_length; exact Hi).
    rewrite map_nth, seq_nth by exact Hi. unfold h; simpl.
    apply wrap_range_ok; [eapply Wwidth; reflexivity | apply H; auto].
  - rewrite E. rewrite (nth_indep _ (0, 0) (window_range (get (Vec []) R s) [])) by (rewrite map_length; exact Hi).
    rewrite map_nth. apply window_range_ok. intros j. apply H. auto.
  - rewrite E. rewrite (nth_indep _ (0, 0) (range_at R O O)) by (rewrite map_length; exact Hi).
    rewrite (map_nth (fun pick => range_at R (fst pick) (snd pick)) _ (O, O)). fold (get (O, O) p i). destruct (get (O, O) p i) as [n e] eqn:Ep.
    apply H. change n with (fst (n, e)). apply in_map. rewrite <- Ep. apply nth_In. exact Hi.
Qed.

(** * The ranges of a graph *)

Fixpoint initial_from (k : nat) (ns : list node) (R : ranges) : ranges :=
  match ns with
  | [] => R
  | n :: r => initial_from (S k) r (set R k (Vec (interval n R)))
  end.

Definition initial (g : graph) : ranges := initial_from 0 (to_list g) (filled (size g) (Vec [])).

Lemma range_beyond R k i : (size R <= k)%nat -> range_at R k i = (0, 0).
Proof. intros H. unfold range_at. rewrite (get_beyond _ R) by exact H. destruct i; reflexivity. Qed.

Lemma initial_from_ok g v ns : model g v -> forall k R,
  size R = size g -> (forall j, nth j ns nothing = get nothing g (k + j)) -> (k + length ns = size g)%nat ->
  (forall j i, (j < k)%nat -> inside (range_at R j i) (v j i)) ->
  within (initial_from k ns R) v.
Proof.
  intros M. induction ns as [| n ns IH]; intros k R HR Hn Hl H; simpl in *.
  - intros j i. destruct (Nat.lt_ge_cases j k) as [Hj | Hj]; [auto |].
    rewrite range_beyond by lia. rewrite (beyond_zero g v j i M); [unfold inside; simpl; lia |].
    rewrite get_beyond by lia. simpl. unfold size; simpl. lia.
  - apply IH; [rewrite size_set; exact HR | | lia |].
    + intros j. specialize (Hn (S j)). simpl in Hn. rewrite Hn. f_equal. lia.
    + intros j i Hj. unfold range_at. destruct (Nat.eq_dec k j) as [E | E].
      * subst j. rewrite get_set_same by lia. specialize (Hn O). simpl in Hn. rewrite Nat.add_0_r in Hn. subst n.
        apply interval_ok; [exact M |]. intros s e Hs. apply H. apply (well_formed_at g k (model_well_formed g v M)), Hs.
      * rewrite get_set_other by exact E. apply H. lia.
Qed.

Theorem initial_ok g v : model g v -> within (initial g) v.
Proof.
  intros M. apply (initial_from_ok g v _ M); auto.
  - apply size_filled.
  - intros j i Hj. lia.
Qed.

(** * Narrower ranges *)

(** The ranges, and which nodes' ranges are narrower than they were. *)
Definition state : Type := ranges * vec bool.

Definition state_within (v : nat -> nat -> Z) (st : state) : Prop := within (fst st) v.

Definition at_least (z : Z) (lo : option Z) : Prop := match lo with Some l => l <= z | None => True end.
Definition at_most (z : Z) (hi : option Z) : Prop := match hi with Some h => z <= h | None => True end.

Definition set_range (R : ranges) (k i : nat) (r : range) : ranges := set R k (set (get (Vec []) R k) i r).

(** Intersects an element's range with another. *)
Definition meet (k i : nat) (lo hi : option Z) (st : state) : outcome state :=
  let (l, h) := range_at (fst st) k i in
  let l' := match lo with Some lo => Z.max l lo | None => l end in
  let h' := match hi with Some hi => Z.min h hi | None => h end in
  if h' <? l' then Empty
  else if (l =? l') && (h =? h') then Left st
  else Left (set_range (fst st) k i (l', h'), set (snd st) k true).

Lemma within_set_range R v k i r : within R v -> inside r (v k i) -> within (set_range R k i r) v.
Proof.
  intros H Hr k' i'. unfold range_at, set_range. rewrite get_set.
  destruct (Nat.eqb_spec k k') as [E | E]; simpl; [| apply H]. subst k'.
  destruct (Nat.ltb k (size R)); [| apply H].
  rewrite get_set. destruct (Nat.eqb_spec i i') as [E | E]; simpl; [| apply H]. subst i'.
  destruct (Nat.ltb i _); [exact Hr | apply H].
Qed.

Lemma meet_ok v k i lo hi st :
  state_within v st -> at_least (v k i) lo -> at_most (v k i) hi -> okay (state_within v) (meet k i lo hi st).
Proof.
  intros H Hlo Hhi. unfold meet. pose proof (H k i) as Hki. destruct (range_at (fst st) k i) as [l h].
  unfold inside in Hki; simpl in Hki.
  set (l' := match lo with Some lo => Z.max l lo | None => l end).
  set (h' := match hi with Some hi => Z.min h hi | None => h end).
  assert (l' <= v k i) by (unfold l'; destruct lo; simpl in *; lia).
  assert (v k i <= h') by (unfold h'; destruct hi; simpl in *; lia).
  destruct (Z.ltb_spec h' l'); simpl; [lia |].
  destruct ((l =? l') && (h =? h')); simpl; [exact H |].
  apply within_set_range; [exact H |]. unfold inside; simpl. lia.
Qed.

(** What a step's range says of its argument's. *)
Definition step_backwards (k s i : nat) (f : step) (st : state) : outcome state :=
  let (lo, hi) := range_at (fst st) k i in
  if (greatest f <? lo) || (hi <? least f) then Empty
  else meet s i (if least f <? lo then Some (threshold f lo) else None)
                (if hi <? greatest f then Some (threshold f (hi + 1) - 1) else None) st.

Lemma step_backwards_ok v k s i f st : well_formed_step f = true -> v k i = apply f (v s i) ->
  state_within v st -> okay (state_within v) (step_backwards k s i f st).
Proof.
  intros W E H. unfold step_backwards. pose proof (H k i) as Hki. destruct (range_at (fst st) k i) as [lo hi].
  unfold inside in Hki; simpl in Hki. pose proof (apply_limits f (v s i) W).
  destruct (Z.ltb_spec (greatest f) lo); [simpl; lia |]. destruct (Z.ltb_spec hi (least f)); [simpl; lia |]. simpl.
  apply meet_ok; [exact H | |].
  - destruct (Z.ltb_spec (least f) lo); simpl; [| exact I]. apply apply_threshold; lia || assumption.
  - destruct (Z.ltb_spec hi (greatest f)); simpl; [| exact I].
    pose proof (apply_threshold f (hi + 1) (v s i) W ltac:(lia)). lia.
Qed.

(** What a node's ranges say of those that it reads. *)
Definition backwards (k : nat) (n : node) (st : state) : outcome state :=
  if get false (snd st) k then
    match n with
    | Input _ | Constant _ | Affine _ _ | Wrap _ _ _ _ => Left st
    | Stepwise s steps => walk (step_backwards k s) 0 (to_list steps) st
    | Maximum s windows =>
        walk (fun i window st => walk (fun _ e st => meet s e None (Some (snd (range_at (fst st) k i))) st) 0 window st)
          0 (to_list windows) st
    | Gather picks =>
        walk (fun i '(n, e) st => let (lo, hi) := range_at (fst st) k i in meet n e (Some lo) (Some hi) st) 0 (to_list picks) st
    end
  else Left st.

Lemma nth_error_get {A} (d : A) v i a : nth_error (to_list v) i = Some a -> (i < size v)%nat /\ get d v i = a.
Proof.
  intros H. split; [apply nth_error_Some; congruence |]. apply nth_error_nth. exact H.
Qed.

Lemma backwards_ok g v k st : model g v -> state_within v st -> okay (state_within v) (backwards k (get nothing g k) st).
Proof.
  intros M H. unfold backwards. destruct (get false (snd st) k); [| exact H].
  pose proof (fun i => element_meaning g v k i M) as E.
  pose proof (fun s t i => well_formed_steps g k s t i (model_well_formed g v M)) as Wsteps.
  destruct (get nothing g k) as [box | c | b t | s steps | s l w sg | s windows | picks]; try exact H; simpl in E.
  - apply walk_okay; [| exact H]. intros i f st' Hf Hst. destruct (nth_error_get flat _ _ _ Hf) as [Hi Hg].
    specialize (E i Hi). rewrite Hg in E. apply step_backwards_ok; auto. rewrite <- Hg. apply (Wsteps s steps i eq_refl).
  - apply walk_okay; [| exact H]. intros i window st' Hw Hst. destruct (nth_error_get [] _ _ _ Hw) as [Hi Hg].
    specialize (E i Hi). rewrite Hg in E. apply walk_okay; [| exact Hst]. intros j e st'' He Hst'.
    apply meet_ok; [exact Hst' | exact I |]. simpl. apply nth_error_In in He.
    destruct (list_max_spec (map (v s) window)) as [_ Hall]; [destruct window; [contradiction | discriminate] |].
    specialize (Hall (v s e) (in_map _ _ _ He)). pose proof (Hst' k i) as [_ Hhi]. rewrite E in Hhi. lia.
  - apply walk_okay; [| exact H]. intros i [n e] st' Hp Hst. destruct (nth_error_get (O, O) _ _ _ Hp) as [Hi Hg].
    specialize (E i Hi). rewrite Hg in E. pose proof (Hst k i) as Hki. rewrite E in Hki. simpl.
    destruct (range_at (fst st') k i) as [lo hi]. apply meet_ok; [exact Hst | |]; simpl; apply Hki.
Qed.

(** What a node's sources say of its ranges. *)
Definition forwards (k : nat) (n : node) (st : state) : outcome state :=
  if existsb (fun s => get false (snd st) s) (sources n) then
    walk (fun i '(lo, hi) st => meet k i (Some lo) (Some hi) st) 0 (interval n (fst st)) st
  else Left st.

Lemma meet_interval_ok g v k R st : model g v -> within R v -> state_within v st ->
  okay (state_within v) (walk (fun i '(lo, hi) st => meet k i (Some lo) (Some hi) st) 0 (interval (get nothing g k) R) st).
Proof.
  intros M HR H. apply walk_okay; [| exact H]. intros i [lo hi] st' Hi Hst.
  pose proof (interval_ok g v k R M (fun s j _ => HR s j) i) as Hin. rewrite (nth_error_nth _ _ _ Hi) in Hin.
  apply meet_ok; [exact Hst | |]; simpl; apply Hin.
Qed.

Lemma forwards_ok g v k st : model g v -> state_within v st -> okay (state_within v) (forwards k (get nothing g k) st).
Proof. intros M H. unfold forwards. destruct (existsb _ _); [| exact H]. apply (meet_interval_ok g v k); assumption. Qed.

(** The nodes before [k], from the last to the first. *)
Fixpoint downwards {S} (f : nat -> S -> outcome S) (k : nat) (s : S) : outcome S :=
  match k with
  | O => Left s
  | S k => bind (f k s) (downwards f k)
  end.

Lemma downwards_okay {S} (P : S -> Prop) (f : nat -> S -> outcome S) k : forall s,
  (forall j s, P s -> okay P (f j s)) -> P s -> okay P (downwards f k s).
Proof.
  induction k as [| k IH]; intros s Hf H; simpl; [exact H |].
  apply (okay_bind P); [apply Hf, H | intros; apply IH; assumption].
Qed.

(** Once backwards, once forwards. *)
Definition contract (g : graph) (st : state) : outcome state :=
  bind (downwards (fun k => backwards k (get nothing g k)) (size g) st)
       (walk forwards 0 (to_list g)).

Lemma contract_ok g v st : model g v -> state_within v st -> okay (state_within v) (contract g st).
Proof.
  intros M H. apply (okay_bind (state_within v)).
  - apply downwards_okay; [| exact H]. intros. apply backwards_ok; assumption.
  - intros s Hs. apply walk_okay; [| exact Hs]. intros k n s' Hn Hs'. simpl.
    destruct (nth_error_get nothing _ _ _ Hn) as [_ E]. rewrite <- E. apply forwards_ok; assumption.
Qed.

(** New limits of an element: (node, element, least, greatest). *)
Definition limits : Type := nat * nat * option Z * option Z.

Definition limits_ok (v : nat -> nat -> Z) (l : limits) : Prop :=
  let '(k, i, lo, hi) := l in at_least (v k i) lo /\ at_most (v k i) hi.

(** Narrows ranges, and what follows. *)
Definition narrow (g : graph) (R : ranges) (news : list limits) : outcome ranges :=
  bind (bind (walk (fun _ '(k, i, lo, hi) st => meet k i lo hi st) 0 news (R, filled (size g) false)) (contract g))
       (fun st => Left (fst st)).

Theorem narrow_ok g v R news : model g v -> within R v -> Forall (limits_ok v) news ->
  okay (fun R => within R v) (narrow g R news).
Proof.
  intros M H Hn. unfold narrow. apply (okay_bind (state_within v)); [| auto].
  apply (okay_bind (state_within v)); [| intros; apply contract_ok; assumption].
  apply walk_okay; [| exact H]. intros j [[[k i] lo] hi] st Hj Hst.
  apply nth_error_In in Hj. rewrite Forall_forall in Hn. destruct (Hn _ Hj). apply meet_ok; assumption.
Qed.
