(* A line of [qnn check-proof --export] as the checker's obligation and certificate: docs/certificates.md has the format.

   Trusted as far as obligations go: the theorem is about the obligation that this file builds. Of a certificate nothing is trusted. *)

open Checker
open Json

let mapped f l = List.rev (List.rev_map f l)
let vector f l = Vector.of_list (mapped f l)

(* The fields of an object that has just these. *)
let fields value names =
  match value with
  | Object fields when List.length fields = List.length names ->
      List.map (fun name -> match List.assoc_opt name fields with Some v -> v | None -> fail ("no field " ^ name)) names
  | _ -> fail ("not an object of " ^ String.concat ", " names)

let list = function List l -> l | _ -> fail "not a list"
let pair = function List [ a; b ] -> (a, b) | _ -> fail "not a pair"
let triple = function List [ a; b; c ] -> (a, b, c) | _ -> fail "not a list of three"
let two_to_63 = Big.shift_left Big.one 63

(* Of 64 bits, signed. *)
let integer = function
  | Integer z when Big.leq (Big.neg two_to_63) z && Big.lt z two_to_63 -> z
  | _ -> fail "not an integer of 64 bits"

(* An index, or the number of something. *)
let index value =
  let z = integer value in
  if Big.sign z >= 0 && Big.numbits z <= 32 then Big.to_int z else fail "not an index"

(* An integer of an obligation: beyond 64 bits it is a text. *)
let number = function
  | Text t -> (
      match Big.of_string t with
      | z when Big.to_string z = t -> z
      | _ | (exception Invalid_argument _) -> fail "not an integer as it is written")
  | value -> integer value

let mode = function
  | Text "HalfUp" -> HalfUp
  | Text "HalfEven" -> HalfEven
  | Text "HalfAway" -> HalfAway
  | Text "HalfDown" -> HalfDown
  | Text "HalfTowardZero" -> HalfTowardZero
  | Text "Floor" -> Floor
  | Text "Ceil" -> Ceil
  | Text "TowardZero" -> TowardZero
  | Text "Up" -> Up
  | _ -> fail "a mode of unknown name"

let step = function
  | Object fs as value when List.mem_assoc "thresholds" fs -> (
      match fields value [ "lo"; "thresholds" ] with
      | [ lo; thresholds ] -> Table (number lo, vector number (list thresholds))
      | _ -> assert false)
  | value -> (
      match fields value [ "numerator"; "denominator"; "offset"; "mode"; "lo"; "hi" ] with
      | [ n; d; o; m; lo; hi ] -> Round (number n, number d, number o, mode m, number lo, number hi)
      | _ -> assert false)

let entry value =
  let column, weight = pair value in
  (index column, integer weight)

let term value =
  let source, rows = pair value in
  (index source, vector (fun row -> mapped entry (list row)) (list rows))

(* A node; [domain] has the limits of an input, and [length] the lengths of the nodes before: one step for all elements stands for as many as the source has. *)
let node domain length value =
  let op = match value with Object fs -> (match List.assoc_opt "op" fs with Some (Text op) -> op | _ -> "") | _ -> "" in
  match (op, fields value (List.assoc_opt op
    [ ("input", [ "op"; "len" ]); ("constant", [ "op"; "values" ]); ("affine", [ "op"; "bias"; "terms" ]);
      ("step", [ "op"; "source"; "len"; "steps" ]); ("wrap", [ "op"; "source"; "len"; "width"; "signed" ]);
      ("max", [ "op"; "source"; "windows" ]); ("gather", [ "op"; "picks" ]) ]
    |> Option.value ~default:[ "a node of unknown kind" ])) with
  | "input", [ _; len ] -> (
      match domain with
      | Some box when List.length box = index len -> Input (Vector.of_list box)
      | _ -> fail "an input without a domain of its length")
  | _, _ when domain <> None -> fail "a domain of a node that is no input"
  | "constant", [ _; values ] -> Constant (vector number (list values))
  | "affine", [ _; bias; terms ] -> Affine (vector number (list bias), mapped term (list terms))
  | "step", [ _; source; len; steps ] -> (
      let len = index len in
      if Hashtbl.find_opt length (index source) <> Some len then fail "not of its source's length";
      match mapped step (list steps) with
      | [ one ] -> Stepwise (index source, Vector.filled len one)
      | steps when List.length steps = len -> Stepwise (index source, Vector.of_list steps)
      | _ -> fail "not a step for each element")
  | "wrap", [ _; source; len; width; Bool signed ] -> Wrap (index source, index len, integer width, signed)
  | "max", [ _; source; windows ] -> Maximum (index source, vector (fun w -> mapped index (list w)) (list windows))
  | "gather", [ _; picks ] ->
      Gather (vector (fun pick -> let n, e = pair pick in (index n, index e)) (list picks))
  | _ -> fail "a node of unknown form"

