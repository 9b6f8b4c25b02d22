(* Integers of zarith, by a name that Rocq's own module of integers does not hide. *)

include Z
