(** The steps that narrow ranges by a dual bound: tighten and slack. *)

From Coq Require Import ZArith List Lia Bool.
From QnnProof Require Import Vector Outcome Step Graph Ranges Shares Form Bound Certificate.
Import ListNotations.
Open Scope Z_scope.

(** How many multipliers a node takes. *)
Definition slot_count (n : node) : nat :=
  match n with
  | Stepwise _ steps => size steps
  | Wrap _ len _ _ => len
  | Maximum _ windows => fold_left (fun sum w => (sum + length w)%nat) (to_list windows) O
  | _ => O
  end.

(** Multipliers by node and slot. *)
Definition read_slots (g : graph) (ms : list (nat * nat * Z)) : outcome (vec (vec Z)) :=
  walk (fun _ '(k, j, m) slots =>
    let old := get (Vec []) slots k in
    let mine := if Nat.eqb (size old) 0 then filled (slot_count (get nothing g k)) 0 else old in
    if Nat.ltb j (size mine) then Left (set slots k (set mine j m)) else Rejected NoSlot)
    0 ms (filled (size g) (Vec [])).

(** Adds weighted atoms to a constant and a form. *)
Definition add_weighted (g : graph) (atoms : vec atom) (ws : list (nat * Z)) (start : Z * form) : outcome (Z * form) :=
  walk (fun _ '(a, w) '(D, cs) =>
    if w <? 0 then Rejected NegativeWeight
    else if Nat.leb (size atoms) a then Rejected NoAtom
    else let (c, terms) := get (0, []) atoms a in Left (D + w * c, add_terms g w terms cs)) 0 ws start.