let atom value =
  let constant, terms = pair value in
  let term value = let n, e, factor = triple value in ((index n, index e), number factor) in
  (number constant, mapped term (list terms))

(* The key and the obligation. *)
let obligation value =
  match fields value [ "key"; "nodes"; "domains"; "atoms"; "assumptions"; "cases" ] with
  | [ Text key; nodes; domains; atoms; assumptions; cases ] ->
      let domain value =
        let n, box = pair value in
        (index n, mapped (fun r -> let lo, hi = pair r in (integer lo, integer hi)) (list box))
      in
      let domains = mapped domain (list domains) in
      let table = Hashtbl.create 16 in
      List.iter (fun (n, box) -> if Hashtbl.mem table n then fail "a domain that is there twice" else Hashtbl.add table n box) domains;
      let lengths = Hashtbl.create 16 in
      let next k value =
        let node = node (Hashtbl.find_opt table k) lengths value in
        Hashtbl.add lengths k (length_of node);
        node
      in
      let nodes = List.rev (snd (List.fold_left (fun (k, nodes) value -> (k + 1, next k value :: nodes)) (0, []) (list nodes))) in
      if List.exists (fun (n, _) -> n >= List.length nodes) domains then fail "a domain of no node";
      let atoms = Array.of_list (mapped atom (list atoms)) in
      let atom value = let i = index value in if i < Array.length atoms then atoms.(i) else fail "an atom that does not exist" in
      let cases = mapped (fun case -> mapped atom (list case)) (list cases) in
      (key, { nodes = Vector.of_list nodes; assumptions = mapped atom (list assumptions); cases })
  | _ -> fail "a key that is no text"

let multipliers value =
  match fields value [ "atoms"; "slots" ] with
  | [ atoms; slots ] ->
      let weight value = let a, w = pair value in (index a, integer w) in
      let slot value = let n, s, m = triple value in ((index n, index s), integer m) in
      { weights = mapped weight (list atoms); slot_values = mapped slot (list slots) }
  | _ -> assert false

let tightening value =
  match fields value [ "node"; "element"; "weight"; "multipliers" ] with
  | [ n; e; w; m ] ->
      { tight_node = index n; tight_element = index e; tight_weight = integer w; tight_multipliers = multipliers m }
  | _ -> assert false

(* A list of steps in preorder is taken from its end: what is built so far are whole subtrees, and a step takes its own from it. *)
let tree version value =
  let add built step =
    match (step, built) with
    | Text "empty", _ -> Nothing :: built
    | Text "enumerate", _ -> Enumerate :: built
    | Text "propagate", _ -> if version < 2 then fail "a step of version 2" else Propagate :: built
    | Object [ ("bound", m) ], _ -> Bound (multipliers m) :: built
    | Object [ ("slack", m) ], rest :: built -> Slack (multipliers m, rest) :: built
    | Object [ ("tighten", t) ], rest :: built -> Tighten (tightening t, rest) :: built
    | Object [ ("split", s) ], below :: above :: built -> (
        match fields s [ "node"; "element"; "value" ] with
        | [ n; e; v ] -> Split (index n, index e, integer v, below, above) :: built
        | _ -> assert false)
    | Object [ (("slack" | "tighten" | "split"), _) ], _ -> fail "the tree ends too soon"
    | _ -> fail "a step of unknown kind"
  in
  match List.fold_left add [] (List.rev (list value)) with
  | [ tree ] -> tree
  | [] -> fail "a tree without steps"
  | _ -> fail "the tree goes on after all branches are closed"

let certificate key value =
  match fields value [ "version"; "obligation"; "prelude"; "cases" ] with
  | [ version; Text about; prelude; cases ] ->
      let version = index version in
      if version <> 1 && version <> 2 then fail "another version";
      if about <> key then fail "another obligation";
      { prelude = mapped tightening (list prelude); trees = mapped (tree version) (list cases) }
  | _ -> fail "an obligation that is no text"

let read text =
  match fields (Json.read text) [ "obligation"; "certificate" ] with
  | [ o; c ] ->
      let key, o = obligation o in
      (o, certificate key c)
  | _ -> assert false
