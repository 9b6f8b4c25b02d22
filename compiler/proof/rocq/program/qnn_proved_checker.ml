(* qnn-proved-checker: reads lines of [qnn check-proof --export] and says of each certificate whether the proved checker accepts it. With --rocq it writes
   a Rocq file instead, with a theorem for each line, and says what is rejected on the standard error.

   Exit code 0 if all are accepted, 1 if any is rejected, 3 if the lines can't be read. *)

open Checker

let sentence = function
  | NotWellFormed -> "the obligation is not well formed"
  | NoTreeForEachCase -> "not a tree for each case"
  | NoElement -> "a node or an element that does not exist"
  | NoAtom -> "a weight for an atom that does not exist"
  | NoSlot -> "a multiplier for a slot that does not exist"
  | NegativeWeight -> "a negative weight"
  | ZeroWeight -> "a weight of zero"
  | NoValue -> "a step without a value"
  | BoundNotNegative -> "the bound is not negative"
  | NothingEmpty -> "no range is empty"
  | PropagationDoesNotClose -> "propagation does not close the branch"
  | TooManyInputs -> "too many inputs to evaluate"
  | InputMeetsAtoms -> "an input meets all atoms"

(* Why a line is rejected; [None] if it is accepted. *)
let verdict text =
  match Line.read text with
  | obligation, certificate -> Option.map sentence (judge obligation certificate)
  | exception Json.Malformed reason -> Some reason

(* The same, and the theorem about it on the standard output. *)
let theorem number text =
  match Line.read text with
  | obligation, certificate -> (
      match Rocq.theorem number obligation certificate with
      | Some theorem -> print_string theorem; None
      | None -> Option.map sentence (judge obligation certificate))
  | exception Json.Malformed reason -> Some reason

let limited f =
  try f () with
  | Stack_overflow -> Some "the stack is too small for it"
  | Out_of_memory -> Some "the memory is too small for it"

let () =
  let rocq =
    match Array.to_list Sys.argv with
    | [ _ ] -> false
    | [ _; "--rocq" ] -> true
    | _ -> prerr_endline "usage: qnn-proved-checker [--rocq] < lines"; exit 3
  in
  if rocq then print_string Rocq.heading;
  let number = ref 0 and rejected = ref 0 in
  (try
     while true do
       let text = input_line stdin in
       incr number;
       match limited (fun () -> if rocq then theorem !number text else verdict text) with
       | None -> if not rocq then Printf.printf "%d: accepted\n%!" !number
       | Some reason ->
           incr rejected;
           Printf.fprintf (if rocq then stderr else stdout) "%d: rejected: %s\n%!" !number reason
     done
   with
  | End_of_file -> ()
  | Sys_error reason ->
      prerr_endline ("error: " ^ reason);
      exit 3);
  exit (if !rejected > 0 then 1 else 0)
