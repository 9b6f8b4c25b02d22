(** Backward substitution: the second half of the rule of propagation.

    A form in work is a constant C, coefficients, and an exponent E: (C + coefficients * elements) / 2^E is never below the form asked for. Nodes are replaced from
    the last to the first, affine ones exactly, nonlinear ones by their lines. [Rejected] stands for "there is no bound". *)

From Coq Require Import ZArith List Lia Bool.
From QnnProof Require Import Vector Outcome Step Graph Ranges Shares Form Bound Lines.
Import ListNotations.
Open Scope Z_scope.

Definition work : Type := Z * form * Z.

Definition no_bound {A} : outcome A := Rejected NoValue.

Definition greatest_magnitude (l : list Z) : Z := fold_left (fun most c => Z.max most (Z.abs c)) l 0.
Definition sum_magnitudes (l : list Z) : Z := fold_left (fun sum c => sum + Z.abs c) l 0.

(** The greatest magnitude of the coefficients of other nodes than [k]. *)
Fixpoint greatest_other (k : nat) (rows : list (vec Z)) (most : Z) : Z :=
  match rows, k with
  | [], _ => most
  | _ :: rows, O => greatest_other (length rows) rows most
  | c :: rows, S k => greatest_other k rows (Z.max most (greatest_magnitude (to_list c)))
  end.

(** The sum of c(i) * f(i) from i on, added to a number. *)
Fixpoint dot_onto (sum : Z) (c : list Z) (f : nat -> Z) (i : nat) : Z :=
  match c with
  | [] => sum
  | x :: c => dot_onto (if x =? 0 then sum else sum + x * f i) c f (S i)
  end.

Definition within_64_bits (c : Z) : bool := (- 2 ^ 63 <=? c) && (c <? 2 ^ 63).

(** Adds a multiple of an element, if its coefficient has 64 bits then. *)
Definition add_limited (g : graph) (k i : nat) (x : Z) (cs : form) : outcome form :=
  let t := live g cs k in
  let c := get 0 t i + x in
  if within_64_bits c then Left (set cs k (set t i c)) else no_bound.

(** * Shifts *)

(** Divides coefficients by 2^b; what that takes from them, times upper ends, goes to the constant. *)
Fixpoint shift_rows (b : Z) (R : ranges) (k : nat) (rows : list (vec Z)) (C : Z) : Z * list (vec Z) :=
  match rows with
  | [] => (C, [])
  | c :: rows =>
      if Nat.eqb (size c) 0 then let (C, rows) := shift_rows b R (S k) rows C in (C, c :: rows)
      else
        let upper := get (Vec []) R k in
        let l := to_list c in
        let rests := map (fun x => x - Z.shiftl (Z.shiftr x b) b) l in
        let (C, rows) := shift_rows b R (S k) rows (dot_onto C rests (fun i => snd (get (0, 0) upper i)) 0) in
        (C, Vec (map (fun x => Z.shiftr x b) l) :: rows)
  end.

Definition shift (b : Z) (R : ranges) (st : work) : outcome work :=
  let '(C, cs, E) := st in
  if b <=? 0 then Left st
  else if 62 <? b then no_bound
  else
    let (C, rows) := shift_rows b R 0 (to_list cs) C in
    Left (- Z.shiftr (- C) b, Vec rows, E - b).

(** Multiplies a form by 2^e. *)
Definition scale (e : Z) (cs : form) : form :=
  if e =? 0 then cs
  else Vec (map (fun c => if Nat.eqb (size c) 0 then c else Vec (map (fun x => Z.shiftl x e) (to_list c))) (to_list cs)).

(** * Nodes *)

