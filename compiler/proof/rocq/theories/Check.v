(** The checker, and the theorem: what it accepts has no answer. *)

From Coq Require Import ZArith List Lia Bool.
From QnnProof Require Import Vector Outcome Step Graph Ranges Enumerate Certificate Narrow Propagate.
Import ListNotations.
Open Scope Z_scope.

(** What follows of a branch: [f None] if nothing is left of it. *)
Definition after (o : outcome ranges) (f : option ranges -> option reason) : option reason :=
  match o with
  | Rejected why => Some why
  | Empty => f None
  | Left R => f (Some R)
  end.

Definition both (first second : option reason) : option reason :=
  match first with Some why => Some why | None => second end.

Section Tree.
  Context (g : graph) (known : facts) (atoms : vec atom).

  (** What a step does to a branch, if something is left of it. *)
  Definition on (R : option ranges) (f : ranges -> outcome ranges) : outcome ranges :=
    match R with Some R => f R | None => Empty end.

  (** Why a tree does not close a branch; [None] if it does. *)
  Fixpoint closes (t : tree) (R : option ranges) : option reason :=
    match t with
    | Bound m =>
        match R with
        | None => None
        | Some R =>
            match weighted g R atoms m (Form.zero_form g) with
            | Rejected why => Some why
            | Empty => None
            | Left (D, _) => if D <? 0 then None else Some BoundNotNegative
            end
        end
    | Nothing => match R with None => None | Some _ => Some NothingEmpty end
    | Enumerate => match R with None => None | Some R => enumerate g R (to_list atoms) end
    | Propagate =>
        match R with
        | None => None
        | Some R => if propagation_closes g known R (to_list atoms) then None else Some PropagationDoesNotClose
        end
    | Split k i z low high =>
        if has_element g k i then
          both (after (on R (fun R => narrow g R [(k, i, None, Some z)])) (closes low))
               (after (on R (fun R => narrow g R [(k, i, Some (z + 1), None)])) (closes high))
        else Some NoElement
    | Tighten t rest =>
        if has_element g (tight_node t) (tight_element t) then after (on R (fun R => tighten g R atoms t)) (closes rest)
        else Some NoElement
    | Slack m rest => after (on R (fun R => slack g R atoms m)) (closes rest)
    end.

  (** Applies the tightenings of a prelude. *)
  Fixpoint tighten_all (ts : list tightening) (R : option ranges) : reason + option ranges :=
    match ts with
    | [] => inr R
    | t :: ts =>
        if has_element g (tight_node t) (tight_element t) then
          match on R (fun R => tighten g R atoms t) with
          | Rejected why => inl why
          | Empty => tighten_all ts None
          | Left R => tighten_all ts (Some R)
          end
        else inl NoElement
    end.
End Tree.

