(** The dual bound: what a linear form is at most, within ranges, for multipliers of whatever value.

    Nodes are taken from the last to the first; each one's coefficients are put in terms of the nodes that it reads. A nonlinear element y = f(a) with the
    coefficient c and the multiplier m adds its share, the greatest c * y - m * a, and m to the coefficient of a. What a share leaves is its gap. *)

From Coq Require Import ZArith List Lia Bool.
From QnnProof Require Import Vector Outcome Step Graph Ranges Shares Form.
Import ListNotations.
Open Scope Z_scope.

(** What a bound says of an element of an input or a step: [share] is the greatest coefficient * y - multiplier * a. *)
Record term : Type := {
  term_node : nat;
  term_element : nat;
  coefficient : Z;
  multiplier : Z;
  share : Z
}.

(** The bound so far, the coefficients of the nodes that are not replaced yet, and the terms. *)
Definition bound_state : Type := Z * form * list term.

(** The argument of a step's element. *)
Definition argument (g : graph) (v : nat -> nat -> Z) (k i : nat) : Z :=
  match get nothing g k with Stepwise s _ => v s i | _ => 0 end.

Definition gap (g : graph) (v : nat -> nat -> Z) (t : term) : Z :=
  share t - (coefficient t * v (term_node t) (term_element t) - multiplier t * argument g v (term_node t) (term_element t)).

Fixpoint gaps (g : graph) (v : nat -> nat -> Z) (ts : list term) : Z :=
  match ts with [] => 0 | t :: ts => gap g v t + gaps g v ts end.

Section Nodes.
  Context (g : graph) (R : ranges).
  Context (slots : vec (vec Z)).  (** the multipliers, by node and slot *)

  (** An element of a step. *)
  Definition bound_step (k s : nat) (mine ms : vec Z) (i : nat) (f : step) (st : bound_state) : outcome bound_state :=
    let '(D, cs, ts) := st in
    let c := get 0 mine i in
    let m := get 0 ms i in
    if (c =? 0) && (m =? 0) then Left st
    else
      match step_share f c m (range_at R k i) (range_at R s i) with
      | None => Rejected NoValue
      | Some share =>
          Left (D + share, add_at g s i m cs,
                {| term_node := k; term_element := i; coefficient := c; multiplier := m; share := share |} :: ts)
      end.

  Definition bound_wrap (s : nat) (width : Z) (signed : bool) (mine ms : vec Z) (i : nat) (st : bound_state) : outcome bound_state :=
    let '(D, cs, ts) := st in
    let c := get 0 mine i in
    let m := get 0 ms i in
    if (c =? 0) && (m =? 0) then Left st
    else Left (D + wrap_share width signed c m (range_at R s i), add_at g s i m cs, ts).

  Fixpoint add_entries (s : nat) (window : list nat) (es : entries) (cs : form) : form :=
    match window, es with
    | i :: window, (m, _) :: es => add_entries s window es (add_at g s i m cs)
    | _, _ => cs
    end.

  (** A window of a maximum, whose slots begin at [slot]. *)
  Definition bound_window (s : nat) (mine ms : vec Z) (i : nat) (window : list nat) (st : nat * bound_state) : outcome (nat * bound_state) :=
    let '(slot, (D, cs, ts)) := st in
    let source := get (Vec []) R s in
    let es := mapi (fun j e => (get 0 ms (slot + j), get (0, 0) source e)) 0 window in
    match window_share (get 0 mine i) es with
    | None => Rejected NoValue
    | Some share => Left ((slot + length window)%nat, (D + share, add_entries s window es cs, ts))
    end.

  (** Puts the coefficients of node [k] in terms of its sources. *)
  Definition bound_node (k : nat) (st : bound_state) : outcome bound_state :=
    let '(D, cs, ts) := st in
    let mine := get (Vec []) cs k in
    let ms := get (Vec []) slots k in
    if Nat.eqb (size mine) 0 && Nat.eqb (size ms) 0 then Left st
    else
      let st := (D, set cs k (Vec []), ts) in
      match get nothing g k with
      | Input _ => Left (D, cs, ts)
      | Constant values => Left (D + dot (to_list mine) (get 0 values), set cs k (Vec []), ts)
      | Affine bias terms =>
          Left (D + dot (to_list mine) (get 0 bias),
                fold_left (fun cs '(s, rows) => set cs s (pull (to_list rows) (to_list mine) (live g cs s))) terms (set cs k (Vec [])),
                ts)
      | Gather picks =>
          walk (fun i '(n, e) '(D, cs, ts) => Left (D, add_at g n e (get 0 mine i) cs, ts)) 0 (to_list picks) st
      | Stepwise s steps => walk (bound_step k s mine ms) 0 (to_list steps) st
      | Wrap s len width signed => walk (fun i _ => bound_wrap s width signed mine ms i) 0 (repeat tt len) st
      | Maximum s windows => bind (walk (bound_window s mine ms) 0 (to_list windows) (O, st)) (fun st => Left (snd st))
      end.

  (** What is left is bounded by ranges. *)
  Definition bound_rest_element (k i : nat) (c : Z) (st : Z * list term) : outcome (Z * list term) :=
    let (D, ts) := st in
    if c =? 0 then Left st
    else
      let share := best c (range_at R k i) in
      Left (D + share, {| term_node := k; term_element := i; coefficient := c; multiplier := 0; share := share |} :: ts).

  Definition bound_rest (cs : form) (D : Z) (ts : list term) : outcome (Z * list term) :=
    walk (fun k (c : vec Z) => walk (bound_rest_element k) 0 (to_list c)) 0 (to_list cs) (D, ts).

  (** The bound of [D] + the form [cs], and its terms. *)
  Definition bound (D : Z) (cs : form) : outcome (Z * list term) :=
    bind (downwards bound_node (size g) (D, cs, [])) (fun '(D, cs, ts) => bound_rest cs D ts).

  Section Proofs.
    Context (v : nat -> nat -> Z) (M : model g v) (H : within R v) (start : Z).

    (** The form that was asked for, and all gaps, are at most what is left to be bounded; [account] is taken off. *)
    Definition accounts (st : bound_state) (account : Z) : Prop :=
      let '(D, cs, ts) := st in
      shape g cs /\ start + gaps g v ts <= D + total cs v + account /\ Forall (fun t => 0 <= gap g v t) ts.

    Lemma bound_step_ok k s mine ms i f st account : (i < length_of (get nothing g k))%nat ->
      (exists steps, get nothing g k = Stepwise s steps /\ get flat steps i = f) ->
      accounts st account -> okay (fun st => accounts st (account - get 0 mine i * v k i)) (bound_step k s mine ms i f st).
    Proof.
      intros Hi [steps [Hk Hf]]. destruct st as [[D cs] ts]. intros [Hs [Ha Hg]]. unfold bound_step.
      set (c := get 0 mine i). set (m := get 0 ms i).
      destruct (Z.eqb_spec c 0) as [Ec | Ec], (Z.eqb_spec m 0) as [Em | Em]; simpl andb; cbv iota;
        [simpl; rewrite Ec; split; [exact Hs | split; [lia | exact Hg]] | | |];
      (pose proof (element_meaning g v k i M Hi) as E; rewrite Hk in E; simpl in E; rewrite Hf in E;
       assert (W : well_formed_step f = true)
         by (rewrite <- Hf; apply (well_formed_steps g k s steps i (model_well_formed g v M) Hk));
       pose proof (H k i) as Hy; rewrite E in Hy;
       destruct (step_share_ok f c m _ _ _ W (H s i) Hy) as [b [Eb Hb]]; rewrite Eb; simpl;
       destruct (add_at_ok g v M s i m cs Hs) as [Hs' Ht];
       assert (G : argument g v k i = v s i) by (unfold argument; rewrite Hk; reflexivity);
       split; [exact Hs' |]; unfold gap in *; simpl; rewrite G, E, Ht;
       split; [lia | constructor; [simpl; rewrite G, E; lia | exact Hg]]).
    Qed.

    Lemma bound_wrap_ok k s len width signed mine ms i st account : (i < len)%nat ->
      get nothing g k = Wrap s len width signed ->
      accounts st account -> okay (fun st => accounts st (account - get 0 mine i * v k i)) (bound_wrap s width signed mine ms i st).
    Proof.
      intros Hi Hk. destruct st as [[D cs] ts]. intros [Hs [Ha Hg]]. unfold bound_wrap.
      set (c := get 0 mine i). set (m := get 0 ms i).
      destruct ((c =? 0) && (m =? 0)) eqn:Ez.
      { rewrite andb_true_iff, !Z.eqb_eq in Ez. destruct Ez as [Ec _]. simpl. rewrite Ec. split; [exact Hs | split; [lia | exact Hg]]. }
      pose proof (element_meaning g v k i M) as E. rewrite Hk in E. simpl in E. specialize (E Hi).
      pose proof (wrap_share_ok width signed c m _ _ (well_formed_width g k s len width signed (model_well_formed g v M) Hk) (H s i)) as Hb.
      destruct (add_at_ok g v M s i m cs Hs) as [Hs' Ht]. simpl.
      split; [exact Hs' | split; [rewrite Ht, E; lia | exact Hg]].
    Qed.

    Lemma add_entries_ok s window : forall es cs, shape g cs -> length es = length window ->
      shape g (add_entries s window es cs) /\
      total (add_entries s window es cs) v = total cs v + weigh es (map (v s) window).
    Proof.
      induction window as [| e window IH]; intros [| [m r] es] cs Hs Hl; try discriminate; simpl; [split; [exact Hs | lia] |].
      destruct (add_at_ok g v M s e m cs Hs) as [Hs' Ht]. destruct (IH es (add_at g s e m cs) Hs') as [Hs'' Ht'].
      - simpl in Hl. lia.
      - split; [exact Hs'' | rewrite Ht', Ht; lia].
    Qed.

    Definition window_accounts (st : nat * bound_state) (account : Z) : Prop := accounts (snd st) account.

    Lemma bound_window_ok k s windows mine ms i window st account : (i < size windows)%nat ->
      get nothing g k = Maximum s windows -> get [] windows i = window ->
      window_accounts st account ->
      okay (fun st => window_accounts st (account - get 0 mine i * v k i)) (bound_window s mine ms i window st).
    Proof.
      intros Hi Hk Hw. destruct st as [slot [[D cs] ts]]. intros [Hs [Ha Hg]]. unfold bound_window.
      set (es := mapi _ 0 window).
      destruct (window_share (get 0 mine i) es) as [share |] eqn:Es; [| exact I].
      pose proof (element_meaning g v k i M) as E. rewrite Hk in E. simpl in E. specialize (E Hi). rewrite Hw in E.
      assert (Hf : fits es (map (v s) window)).
      { unfold es. generalize O. clear - H. unfold fits.
        induction window as [| e window IH]; intros n; simpl; constructor; [simpl; apply (H s e) | apply IH]. }
      assert (Hne : es <> []) by (intros E0; rewrite E0 in Es; discriminate).
      destruct (window_share_ok (get 0 mine i) es _ Hf Hne) as [b [Eb Hb]]. rewrite Es in Eb. injection Eb as Eb. subst b.
      destruct (add_entries_ok s window es cs Hs) as [Hs' Ht]; [unfold es; apply mapi_length |].
      simpl. split; [exact Hs' | split; [simpl; rewrite Ht, E; lia | exact Hg]].
    Qed.

    Lemma affine_sum (t : list (nat * vec row)) b i :
      fold_right (fun term sum => row_sum (get [] (snd term) i) (v (fst term)) + sum) b t =
      b + fold_right (fun term sum => row_sum (get [] (snd term) i) (v (fst term)) + sum) 0 t.
    Proof. induction t; simpl; lia. Qed.

    Lemma pull_terms_ok mine t : forall cs, shape g cs ->
      let cs' := fold_left (fun cs '(s, rows) => set cs s (pull (to_list rows) mine (live g cs s))) t cs in
      shape g cs' /\
      total cs' v = total cs v + dot mine (fun i => fold_right (fun term sum => row_sum (get [] (snd term) i) (v (fst term)) + sum) 0 t).
    Proof.
      induction t as [| [s rows] t IH]; intros cs Hs; cbn [fold_left].
      - split; [exact Hs |]. simpl. rewrite (dot_zero mine) by reflexivity. lia.
      - destruct (pull_ok (to_list rows) (v s) mine (live g cs s) (fun j => live_beyond g v M cs s j Hs)) as [Hz Hd].
        assert (Hz' : size (pull (to_list rows) mine (live g cs s)) = length_of (get nothing g s))
          by (rewrite Hz; apply size_live, Hs).
        destruct (IH (set cs s (pull (to_list rows) mine (live g cs s)))) as [Hs' Ht]; [apply put_shape; auto |].
        split; [exact Hs' |]. rewrite Ht, (put_total g) by auto. rewrite Hd, dot_live. cbn [fold_right fst snd].
        rewrite (dot_add mine (fun i => row_sum (get [] rows i) (v s))). unfold get. lia.
    Qed.

    Lemma mine_sum k mine n : size mine = O \/ size mine = n ->
      dot (to_list mine) (v k) = sum_from (fun i => get 0 mine i * v k i) 0 n.
    Proof.
      intros [E | E].
      - destruct mine as [[| x l]]; [| discriminate]. simpl. symmetry. clear.
        assert (G : forall i, sum_from (fun i => get 0 (Vec []) i * v k i) i n = 0); [| apply G].
        induction n; intros i; simpl; [reflexivity |]. rewrite IHn. unfold get. destruct i; reflexivity.
      - rewrite dot_sum. fold (size mine). rewrite E. reflexivity.
    Qed.

    Lemma bound_node_ok k st : accounts st 0 -> okay (fun st => accounts st 0) (bound_node k st).
    Proof.
      destruct st as [[D cs] ts]. intros [Hs [Ha Hg]]. unfold bound_node.
      destruct (Nat.eqb (size (get (Vec []) cs k)) 0 && Nat.eqb (size (get (Vec []) slots k)) 0);
        [exact (conj Hs (conj Ha Hg)) |].
      set (mine := get (Vec []) cs k). set (ms := get (Vec []) slots k).
      assert (Hs0 : shape g (set cs k (Vec []))) by (apply put_shape; auto).
      assert (Ht0 : total (set cs k (Vec [])) v = total cs v - dot (to_list mine) (v k)).
      { rewrite (put_total g) by auto. fold mine. simpl. lia. }
      pose proof (proj2 Hs k) as Hm. fold mine in Hm.
      pose proof (mine_sum k mine _ Hm) as Hsum.
      assert (Hacc : accounts (D, set cs k (Vec []), ts) (dot (to_list mine) (v k))) by (split; [exact Hs0 | split; [lia | exact Hg]]).
      assert (Hval : forall f, (forall i, (i < length_of (get nothing g k))%nat -> v k i = f i) -> dot (to_list mine) (v k) = dot (to_list mine) f).
      { intros f Hf. apply dot_ext. intros i Hi. apply Hf. fold (size mine) in Hi. lia. }
      pose proof (fun i => element_meaning g v k i M) as E.
      destruct (get nothing g k) as [box | c | b t | s steps | s len width signed | s windows | picks] eqn:Hk; cbn [meaning length_of] in *.
      - exact (conj Hs (conj Ha Hg)).
      - simpl. split; [exact Hs0 | split; [| exact Hg]]. rewrite (Hval _ E) in Ht0. lia.
      - destruct (pull_terms_ok (to_list mine) t _ Hs0) as [Hs1 Ht1]. simpl. split; [exact Hs1 | split; [| exact Hg]].
        rewrite Ht1, Ht0, (Hval _ E). rewrite (dot_ext _ _ _ (fun i _ => affine_sum t (get 0 b i) i)).
        rewrite (dot_add (to_list mine) (get 0 b)). lia.
      - eapply okay_weaken.
        + apply (walk_sum accounts (fun i => get 0 mine i * v k i)) with (account := dot (to_list mine) (v k)); [| exact Hacc].
          intros i f st account Hf Hst. destruct (nth_error_get flat _ _ _ Hf) as [Hi Hget].
          apply bound_step_ok; [rewrite Hk; exact Hi | exists steps; auto | exact Hst].
        + intros st Hst. cbv beta in Hst. fold (size steps) in Hst. rewrite <- Hsum, Z.sub_diag in Hst. exact Hst.
      - eapply okay_weaken.
        + apply (walk_sum accounts (fun i => get 0 mine i * v k i)) with (account := dot (to_list mine) (v k)); [| exact Hacc].
          intros i u st account Hu Hst. apply (bound_wrap_ok k s len); [| exact Hk | exact Hst].
          assert (i < length (repeat tt len))%nat by (apply nth_error_Some; congruence). rewrite repeat_length in *. assumption.
        + intros st Hst. cbv beta in Hst. rewrite repeat_length in Hst. rewrite <- Hsum, Z.sub_diag in Hst. exact Hst.
      - eapply okay_bind with (P := fun st => window_accounts st 0); [| intros st Hst; exact Hst].
        eapply okay_weaken.
        + apply (walk_sum window_accounts (fun i => get 0 mine i * v k i)) with (account := dot (to_list mine) (v k)); [| exact Hacc].
          intros i window st account Hw Hst. destruct (nth_error_get [] _ _ _ Hw) as [Hi Hget].
          apply (bound_window_ok k s windows); auto.
        + intros st Hst. cbv beta in Hst. fold (size windows) in Hst. rewrite <- Hsum, Z.sub_diag in Hst. exact Hst.
      - eapply okay_weaken.
        + apply (walk_sum accounts (fun i => get 0 mine i * v k i)) with (account := dot (to_list mine) (v k)); [| exact Hacc].
          intros i [n e] [[D' cs'] ts'] account Hp [Hs' [Ha' Hg']]. destruct (nth_error_get (O, O) _ _ _ Hp) as [Hi Hget].
          specialize (E i Hi). rewrite Hget in E. simpl.
          destruct (add_at_ok g v M n e (get 0 mine i) cs' Hs') as [Hs'' Ht].
          split; [exact Hs'' | split; [rewrite Ht, E; lia | exact Hg']].
        + intros st Hst. cbv beta in Hst. fold (size picks) in Hst. rewrite <- Hsum, Z.sub_diag in Hst. exact Hst.
    Qed.

    (** The form and the gaps of all terms are at most D, and no gap is negative. *)
    Definition bounded (account : Z) (st : Z * list term) : Prop :=
      start + gaps g v (snd st) <= fst st + account /\ Forall (fun t => 0 <= gap g v t) (snd st).

    Lemma bound_rest_ok cs D ts : accounts (D, cs, ts) 0 -> okay (bounded 0) (bound_rest cs D ts).
    Proof.
      intros [Hs [Ha Hg]]. unfold bound_rest. eapply okay_weaken.
      - apply (walk_sum (fun st account => bounded account st) (fun k => dot (to_list (nth k (to_list cs) (Vec []))) (v k)))
          with (account := total cs v); [| split; simpl; [lia | exact Hg]].
        intros k c st account Hc Hst. rewrite Nat.add_0_l, (nth_error_nth _ _ _ Hc).
        eapply okay_weaken.
        + apply (walk_sum (fun st account => bounded account st) (fun i => get 0 c i * v k i)) with (account := account); [| exact Hst].
          intros i x [D' ts'] account' Hx [Ha' Hg']. destruct (nth_error_get 0 _ _ _ Hx) as [_ Hget]. rewrite Nat.add_0_l, Hget.
          unfold bound_rest_element. destruct (Z.eqb_spec x 0) as [Ex | Ex].
          * subst x. simpl. split; [simpl in *; lia | exact Hg'].
          * pose proof (best_ok x _ _ (H k i)) as Hb. simpl in *.
            assert (G : 0 <= gap g v {| term_node := k; term_element := i; coefficient := x; multiplier := 0;
                                        share := best x (range_at R k i) |}) by (unfold gap; simpl; lia).
            split; [simpl | constructor; assumption]. unfold gap; simpl. lia.
        + intros st' Hst'. cbv beta in Hst'. rewrite dot_sum. exact Hst'.
      - intros st Hst. cbv beta in Hst. unfold total in Hst. rewrite dots_sum in Hst. rewrite Z.sub_diag in Hst. exact Hst.
    Qed.
  End Proofs.

  (** A form is at most its bound, less all gaps, and no gap is negative. *)
  Theorem bound_ok v D cs : model g v -> within R v -> shape g cs ->
    okay (fun '(bound, ts) => D + total cs v + gaps g v ts <= bound /\ Forall (fun t => 0 <= gap g v t) ts) (bound D cs).
  Proof.
    intros M H Hs. unfold bound. apply (okay_bind (fun st => accounts v (D + total cs v) st 0)).
    - apply downwards_okay.
      + intros k st Hst. apply bound_node_ok; assumption.
      + split; [exact Hs | split; [simpl; lia | constructor]].
    - intros [[D' cs'] ts] Hst. eapply okay_weaken; [apply (bound_rest_ok v H (D + total cs v)), Hst |].
      intros [bound ts'] [Hb Hg]. simpl in *. split; [lia | exact Hg].
  Qed.
End Nodes.
