(* JSON without anything but integers for numbers, and without a name that is there twice. *)

type t = Integer of Big.t | Text of string | Bool of bool | List of t list | Object of (string * t) list

exception Malformed of string

let fail reason = raise (Malformed reason)

let read (s : string) : t =
  let n = String.length s in
  let at = ref 0 in
  let peek () = if !at < n then s.[!at] else '\000' in
  let rec blanks () = if !at < n then match s.[!at] with ' ' | '\t' | '\r' | '\n' -> incr at; blanks () | _ -> () in
  let expect c = if peek () = c && !at < n then incr at else fail (Printf.sprintf "no %C at byte %d" c !at) in
  let word w value =
    let l = String.length w in
    if !at + l <= n && String.sub s !at l = w then (at := !at + l; value) else fail "not JSON"
  in
  let integer () =
    let start = !at in
    if peek () = '-' then incr at;
    let digits = !at in
    while !at < n && s.[!at] >= '0' && s.[!at] <= '9' do incr at done;
    if !at = digits || (s.[digits] = '0' && !at > digits + 1) then fail "not a number";
    (match peek () with '.' | 'e' | 'E' -> fail "a number that is no integer" | _ -> ());
    Integer (if !at - start <= 18 then Big.of_int (int_of_string (String.sub s start (!at - start))) else Big.of_substring s ~pos:start ~len:(!at - start))
  in
  let text () =
    expect '"';
    let b = Buffer.create 16 in
    let rec go () =
      if !at >= n then fail "a text without an end";
      let c = s.[!at] in
      incr at;
      if c = '"' then Buffer.contents b
      else if c = '\\' then begin
        let e = peek () in
        incr at;
        (match e with
        | '"' | '\\' | '/' -> Buffer.add_char b e
        | 'n' -> Buffer.add_char b '\n'
        | 't' -> Buffer.add_char b '\t'
        | 'r' -> Buffer.add_char b '\r'
        | 'b' -> Buffer.add_char b '\b'
        | 'f' -> Buffer.add_char b '\012'
        | 'u' when !at + 4 <= n -> (
            let code = String.sub s !at 4 in
            at := !at + 4;
            match int_of_string_opt ("0x" ^ code) with
            | Some c when c < 128 -> Buffer.add_char b (Char.chr c)
            | _ -> fail "a text that is no ASCII")
        | _ -> fail "not JSON");
        go ()
      end
      else if c < ' ' then fail "a control character in a text"
      else (Buffer.add_char b c; go ())
    in
    go ()
  in
  (* The values up to a closing bracket, in order. *)
  let rec values close item found =
    blanks ();
    if found = [] && peek () = close then (incr at; [])
    else begin
      let found = item () :: found in
      blanks ();
      match peek () with
      | ',' -> incr at; values close item found
      | c when c = close && !at < n -> incr at; List.rev found
      | _ -> fail "a list without an end"
    end
  in
  let rec value depth () =
    if depth > 64 then fail "lists within lists too deep";
    blanks ();
    match peek () with
    | '{' ->
        incr at;
        let field () =
          blanks ();
          let name = text () in
          blanks ();
          expect ':';
          (name, value (depth + 1) ())
        in
        let fields = values '}' field [] in
        let names = List.sort_uniq compare (List.map fst fields) in
        if List.length names <> List.length fields then fail "a name that is there twice";
        Object fields
    | '[' -> incr at; List (values ']' (value (depth + 1)) [])
    | '"' -> Text (text ())
    | 't' -> word "true" (Bool true)
    | 'f' -> word "false" (Bool false)
    | _ -> integer ()
  in
  let whole = value 0 () in
  blanks ();
  if !at < n then fail "something follows";
  whole
