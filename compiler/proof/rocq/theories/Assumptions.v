(** What the theorem rests on: nothing. *)
From QnnProof Require Import Check.
Print Assumptions check_sound.