(** The dual bound of the weighted atoms plus a form, and its terms. *)
Definition weighted (g : graph) (R : ranges) (atoms : vec atom) (m : multipliers) (cs : form) : outcome (Z * list term) :=
  bind (read_slots g (slot_values m)) (fun slots =>
  bind (add_weighted g atoms (weights m) (0, cs)) (fun '(D, cs) => bound g R slots D cs)).

Definition has_element (g : graph) (k i : nat) : bool := Nat.ltb i (length_of (get nothing g k)).

(** The ranges after a tightening. *)
Definition tighten (g : graph) (R : ranges) (atoms : vec atom) (t : tightening) : outcome ranges :=
  let k := tight_node t in
  let i := tight_element t in
  let w := tight_weight t in
  if w =? 0 then Rejected ZeroWeight
  else
    bind (weighted g R atoms (tight_multipliers t) (add_at g k i w (zero_form g))) (fun '(D, _) =>
      narrow g R [if 0 <? w then (k, i, None, Some (D / w)) else (k, i, Some (- (D / - w)), None)]).

(** Whether a step can have a value, if each gap is at most [D]. *)
Definition possible (f : step) (t : term) (D v : Z) (a : range) : bool :=
  match value_share f (coefficient t) (multiplier t) v a with
  | Some best => share t - D <=? best
  | None => false
  end.

(** Takes values off the low end, then off the high end, while they are not possible. *)
Fixpoint raise (p : Z -> bool) (n : nat) (lo : Z) : Z :=
  match n with
  | O => lo
  | S n => if p lo then lo else raise p n (lo + 1)
  end.

Fixpoint lower (p : Z -> bool) (n : nat) (hi : Z) : Z :=
  match n with
  | O => hi
  | S n => if p hi then hi else lower p n (hi - 1)
  end.

(** What a term says of its element, if each gap is at most [D]. *)
Definition slack_limits (g : graph) (R : ranges) (D : Z) (t : term) : list limits :=
  let k := term_node t in
  let i := term_element t in
  let y := range_at R k i in
  let c := coefficient t in
  if fst y =? snd y then []
  else
    match get nothing g k with
    | Input _ =>
        if 0 <? c then [(k, i, Some (div_up (share t - D) c), None)]
        else if c <? 0 then [(k, i, None, Some ((D - share t) / - c))]
        else []
    | Stepwise s steps =>
        let f := get flat steps i in
        let a := range_at R s i in
        let (first, last) := step_values f y a in
        if many_values <? last - first then []
        else
          let lo := raise (fun v => possible f t D v a) (Z.to_nat (last - first)) first in
          let hi := lower (fun v => possible f t D v a) (Z.to_nat (last - lo)) last in
          [(k, i, Some lo, Some hi)]
    | _ => []
    end.

(** The ranges after a step of slack. *)
Definition slack (g : graph) (R : ranges) (atoms : vec atom) (m : multipliers) : outcome ranges :=
  bind (weighted g R atoms m (zero_form g)) (fun '(D, ts) =>
    if D <? 0 then Empty else narrow g R (flat_map (slack_limits g R D) ts)).

Section Proofs.
  Context (g : graph) (v : nat -> nat -> Z) (M : model g v) (R : ranges) (H : within R v).
  Context (atoms : vec atom) (Hatoms : Forall (holds v) (to_list atoms)).

  Lemma add_weighted_ok ws start D cs : shape g cs -> start <= D + total cs v ->
    okay (fun '(D, cs) => shape g cs /\ start <= D + total cs v) (add_weighted g atoms ws (D, cs)).
  Proof.
    intros Hs Hd. apply (walk_okay (fun '(D, cs) => shape g cs /\ start <= D + total cs v)); [| auto].
    intros j [a w] [D' cs'] _ [Hs' Hd']. simpl.
    destruct (Z.ltb_spec w 0) as [Hw | Hw]; [exact I |]. destruct (Nat.leb_spec (size atoms) a) as [Ha | Ha]; [exact I |].
    destruct (get (0, []) atoms a) as [c terms] eqn:E.
    assert (Hold : holds v (c, terms)).
    { rewrite <- E. rewrite Forall_forall in Hatoms. apply Hatoms. apply nth_In. exact Ha. }
    destruct (add_terms_ok g v M w terms cs' Hs') as [Hs'' Ht]. specialize (Ht c).
    simpl. split; [exact Hs'' |].
    assert (w * (c + atom_value (0, terms) v) = w * c + w * atom_value (0, terms) v) as _ by lia.
    pose proof (Z.mul_nonneg_nonneg w (atom_value (c, terms) v) Hw Hold) as Hn.
    assert (Hc : w * atom_value (c, terms) v + total cs' v = w * c + total (add_terms g w terms cs') v) by lia. lia.
  Qed.

  (** The form is at most the bound, less all gaps. *)
  Lemma weighted_ok m cs : shape g cs ->
    okay (fun '(D, ts) => total cs v + gaps g v ts <= D /\ Forall (fun t => 0 <= gap g v t) ts) (weighted g R atoms m cs).
  Proof.
    intros Hs. unfold weighted. apply (okay_bind (fun _ => True)).
    - unfold read_slots. apply walk_okay; [| exact I]. intros j [[k s] x] slots _ _.
      destruct (Nat.ltb s _); exact I.
    - intros slots _. apply (okay_bind (fun '(D, cs') => shape g cs' /\ total cs v <= D + total cs' v)).
      + apply add_weighted_ok; [exact Hs | lia].
      + intros [D cs'] [Hs' Hd]. eapply okay_weaken; [apply (bound_ok g R slots v D cs' M H Hs') |].
        intros [B ts] [Hb Hg]. split; [lia | exact Hg].
  Qed.

  Lemma gaps_nonneg ts : Forall (fun t => 0 <= gap g v t) ts -> 0 <= gaps g v ts.
  Proof. induction 1; simpl; lia. Qed.

  Lemma gap_at_most ts t : Forall (fun t => 0 <= gap g v t) ts -> In t ts -> gap g v t <= gaps g v ts.
  Proof.
    induction 1 as [| t' ts Ht Hts IH]; intros Hin; [contradiction |]. simpl.
    pose proof (gaps_nonneg ts Hts). destruct Hin as [E | Hin]; [subst; lia | specialize (IH Hin); lia].
  Qed.

  Theorem tighten_ok t : okay (fun R => within R v) (tighten g R atoms t).
  Proof.
    unfold tighten. set (k := tight_node t). set (i := tight_element t). set (w := tight_weight t).
    destruct (Z.eqb_spec w 0) as [Ew | Ew]; [exact I |].
    destruct (add_at_ok g v M k i w (zero_form g) (zero_shape g)) as [Hs Ht]. rewrite (zero_total g v) in Ht.
    eapply okay_bind; [apply weighted_ok, Hs |].
    intros [D ts] [Hd Hg]. pose proof (gaps_nonneg ts Hg). apply narrow_ok; auto.
    constructor; [| constructor]. destruct (Z.ltb_spec 0 w) as [Hw | Hw]; simpl.
    - split; [exact I |]. apply Z.div_le_lower_bound; lia.
    - split; [| exact I]. assert (- v k i <= D / - w); [| lia]. apply Z.div_le_lower_bound; lia.
  Qed.

  Lemma raise_ok p z n : p z = true -> forall lo, lo <= z -> raise p n lo <= z.
  Proof.
    intros Hp. induction n as [| n IH]; intros lo Hlo; simpl; [exact Hlo |].
    destruct (p lo) eqn:E; [exact Hlo |]. apply IH. destruct (Z.eq_dec lo z); [congruence | lia].
  Qed.

  Lemma lower_ok p z n : p z = true -> forall hi, z <= hi -> z <= lower p n hi.
  Proof.
    intros Hp. induction n as [| n IH]; intros hi Hhi; simpl; [exact Hhi |].
    destruct (p hi) eqn:E; [exact Hhi |]. apply IH. destruct (Z.eq_dec hi z); [congruence | lia].
  Qed.

  Lemma slack_limits_ok D t : gap g v t <= D -> Forall (limits_ok v) (slack_limits g R D t).
  Proof.
    intros Hgap. unfold gap, argument in Hgap. unfold slack_limits.
    set (k := term_node t) in *. set (i := term_element t) in *. set (c := coefficient t) in *.
    destruct (fst (range_at R k i) =? snd (range_at R k i)); [constructor |].
    destruct (get nothing g k) as [box | | | s steps | | |] eqn:Hk; try constructor.
    - destruct (Z.ltb_spec 0 c) as [Hc | Hc]; [| destruct (Z.ltb_spec c 0) as [Hc' | Hc']; [| constructor]].
      + constructor; [| constructor]. simpl. split; [| exact I].
        unfold div_up. assert (- v k i <= - (share t - D) / c); [| lia]. apply Z.div_le_lower_bound; lia.
      + constructor; [| constructor]. simpl. split; [exact I |]. apply Z.div_le_lower_bound; lia.
    - set (f := get flat steps i).
      pose proof (step_element g v k s steps i M Hk) as E. fold f in E.
      assert (W : well_formed_step f = true) by (apply (well_formed_steps g k s steps i (model_well_formed g v M) Hk)).
      pose proof (H k i) as Hy. rewrite E in Hy.
      pose proof (step_values_ok f _ _ _ W (H s i) Hy) as V.
      destruct (step_values f (range_at R k i) (range_at R s i)) as [first last]. unfold inside in V; simpl in V.
      destruct (many_values <? last - first); [constructor |].
      assert (P : possible f t D (v k i) (range_at R s i) = true).
      { rewrite E. unfold possible. destruct (value_share_ok f (coefficient t) (multiplier t) _ _ W (H s i)) as [b [Eb Hb]].
        rewrite Eb. apply Z.leb_le. fold c in Hb |- *. rewrite E in Hgap. lia. }
      constructor; [| constructor]. simpl. split.
      + apply raise_ok; [exact P | lia].
      + apply lower_ok; [exact P | lia].
  Qed.

  Theorem slack_ok m : okay (fun R => within R v) (slack g R atoms m).
  Proof.
    unfold slack. eapply okay_bind; [apply weighted_ok, zero_shape |].
    intros [D ts] [Hd Hg]. rewrite (zero_total g v) in Hd. pose proof (gaps_nonneg ts Hg).
    destruct (Z.ltb_spec D 0) as [Hn | Hn]; [simpl; lia |].
    apply narrow_ok; auto. apply Forall_forall. intros l Hl. apply in_flat_map in Hl. destruct Hl as [t [Ht Hin]].
    pose proof (gap_at_most ts t Hg Ht). pose proof (slack_limits_ok D t ltac:(lia)) as F. rewrite Forall_forall in F. auto.
  Qed.
End Proofs.