Definition well_formed_atom (g : graph) (a : atom) : bool := forallb (fun '(k, i, _) => has_element g k i) (snd a).

(** Closes each case by its tree. *)
Fixpoint close_cases (o : obligation) (known : facts) (R : option ranges) (cs : list (list atom)) (ts : list tree) : option reason :=
  match cs, ts with
  | [], [] => None
  | case :: cs, t :: ts => both (closes (nodes o) known (Vec (assumptions o ++ case)) t R) (close_cases o known R cs ts)
  | _, _ => Some NoTreeForEachCase
  end.

(** Why a certificate does not prove that an obligation has no answer; [None] if it does. *)
Definition judge (o : obligation) (c : certificate) : option reason :=
  let g := nodes o in
  if well_formed g && forallb (well_formed_atom g) (assumptions o) && forallb (forallb (well_formed_atom g)) (cases o) then
    if Nat.eqb (length (cases o)) (length (trees c)) then
      match tighten_all g (Vec (assumptions o)) (prelude c) (Some (initial g)) with
      | inl why => Some why
      | inr R => close_cases o (facts_of g) R (cases o) (trees c)
      end
    else Some NoTreeForEachCase
  else Some NotWellFormed.

Definition check (o : obligation) (c : certificate) : bool := match judge o c with None => true | Some _ => false end.

(** * Soundness *)

Section Soundness.
  Context (g : graph) (x : nat -> nat -> Z).
  Let v := value (eval g x).
  Context (M : model g v).

  Definition left_of (R : option ranges) : Prop := match R with Some R => within R v | None => False end.

  Lemma after_ok o f : okay (fun R => within R v) o -> after o f = None -> exists R, left_of R /\ f R = None.
  Proof.
    destruct o as [why | | R]; simpl; intros H E; [discriminate | contradiction |]. exists (Some R). auto.
  Qed.

  Lemma both_none a b : both a b = None -> a = None /\ b = None.
  Proof. destruct a; simpl; [discriminate | auto]. Qed.

  (** No elements are within the ranges of a branch that a tree closes, and meet all atoms. *)
  Theorem closes_ok known atoms t : Forall (holds v) (to_list atoms) -> forall R, left_of R -> closes g known atoms t R <> None.
  Proof.
    intros Ha. induction t as [m | | | | k i z low IHlow high IHhigh | t rest IH | m rest IH]; intros R HR E;
      (destruct R as [R |]; [| contradiction]); simpl in HR, E.
    - pose proof (weighted_ok g v M R HR atoms Ha m _ (Form.zero_shape g)) as Hw.
      destruct (weighted g R atoms m (Form.zero_form g)) as [why | | [D ts]]; [discriminate | contradiction |].
      simpl in Hw. destruct Hw as [Hd Hg]. rewrite (Form.zero_total g v) in Hd. pose proof (gaps_nonneg g v ts Hg).
      destruct (Z.ltb_spec D 0); [lia | discriminate].
    - discriminate.
    - apply (enumerate_ok g R (to_list atoms) x (model_well_formed g v M) HR Ha E).
    - rewrite (propagation_ok g known v M R (to_list atoms) HR Ha) in E. discriminate.
    - destruct (has_element g k i); [| discriminate]. apply both_none in E. destruct E as [Elow Ehigh].
      destruct (Z_le_gt_dec (v k i) z) as [Hz | Hz].
      + apply after_ok in Elow; [destruct Elow as [R' [HR' E]]; exact (IHlow R' HR' E) |].
        apply narrow_ok; [exact M | exact HR |]. constructor; [simpl; auto | constructor].
      + apply after_ok in Ehigh; [destruct Ehigh as [R' [HR' E]]; exact (IHhigh R' HR' E) |].
        apply narrow_ok; [exact M | exact HR |]. constructor; [simpl; split; [lia | exact I] | constructor].
    - destruct (has_element g _ _); [| discriminate].
      apply after_ok in E; [destruct E as [R' [HR' E]]; exact (IH R' HR' E) |]. apply tighten_ok; assumption.
    - apply after_ok in E; [destruct E as [R' [HR' E]]; exact (IH R' HR' E) |]. apply slack_ok; assumption.
  Qed.

  Lemma tighten_all_ok atoms ts : Forall (holds v) (to_list atoms) -> forall R R', left_of R ->
    tighten_all g atoms ts R = inr R' -> left_of R'.
  Proof.
    intros Ha. induction ts as [| t ts IH]; intros R R' HR E; simpl in E; [congruence |].
    destruct (has_element g _ _); [| discriminate]. destruct R as [R |]; [| contradiction]. simpl in E, HR.
    pose proof (tighten_ok g v M R HR atoms Ha t) as Ht.
    destruct (tighten g R atoms t) as [why | | R1]; [discriminate | contradiction |]. apply (IH (Some R1)); auto.
  Qed.
End Soundness.

(** Inputs in their boxes make a model. *)
Lemma eval_model g x : well_formed g = true -> in_boxes g x -> model g (value (eval g x)).
Proof.
  intros W B. constructor; [exact W | apply eval_consistent; exact W |].
  intros k box i E. rewrite (eval_meaning g x k i W). cbv zeta. rewrite E. simpl.
  destruct (Nat.ltb_spec i (size box)) as [Hi | Hi].
  - apply (B k box i E Hi).
  - rewrite get_beyond by exact Hi. unfold inside; simpl. lia.
Qed.

(** An obligation with an accepted certificate has no answer: no inputs within the boxes meet the assumptions and all atoms of a case. *)
Theorem check_sound o c : check o c = true -> forall x, in_boxes (nodes o) x -> ~ answers o x.
Proof.
  unfold check. destruct (judge o c) as [why |] eqn:J; [discriminate |]. intros _ x B [Ha Hc]. unfold judge in J.
  destruct (well_formed (nodes o)) eqn:W; [| discriminate]. simpl in J.
  destruct (_ && _); [| discriminate]. destruct (Nat.eqb _ _); [| discriminate].
  pose proof (eval_model (nodes o) x W B) as M.
  destruct (tighten_all _ _ _ _) as [why | R] eqn:T; [discriminate |].
  pose proof (tighten_all_ok (nodes o) x M (Vec (assumptions o)) (prelude c) Ha (Some (initial (nodes o))) _ (initial_ok _ _ M) T) as HR.
  clear T. revert J. generalize (trees c). induction Hc as [case cs Hcase | case cs Hc IH]; intros [| t ts] J; simpl in J; try discriminate.
  - apply both_none in J. destruct J as [J _]. revert J. apply (closes_ok (nodes o) x M (facts_of (nodes o))); [| exact HR].
    apply Forall_app. auto.
  - apply both_none in J. destruct J as [_ J]. exact (IH ts J).
Qed.
