(* What Rocq's vectors are in the program: persistent arrays after Baker. The newest version of a vector is an array; an older one is what it differs in
   from the next. To read an older one turns the chain around, so that it is the array then. *)

type 'a t = 'a data ref
and 'a data = Array of 'a array | Differs of int * 'a * 'a t

let of_list l = ref (Array (Array.of_list l))

(* The array that a version is, once all versions up to it are turned around. *)
let array v =
  match !v with
  | Array a -> a
  | Differs _ ->
      let rec newest v older = match !v with Array a -> (a, older) | Differs (_, _, next) -> newest next (v :: older) in
      let a, older = newest v [] in
      let turn v =
        match !v with
        | Array _ -> ()
        | Differs (i, x, next) ->
            next := Differs (i, a.(i), v);
            a.(i) <- x;
            v := Array a
      in
      List.iter turn older;
      a

let to_list v = Array.to_list (array v)
let size v = Array.length (array v)
let get d v i = let a = array v in if i < Array.length a then Array.unsafe_get a i else d

let set v i x =
  let a = array v in
  if i < Array.length a then begin
    let next = ref (Array a) in
    v := Differs (i, a.(i), next);
    a.(i) <- x;
    next
  end
  else v

let filled n x = ref (Array (Array.make n x))

(* Lists, without a stack as deep as they are long. *)

let map f l = List.rev (List.rev_map f l)
let append a b = match b with [] -> a | _ -> List.rev_append (List.rev a) b
let seq start n = List.init n (fun i -> start + i)
