(* A line as a Rocq file: the obligation and the certificate as terms, and the theorem that the obligation has no answer, proved by running the checker in Rocq.

   Nothing has to be trusted of this file: Rocq checks what it says. *)

open Checker

let many f l = "[" ^ String.concat "; " (List.rev (List.rev_map f l)) ^ "]"
let vec f v = "(Vec " ^ many f (Vector.to_list v) ^ ")"
let z n = if Big.sign n < 0 then "(" ^ Big.to_string n ^ ")" else Big.to_string n
let nat n = string_of_int n ^ "%nat"
let pair f g (a, b) = "(" ^ f a ^ ", " ^ g b ^ ")"
let element f ((n, i), x) = "(" ^ nat n ^ ", " ^ nat i ^ ", " ^ f x ^ ")"

let mode = function
  | HalfUp -> "HalfUp"
  | HalfEven -> "HalfEven"
  | HalfAway -> "HalfAway"
  | HalfDown -> "HalfDown"
  | HalfTowardZero -> "HalfTowardZero"
  | Floor -> "Floor"
  | Ceil -> "Ceil"
  | TowardZero -> "TowardZero"
  | Up -> "Up"

let step = function
  | Round (n, d, o, m, lo, hi) -> String.concat " " [ "Round"; z n; z d; z o; mode m; z lo; z hi ]
  | Table (lo, thresholds) -> "Table " ^ z lo ^ " " ^ vec z thresholds

let node = function
  | Input box -> "Input " ^ vec (pair z z) box
  | Constant values -> "Constant " ^ vec z values
  | Affine (bias, terms) -> "Affine " ^ vec z bias ^ " " ^ many (pair nat (vec (many (pair nat z)))) terms
  | Stepwise (s, steps) -> "Stepwise " ^ nat s ^ " " ^ vec step steps
  | Wrap (s, len, width, signed) -> String.concat " " [ "Wrap"; nat s; nat len; z width; string_of_bool signed ]
  | Maximum (s, windows) -> "Maximum " ^ nat s ^ " " ^ vec (many nat) windows
  | Gather picks -> "Gather " ^ vec (pair nat nat) picks

let atom = pair z (many (element z))

let multipliers m =
  Printf.sprintf "{| weights := %s; slot_values := %s |}" (many (pair nat z) m.weights) (many (element z) m.slot_values)

let tightening t =
  Printf.sprintf "{| tight_node := %s; tight_element := %s; tight_weight := %s; tight_multipliers := %s |}" (nat t.tight_node)
    (nat t.tight_element) (z t.tight_weight) (multipliers t.tight_multipliers)

let rec tree = function
  | Bound m -> "Bound " ^ multipliers m
  | Nothing -> "Nothing"
  | Enumerate -> "Enumerate"
  | Propagate -> "Propagate"
  | Split (n, i, v, low, high) -> Printf.sprintf "Split %s %s %s (%s) (%s)" (nat n) (nat i) (z v) (tree low) (tree high)
  | Tighten (t, rest) -> Printf.sprintf "Tighten %s (%s)" (tightening t) (tree rest)
  | Slack (m, rest) -> Printf.sprintf "Slack %s (%s)" (multipliers m) (tree rest)

let heading =
  "(** Written by qnn-proved-checker --rocq. Each theorem is proved by running the checker in Rocq, and rests on no axiom. *)\n\n\
   From Coq Require Import ZArith List.\n\
   From QnnProof Require Import Vector Step Graph Certificate Check.\n\
   Import ListNotations.\n\
   Open Scope Z_scope.\n"

(* The theorem about line [n]; [None] if the checker rejects its certificate. *)
let theorem n (o : obligation) (c : certificate) =
  match judge o c with
  | Some _ -> None
  | None ->
      Some
        (Printf.sprintf
           "\nDefinition graph_%d : graph := Vec [\n  %s].\n\n\
            Definition obligation_%d : obligation := {| nodes := graph_%d;\n  assumptions := %s;\n  cases := %s |}.\n\n\
            Definition certificate_%d : certificate := {| prelude := %s;\n  trees := %s |}.\n\n\
            Theorem unanswered_%d : forall x, in_boxes graph_%d x -> ~ answers obligation_%d x.\n\
            Proof. apply (check_sound obligation_%d certificate_%d). vm_compute. reflexivity. Qed.\n"
           n
           (String.concat ";\n  " (List.map node (Vector.to_list o.nodes)))
           n n (many atom o.assumptions)
           (many (many atom) o.cases)
           n (many tightening c.prelude) (many tree c.trees) n n n n n)
