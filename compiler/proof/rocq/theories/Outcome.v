(** What a step of the checker comes to.

    [Left s]: something is left, and [s] is known of it. [Empty]: nothing is left, the branch is closed. [Rejected]: the certificate is wrong. *)

From Coq Require Import ZArith List.
Import ListNotations.

(** Why a certificate is rejected. *)
Inductive reason : Type :=
| NotWellFormed | NoTreeForEachCase | NoElement | NoAtom | NoSlot | NegativeWeight | ZeroWeight | NoValue
| BoundNotNegative | NothingEmpty | PropagationDoesNotClose | TooManyInputs | InputMeetsAtoms.

Inductive outcome (S : Type) : Type :=
| Rejected (why : reason)
| Empty
| Left (s : S).
Arguments Rejected {S} why.
Arguments Empty {S}.
Arguments Left {S} s.

Definition bind {S T} (o : outcome S) (f : S -> outcome T) : outcome T :=
  match o with
  | Rejected why => Rejected why
  | Empty => Empty
  | Left s => f s
  end.

(** What is left has a property, and something is left. A rejection promises nothing. *)
Definition okay {S} (P : S -> Prop) (o : outcome S) : Prop :=
  match o with
  | Rejected _ => True
  | Empty => False
  | Left s => P s
  end.

Lemma okay_bind {S T} (P : S -> Prop) (Q : T -> Prop) o f :
  okay P o -> (forall s, P s -> okay Q (f s)) -> okay Q (bind o f).
Proof. destruct o; simpl; auto. Qed.

Lemma okay_weaken {S} (P Q : S -> Prop) o : okay P o -> (forall s, P s -> Q s) -> okay Q o.
Proof. destruct o; simpl; auto. Qed.

(** Takes the elements of a list with their places, counted from [i], one after the other. *)
Fixpoint walk {S A} (f : nat -> A -> S -> outcome S) (i : nat) (l : list A) (s : S) : outcome S :=
  match l with
  | [] => Left s
  | a :: r =>
      match f i a s with
      | Rejected why => Rejected why
      | Empty => Empty
      | Left s => walk f (Datatypes.S i) r s
      end
  end.

Lemma walk_okay {S A} (P : S -> Prop) (f : nat -> A -> S -> outcome S) l : forall i s,
  (forall j a s, nth_error l j = Some a -> P s -> okay P (f (i + j)%nat a s)) -> P s -> okay P (walk f i l s).
Proof.
  induction l as [| a l IH]; intros i s step start; simpl; [exact start |].
  pose proof (step O a s eq_refl start) as first. rewrite Nat.add_0_r in first.
  destruct (f i a s) as [why | | next]; simpl in *; try contradiction; auto.
  apply IH; [| exact first]. intros j b t at_j. replace (Datatypes.S i + j)%nat with (i + Datatypes.S j)%nat.
  - apply step. exact at_j.
  - rewrite Nat.add_succ_r. reflexivity.
Qed.