Section Nodes.
  Context (g : graph).
  Context (norms : vec Z).  (** for each affine node the greatest sum of the magnitudes of a row of weights; nothing rests on it *)
  Context (R : ranges) (ls : vec lines).

  Definition replace_affine (k : nat) (bias : vec Z) (terms : list (nat * vec row)) (st : work) : outcome work :=
    let '(C, cs, _) := st in
    let mine := to_list (get (Vec []) cs k) in
    let norm := get 0 norms k in
    bind (shift (Z.max (bits (greatest_magnitude mine) - 30)
                       (Z.max (bits (sum_magnitudes mine) + bits norm - 62) (bits (greatest_other k (to_list cs) 0) - 62))) R st)
      (fun '(C, cs, E) =>
        let mine := to_list (get (Vec []) cs k) in
        if 2 ^ 62 <=? sum_magnitudes mine * norm then no_bound
        else
          let several := negb (Nat.leb (length terms) 1) in
          bind (walk (fun _ '(s, rows) cs =>
                  let t := pull (to_list rows) mine (live g cs s) in
                  if several && (2 ^ 62 <=? greatest_magnitude (to_list t)) then no_bound else Left (set cs s t))
                  0 terms (set cs k (Vec [])))
            (fun cs => Left (dot_onto C mine (get 0 bias) 0, cs, E))).

  (** The form, shifted and multiplied by 2^e for the lines of node [k], the node's own coefficients, and the rest. *)
  Definition prepare (k : nat) (e : Z) (st : work) : outcome (vec Z * work) :=
    let '(C, cs, _) := st in
    let other := bits (greatest_other k (to_list cs) 0) in
    bind (shift (Z.max (bits (greatest_magnitude (to_list (get (Vec []) cs k))) - 30)
                       (Z.max (bits C + e - 110) (if other =? 0 then 0 else other + e - 62))) R st)
      (fun '(C, cs, E) => Left (get (Vec []) cs k, (Z.shiftl C e, scale e (set cs k (Vec [])), E + e))).

  Definition replace_by_pairs (k s : nat) (e : Z) (each : vec (line * line)) (st : work) : outcome work :=
    bind (prepare k e st) (fun '(mine, st) =>
      walk (fun i c '(C, cs, E) =>
        if c =? 0 then Left (C, cs, E)
        else
          let pair := get ((0, 0), (0, 0)) each i in
          let (slope, intercept) := if 0 <? c then fst pair else snd pair in
          bind (add_limited g s i (c * slope) cs) (fun cs => Left (C + c * intercept, cs, E)))
        0 (to_list mine) st).

  Definition replace_by_entries (k s : nat) (each : vec (nat * bool)) (st : work) : outcome work :=
    bind (prepare k 0 st) (fun '(mine, st) =>
      walk (fun i c '(C, cs, E) =>
        if c =? 0 then Left (C, cs, E)
        else
          let (best, is_dominant) := get (O, false) each i in
          if (c <? 0) || is_dominant then bind (add_limited g s best c cs) (fun cs => Left (C, cs, E))
          else Left (C + c * snd (range_at R k i), cs, E))
        0 (to_list mine) st).

  Definition replace_node (k : nat) (st : work) : outcome work :=
    let '(C, cs, E) := st in
    let mine := to_list (get (Vec []) cs k) in
    if forallb (fun c => c =? 0) mine then Left st
    else
      match get nothing g k with
      | Input _ => Left st
      | Constant values => Left (dot_onto C mine (get 0 values) 0, set cs k (Vec []), E)
      | Gather picks =>
          walk (fun i '(n, e) '(C, cs, E) =>
            let c := nth i mine 0 in
            if c =? 0 then Left (C, cs, E) else bind (add_limited g n e c cs) (fun cs => Left (C, cs, E)))
            0 (to_list picks) (C, set cs k (Vec []), E)
      | Affine bias terms => replace_affine k bias terms st
      | Stepwise s _ | Wrap s _ _ _ =>
          match get NoLines ls k with Pairs e each => replace_by_pairs k s e each st | _ => no_bound end
      | Maximum s _ =>
          match get NoLines ls k with Entries each => replace_by_entries k s each st | _ => no_bound end
      end.

  (** What is left, bounded by ranges. *)
  Fixpoint rest_of (k : nat) (rows : list (vec Z)) (C : Z) : Z :=
    match rows with
    | [] => C
    | c :: rows =>
        let own := get (Vec []) R k in
        rest_of (S k) rows
          (snd (fold_left (fun '(i, C) c => (S i, if c =? 0 then C else C + best c (get (0, 0) own i))) (to_list c) (O, C)))
    end.

  (** An upper bound of the form [C] + [cs], rounded down. *)
  Definition upper (C : Z) (cs : form) : outcome Z :=
    bind (downwards replace_node (size g) (C, cs, 0)) (fun '(C, cs, E) =>
      let value := rest_of 0 (to_list cs) C in
      Left (if 0 <=? E then Z.shiftr value E else Z.shiftl value (- E))).

  Section Proofs.
    Context (v : nat -> nat -> Z) (M : model g v) (H : within R v) (Hls : forall k, lines_ok g v k (get NoLines ls k)).
    Context (start : Z).

    (** The form in work, plus what is still to be accounted for, is never below the form asked for. *)
    Definition covers (st : work) (account : Z) : Prop :=
      let '(C, cs, E) := st in
      shape g cs /\
      exists p q, 0 <= p /\ 0 <= q /\ E = p - q /\ start * 2 ^ p <= (C + total cs v + account) * 2 ^ q.

    Lemma covers_mono C cs C' cs' E account account' : shape g cs' ->
      C + total cs v + account <= C' + total cs' v + account' -> covers (C, cs, E) account -> covers (C', cs', E) account'.
    Proof.
      intros Hs Hle [_ [p [q [Hp [Hq [HE Hc]]]]]]. split; [exact Hs |]. exists p, q. repeat split; auto.
      pose proof (Z.mul_le_mono_nonneg_r _ _ (2 ^ q) ltac:(apply Z.pow_nonneg; lia) Hle). lia.
    Qed.

    Lemma dot_onto_ok c f : forall sum i, dot_onto sum c f i = sum + dot c (fun j => f (i + j)%nat).
    Proof.
      induction c as [| x c IH]; intros sum i; cbn [dot_onto dot]; [lia |].
      rewrite IH, Nat.add_0_r. rewrite (dot_ext c (fun j => f (i + S j)%nat) (fun j => f (S i + j)%nat)).
      - destruct (Z.eqb_spec x 0); [subst x |]; lia.
      - intros j _. f_equal. lia.
    Qed.

    Lemma dot_onto_all sum c f : dot_onto sum c f 0 = sum + dot c f.
    Proof. apply dot_onto_ok. Qed.

    Lemma add_limited_ok k i x cs : shape g cs ->
      okay (fun cs' => shape g cs' /\ total cs' v = total cs v + x * v k i) (add_limited g k i x cs).
    Proof.
      intros Hs. unfold add_limited. destruct (within_64_bits _); [| exact I]. simpl.
      set (t := live g cs k).
      assert (Ht : size (set t i (get 0 t i + x)) = length_of (get nothing g k)) by (rewrite size_set; apply size_live, Hs).
      split; [apply put_shape; auto |]. rewrite (put_total g) by auto. rewrite <- (dot_live g). fold t.
      pose proof (add_row_ok [(i, 1)] x (v k) t (fun j => live_beyond g v M cs k j Hs)) as [_ Hr].
      cbn [add_row row_sum] in Hr. rewrite !Z.mul_1_r in Hr. lia.
    Qed.

    Lemma shift_row_ok b (l : list Z) : 0 <= b -> forall (upper f : nat -> Z), (forall i, f i <= upper i) ->
      dot l f <= dot (map (fun x => x - Z.shiftl (Z.shiftr x b) b) l) upper + 2 ^ b * dot (map (fun x => Z.shiftr x b) l) f.
    Proof.
      intros Hb. induction l as [| x l IH]; intros upper0 f Hf; cbn [map dot]; [lia |].
      specialize (IH (fun i => upper0 (S i)) (fun i => f (S i)) (fun i => Hf (S i))).
      rewrite Z.shiftl_mul_pow2 by exact Hb. rewrite Z.shiftr_div_pow2 by exact Hb.
      assert (HP : 0 < 2 ^ b) by (apply Z.pow_pos_nonneg; lia). set (P := 2 ^ b) in *.
      pose proof (Z.div_mod x P ltac:(lia)) as D. pose proof (Z.mod_pos_bound x P HP) as B.
      pose proof (Z.mul_le_mono_nonneg_l _ _ (x mod P) ltac:(lia) (Hf O)) as Hm.
      replace (x - x / P * P) with (x mod P) by lia.
      assert (x * f O = (x mod P) * f O + P * (x / P * f O)) by (rewrite D at 1; ring). lia.
    Qed.

    Lemma shift_rows_ok b rows : 0 <= b -> forall k C (w : nat -> nat -> Z),
      (forall j i, inside (range_at R (k + j) i) (w j i)) ->
      let (C', rows') := shift_rows b R k rows C in
      length rows' = length rows /\ (forall j, size (nth j rows' (Vec [])) = size (nth j rows (Vec []))) /\
      C + dots rows w <= C' + 2 ^ b * dots rows' w.
    Proof.
      intros Hb. induction rows as [| c rows IH]; intros k C w Hw; cbn [shift_rows]; [simpl; repeat split; lia |].
      assert (Hw' : forall j i, inside (range_at R (S k + j) i) (w (S j) i)).
      { intros j i. replace (S k + j)%nat with (k + S j)%nat by lia. apply Hw. }
      destruct (Nat.eqb_spec (size c) 0) as [Ec | Ec].
      - specialize (IH (S k) C (fun j => w (S j)) Hw').
        destruct (shift_rows b R (S k) rows C) as [C' rows']. destruct IH as [Hl [Hz Hd]]. cbn [length dots].
        split; [lia |]. split; [intros [| j]; [reflexivity | apply Hz] |].
        destruct c as [[| x l]]; [| discriminate]. cbn [to_list dot]. lia.
      - set (sum := dot_onto C _ _ 0). specialize (IH (S k) sum (fun j => w (S j)) Hw').
        destruct (shift_rows b R (S k) rows sum) as [C' rows']. destruct IH as [Hl [Hz Hd]]. cbn [length dots to_list].
        split; [lia |]. split; [intros [| j]; [cbn [nth]; unfold size; cbn [to_list]; apply map_length | apply Hz] |].
        unfold sum in Hd. rewrite dot_onto_all in Hd.
        pose proof (shift_row_ok b (to_list c) Hb (fun i => snd (get (0, 0) (get (Vec []) R k) i)) (w O)) as Hr.
        specialize (Hr ltac:(intros i; pose proof (Hw O i) as [_ Hu]; rewrite Nat.add_0_r in Hu; exact Hu)).
        lia.
    Qed.

    Lemma shift_ok b st : covers st 0 -> okay (fun st => covers st 0) (shift b R st).
    Proof.
      destruct st as [[C cs] E]. intros Hc. unfold shift. destruct (Z.leb_spec b 0) as [Hb | Hb]; [exact Hc |].
      destruct (62 <? b); [exact I |].
      destruct Hc as [Hs [p [q [Hp [Hq [HE Hc]]]]]].
      pose proof (shift_rows_ok b (to_list cs) ltac:(lia) 0 C v (fun j i => H j i)) as Hr.
      destruct (shift_rows b R 0 (to_list cs) C) as [C' rows']. destruct Hr as [Hl [Hz Hd]]. fold (total cs v) in Hd.
      simpl. split.
      - destruct Hs as [Hs1 Hs2]. split; [unfold size in *; cbn [to_list]; lia |]. intros j. specialize (Hs2 j).
        assert (Eg : size (get (Vec []) (Vec rows') j) = size (get (Vec []) cs j)) by apply Hz. rewrite Eg. exact Hs2.
      - exists p, (q + b). split; [exact Hp | split; [lia | split; [lia |]]].
        rewrite Z.pow_add_r by lia. rewrite Z.shiftr_div_pow2 by lia. unfold total. cbn [to_list].
        assert (HP : 0 < 2 ^ b) by (apply Z.pow_pos_nonneg; lia). set (P := 2 ^ b) in *.
        assert (HC : C' <= P * (- (- C' / P))).
        { pose proof (Z.mul_div_le (- C') P HP). lia. }
        assert (HQ : 0 <= 2 ^ q) by (apply Z.pow_nonneg; lia). set (Q := 2 ^ q) in *.
        assert (Hle : C + total cs v + 0 <= (- (- C' / P) + dots rows' v + 0) * P) by lia.
        pose proof (Z.mul_le_mono_nonneg_r _ _ Q HQ Hle). lia.
    Qed.

    Lemma scale_shape e cs : shape g cs -> shape g (scale e cs).
    Proof.
      intros [Hs Hk]. unfold scale. destruct (e =? 0); [split; assumption |].
      set (h := fun c : vec Z => if Nat.eqb (size c) 0 then c else Vec (map (fun x => Z.shiftl x e) (to_list c))).
      assert (Hh : forall c, size (h c) = size c).
      { intros c. unfold h. destruct (Nat.eqb (size c) 0); [reflexivity |]. unfold size. cbn [to_list]. apply map_length. }
      split; [unfold size in *; cbn [to_list]; rewrite map_length; exact Hs |].
      intros k. assert (Eg : size (get (Vec []) (Vec (map h (to_list cs))) k) = size (get (Vec []) cs k)); [| rewrite Eg; apply Hk].
      unfold get. cbn [to_list]. change (Vec []) with (h (Vec [])) at 1. rewrite map_nth. apply Hh.
    Qed.

    Lemma scale_total e cs : 0 <= e -> total (scale e cs) v = total cs v * 2 ^ e.
    Proof.
      intros He. unfold scale. destruct (Z.eqb_spec e 0) as [E | E]; [subst e; simpl; lia |].
      unfold total. cbn [to_list]. generalize v. clear - He. induction (to_list cs) as [| c rows IH]; intros w; cbn [map dots]; [lia |].
      rewrite IH. assert (Hd : forall l f, dot (map (fun x => Z.shiftl x e) l) f = dot l f * 2 ^ e).
      { clear - He. induction l as [| x l IHl]; intros f; cbn [map dot]; [lia |]. rewrite IHl, Z.shiftl_mul_pow2 by exact He. lia. }
      destruct (Nat.eqb_spec (size c) 0) as [Ec | Ec].
      - destruct c as [[| x l]]; [cbn [to_list dot]; lia | discriminate].
      - cbn [to_list]. rewrite Hd. lia.
    Qed.

    Definition prepared (k : nat) (e : Z) (r : vec Z * work) : Prop :=
      (size (fst r) = O \/ size (fst r) = length_of (get nothing g k)) /\
      covers (snd r) (dot (to_list (fst r)) (v k) * 2 ^ e).

    Lemma prepare_ok k e st : 0 <= e -> covers st 0 -> okay (prepared k e) (prepare k e st).
    Proof.
      intros He Hc. destruct st as [[C cs] E]. unfold prepare.
      eapply okay_bind; [apply shift_ok, Hc |]. clear Hc. intros [[C' cs'] E'] [Hs [p [q [Hp [Hq [HE Hc]]]]]]. simpl.
      split; [apply (proj2 Hs k) |]. cbn [fst snd].
      assert (Hs0 : shape g (set cs' k (Vec []))) by (apply put_shape; auto).
      split; [apply scale_shape, Hs0 |]. exists (p + e), q. split; [lia | split; [exact Hq | split; [lia |]]].
      rewrite scale_total by exact He. rewrite (put_total g) by auto. cbn [to_list dot]. rewrite Z.shiftl_mul_pow2 by exact He.
      rewrite Z.pow_add_r by lia. assert (HP : 0 <= 2 ^ e) by (apply Z.pow_nonneg; lia). set (P := 2 ^ e) in *.
      set (Q := 2 ^ q) in *. set (own := dot (to_list (get (Vec []) cs' k)) (v k)).
      pose proof (Z.mul_le_mono_nonneg_r _ _ P HP Hc) as Hm.
      replace ((C' * P + (total cs' v - own + 0) * P + own * P) * Q) with ((C' + total cs' v + 0) * Q * P) by ring. lia.
    Qed.

    Lemma walk_replaces k (mine : vec Z) (scale_ : Z) (f : nat -> Z -> work -> outcome work) st :
      (forall i c st account, nth_error (to_list mine) i = Some c -> covers st account ->
        okay (fun st => covers st (account - get 0 mine i * v k i * scale_)) (f i c st)) ->
      covers st (dot (to_list mine) (v k) * scale_) -> okay (fun st => covers st 0) (walk f 0 (to_list mine) st).
    Proof.
      intros Hf Hc. eapply okay_weaken.
      - apply (walk_sum covers (fun i => get 0 mine i * v k i * scale_)) with (account := dot (to_list mine) (v k) * scale_); [| exact Hc].
        intros i c st' account Hi Hst. apply Hf; assumption.
      - intros st' Hst. cbv beta in Hst. rewrite dot_sum in Hst.
        assert (S : forall n i, sum_from (fun i => get 0 mine i * v k i * scale_) i n = sum_from (fun i => nth i (to_list mine) 0 * v k i) i n * scale_).
        { clear. induction n as [| n IH]; intros i; cbn [sum_from]; [lia |]. rewrite IH. unfold get. lia. }
        rewrite S, Z.sub_diag in Hst. exact Hst.
    Qed.

    Lemma replace_by_pairs_ok k s e each st : lines_ok g v k (Pairs e each) ->
      (match get nothing g k with Stepwise s' _ | Wrap s' _ _ _ => s' = s | _ => False end) ->
      covers st 0 -> okay (fun st => covers st 0) (replace_by_pairs k s e each st).
    Proof.
      intros [He [s' [Hs' Hl]]] Hk Hc.
      assert (s' = s) by (destruct (get nothing g k); try contradiction; congruence). subst s'.
      unfold replace_by_pairs. eapply okay_bind; [apply (prepare_ok k e st He Hc) |]. clear Hc.
      intros [mine st'] [Hm Hc]. cbn [fst snd] in Hm, Hc. apply (walk_replaces k mine (2 ^ e)); [| exact Hc].
      intros i c [[C cs] E] account Hi Hst. destruct (nth_error_get 0 _ _ _ Hi) as [Hlt Hget]. rewrite Hget.
      destruct (Z.eqb_spec c 0) as [Ec | Ec].
      - simpl. eapply covers_mono; [apply Hst | | exact Hst]. subst c. lia.
      - specialize (Hl i ltac:(lia)). destruct Hl as [Habove Hbelow].
        destruct (get _ each i) as [[s1 t1] [s2 t2]]. cbn [fst snd] in *.
        assert (Hline : c * v k i * 2 ^ e <= c * (if 0 <? c then t1 else t2) + c * (if 0 <? c then s1 else s2) * v s i).
        { destruct (Z.ltb_spec 0 c).
          - pose proof (Z.mul_le_mono_nonneg_l _ _ c ltac:(lia) Habove). lia.
          - pose proof (Z.mul_le_mono_nonpos_l _ _ c ltac:(lia) Hbelow). lia. }
        assert (Hst' := Hst). destruct Hst' as [Hs0 _].
        destruct (0 <? c).
        + eapply okay_bind; [apply (add_limited_ok s i (c * s1) cs Hs0) |]. intros cs' [Hs1 Ht]. simpl.
          eapply covers_mono; [exact Hs1 | | exact Hst]. rewrite Ht. lia.
        + eapply okay_bind; [apply (add_limited_ok s i (c * s2) cs Hs0) |]. intros cs' [Hs1 Ht]. simpl.
          eapply covers_mono; [exact Hs1 | | exact Hst]. rewrite Ht. lia.
    Qed.

    Lemma replace_by_entries_ok k s windows each st : lines_ok g v k (Entries each) -> get nothing g k = Maximum s windows ->
      covers st 0 -> okay (fun st => covers st 0) (replace_by_entries k s each st).
    Proof.
      intros [s' [windows' [Hk' Hl]]] Hk Hc. rewrite Hk in Hk'. injection Hk' as <- <-.
      unfold replace_by_entries. eapply okay_bind; [apply (prepare_ok k 0 st ltac:(lia) Hc) |]. clear Hc.
      intros [mine st'] [Hm Hc]. cbn [fst snd] in Hm, Hc. apply (walk_replaces k mine (2 ^ 0)); [| exact Hc].
      intros i c [[C cs] E] account Hi Hst. destruct (nth_error_get 0 _ _ _ Hi) as [Hlt Hget]. rewrite Hget. rewrite Z.pow_0_r.
      destruct (Z.eqb_spec c 0) as [Ec | Ec].
      - simpl. eapply covers_mono; [apply Hst | | exact Hst]. subst c. lia.
      - rewrite Hk in Hm. cbn [length_of] in Hm. specialize (Hl i ltac:(lia)).
        destruct (get (O, false) each i) as [j is_dominant]. destruct Hl as [Hbelow Hdom].
        assert (Hst' := Hst). destruct Hst' as [Hs0 _].
        destruct ((c <? 0) || is_dominant) eqn:Ed.
        + assert (Hline : c * v k i <= c * v s j).
          { destruct (Z.ltb_spec c 0) as [Hc0 | Hc0].
            - apply Z.mul_le_mono_nonpos_l; lia.
            - simpl in Ed. rewrite (Hdom Ed). lia. }
          eapply okay_bind; [apply (add_limited_ok s j c cs Hs0) |]. intros cs' [Hs1 Ht]. simpl.
          eapply covers_mono; [exact Hs1 | | exact Hst]. rewrite Ht. lia.
        + apply orb_false_iff in Ed. destruct Ed as [Ec0 _]. apply Z.ltb_ge in Ec0.
          pose proof (H k i) as [_ Hu]. pose proof (Z.mul_le_mono_nonneg_l _ _ c Ec0 Hu).
          simpl. eapply covers_mono; [exact Hs0 | | exact Hst]. lia.
    Qed.

    Lemma replace_affine_ok k bias terms st : get nothing g k = Affine bias terms ->
      covers st 0 -> okay (fun st => covers st 0) (replace_affine k bias terms st).
    Proof.
      intros Hk Hc. destruct st as [[C0 cs0] E0]. unfold replace_affine.
      eapply okay_bind; [apply shift_ok, Hc |]. clear Hc. intros [[C cs] E] Hc.
      set (mine := to_list (get (Vec []) cs k)). destruct (2 ^ 62 <=? _); [exact I |].
      destruct Hc as [Hs Hc].
      assert (Hs0 : shape g (set cs k (Vec []))) by (apply put_shape; auto).
      assert (Ht0 : total (set cs k (Vec [])) v = total cs v - dot mine (v k)).
      { rewrite (put_total g) by auto. cbn [to_list dot]. fold mine. lia. }
      set (several := negb (Nat.leb (length terms) 1)).
      set (sum := fun i => fold_right (fun term sum => row_sum (get [] (snd term) i) (v (fst term)) + sum) 0 terms).
      assert (Hval : dot mine (v k) = dot mine (get 0 bias) + dot mine sum).
      { rewrite <- dot_add. apply dot_ext. intros i Hi. pose proof (element_meaning g v k i M) as Em. rewrite Hk in Em. cbn [meaning length_of] in Em.
        pose proof (proj2 Hs k) as Hz. rewrite Hk in Hz. cbn [length_of] in Hz. unfold mine in Hi. fold (size (get (Vec []) cs k)) in Hi.
        rewrite (Em ltac:(lia)). rewrite (affine_sum v terms). reflexivity. }
      assert (Walk : forall ts i cs, shape g cs ->
        okay (fun cs' => shape g cs' /\ total cs' v = total cs v +
               dot mine (fun i => fold_right (fun term sum => row_sum (get [] (snd term) i) (v (fst term)) + sum) 0 ts))
          (walk (fun _ '(s, rows) cs => let t := pull (to_list rows) mine (live g cs s) in
             if several && (2 ^ 62 <=? greatest_magnitude (to_list t)) then no_bound else Left (set cs s t)) i ts cs)).
      { clearbody mine. clear - M. induction ts as [| [s rows] ts IH]; intros i cs1 Hs1; cbn [walk].
        - simpl. split; [exact Hs1 |]. rewrite (dot_zero mine) by reflexivity. lia.
        - cbv zeta. destruct (several && _); [exact I |].
          destruct (pull_ok (to_list rows) (v s) mine (live g cs1 s) (fun j => live_beyond g v M cs1 s j Hs1)) as [Hz Hd].
          assert (Hz' : size (pull (to_list rows) mine (live g cs1 s)) = length_of (get nothing g s))
            by (rewrite Hz; apply size_live, Hs1).
          eapply okay_weaken; [apply IH; apply put_shape; auto |].
          intros cs' [Hs' Ht]. split; [exact Hs' |]. rewrite Ht, (put_total g) by auto. rewrite Hd, (dot_live g). cbn [fold_right fst snd].
          rewrite (dot_add mine (fun i => row_sum (get [] rows i) (v s))). unfold get. lia. }
      eapply okay_bind; [apply (Walk terms O _ Hs0) |]. intros cs' [Hs' Ht]. simpl.
      apply (covers_mono C cs _ cs' E 0 0 Hs'); [| exact (conj Hs Hc)].
      rewrite dot_onto_all. fold sum in Ht. rewrite Ht, Ht0, Hval. lia.
    Qed.

    Lemma replace_node_ok k st : covers st 0 -> okay (fun st => covers st 0) (replace_node k st).
    Proof.
      destruct st as [[C cs] E]. intros Hc. unfold replace_node. destruct (forallb _ _); [exact Hc |].
      pose proof (Hls k) as Hlk. assert (Hc' := Hc). destruct Hc' as [Hs _].
      assert (Hs0 : shape g (set cs k (Vec []))) by (apply put_shape; auto).
      assert (Ht0 : total (set cs k (Vec [])) v = total cs v - dot (to_list (get (Vec []) cs k)) (v k)).
      { rewrite (put_total g) by auto. cbn [to_list dot]. lia. }
      pose proof (proj2 Hs k) as Hm. pose proof (fun i => element_meaning g v k i M) as Em.
      destruct (get nothing g k) as [box | c | b t | s steps | s len width signed | s windows | picks] eqn:Hk; cbn [meaning length_of] in *.
      - exact Hc.
      - simpl. apply (covers_mono C cs _ _ E 0 0 Hs0); [| exact Hc]. rewrite dot_onto_all.
        rewrite Ht0. rewrite (dot_ext _ (v k) (get 0 c)); [lia |]. intros i Hi. apply Em.
        fold (size (get (Vec []) cs k)) in Hi. lia.
      - apply (replace_affine_ok k b t); assumption.
      - destruct (get NoLines ls k) as [| e each | each]; try exact I. apply replace_by_pairs_ok; auto. rewrite Hk. reflexivity.
      - destruct (get NoLines ls k) as [| e each | each]; try exact I. apply replace_by_pairs_ok; auto. rewrite Hk. reflexivity.
      - destruct (get NoLines ls k) as [| e each | each]; try exact I. apply (replace_by_entries_ok k s windows); auto.
      - set (mine := get (Vec []) cs k) in *. eapply okay_weaken.
        + apply (walk_sum covers (fun i => get 0 mine i * v k i)) with (account := dot (to_list mine) (v k)).
          * intros i [n e] [[C' cs'] E'] account Hp Hst. destruct (nth_error_get (O, O) _ _ _ Hp) as [Hi Hget].
            specialize (Em i Hi). rewrite Hget in Em. cbn [Nat.add]. fold (get 0 mine i).
            assert (Hst' := Hst). destruct Hst' as [Hs' _].
            destruct (Z.eqb_spec (get 0 mine i) 0) as [Ez | Ez].
            -- simpl. eapply covers_mono; [exact Hs' | | exact Hst]. rewrite Ez. lia.
            -- eapply okay_bind; [apply (add_limited_ok n e (get 0 mine i) cs' Hs') |]. intros cs'' [Hs'' Ht]. simpl.
               eapply covers_mono; [exact Hs'' | | exact Hst]. rewrite Ht, Em. lia.
          * apply (covers_mono C cs C _ E 0 _ Hs0); [rewrite Ht0; lia | exact Hc].
        + intros st Hst. cbv beta in Hst. rewrite (mine_sum v k mine (length (to_list picks)) Hm), Z.sub_diag in Hst. exact Hst.
    Qed.

    Lemma rest_of_ok rows : forall k C (w : nat -> nat -> Z), (forall j i, inside (range_at R (k + j) i) (w j i)) ->
      C + dots rows w <= rest_of k rows C.
    Proof.
      induction rows as [| c rows IH]; intros k C w Hw; cbn [rest_of dots]; [lia |].
      set (own := get (Vec []) R k).
      assert (Fold : forall l i C, C + dot l (fun j => w O (i + j)%nat) <=
        snd (fold_left (fun '(i, C) c => (S i, if c =? 0 then C else C + best c (get (0, 0) own i))) l (i, C))).
      { induction l as [| x l IHl]; intros i C0; cbn [fold_left dot snd]; [lia |].
        specialize (IHl (S i) (if x =? 0 then C0 else C0 + best x (get (0, 0) own i))).
        rewrite (dot_ext l (fun j => w O (i + S j)%nat) (fun j => w O (S i + j)%nat)) by (intros j _; replace (i + S j)%nat with (S i + j)%nat by lia; reflexivity).
        rewrite Nat.add_0_r. pose proof (best_ok x (get (0, 0) own i) (w O i)) as Hb.
        pose proof (Hw O i) as Hi. rewrite Nat.add_0_r in Hi. specialize (Hb Hi).
        destruct (Z.eqb_spec x 0); [subst x |]; lia. }
      specialize (Fold (to_list c) O C). change (fun j => w O (0 + j)%nat) with (w O) in Fold.
      specialize (IH (S k) (snd (fold_left (fun '(i, C) c => (S i, if c =? 0 then C else C + best c (get (0, 0) own i))) (to_list c) (O, C))) (fun j => w (S j))).
      specialize (IH ltac:(intros j i; replace (S k + j)%nat with (k + S j)%nat by lia; apply Hw)). lia.
    Qed.
  End Proofs.

  (** A form is at most its upper bound. *)
  Theorem upper_ok v C cs : model g v -> within R v -> (forall k, lines_ok g v k (get NoLines ls k)) -> shape g cs ->
    okay (fun u => C + total cs v <= u) (upper C cs).
  Proof.
    intros M H Hls Hs. unfold upper.
    apply (okay_bind (fun st => covers v (C + total cs v) st 0)).
    - apply downwards_okay; [intros; apply replace_node_ok; assumption |].
      split; [exact Hs |]. exists 0, 0. repeat split; lia.
    - intros [[C' cs'] E] [_ [p [q [Hp [Hq [HE Hc]]]]]]. simpl. set (start := C + total cs v) in *.
      pose proof (rest_of_ok (to_list cs') 0 C' v (fun j i => H j i)) as Hr. fold (total cs' v) in Hr.
      set (value := rest_of 0 (to_list cs') C') in *.
      assert (HQ : 0 < 2 ^ q) by (apply Z.pow_pos_nonneg; lia). assert (HP : 0 < 2 ^ p) by (apply Z.pow_pos_nonneg; lia).
      assert (Hv : start * 2 ^ p <= value * 2 ^ q).
      { pose proof (Z.mul_le_mono_nonneg_r (C' + total cs' v + 0) value (2 ^ q) ltac:(lia) ltac:(lia)). lia. }
      destruct (Z.leb_spec 0 E) as [HE0 | HE0].
      + rewrite Z.shiftr_div_pow2 by exact HE0. apply Z.div_le_lower_bound; [apply Z.pow_pos_nonneg; lia |].
        replace p with (q + E) in Hv by lia. rewrite Z.pow_add_r in Hv by lia.
        apply (Z.mul_le_mono_pos_r _ _ (2 ^ q) HQ). lia.
      + rewrite Z.shiftl_mul_pow2 by lia. replace q with (p + - E) in Hv by lia. rewrite Z.pow_add_r in Hv by lia.
        apply (Z.mul_le_mono_pos_r _ _ (2 ^ p) HP). lia.
  Qed.
End Nodes.
