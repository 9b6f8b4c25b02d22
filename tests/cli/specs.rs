//! Which specs a command is about: standard input, folders, several of which one is broken, and files that are none.

use crate::place::Place;
use crate::{BROKEN, FAILS, HOLDS, LIMITS};
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn standard_input_is_a_spec() {
    let place = Place::new();
    place.write("limits.qnn", LIMITS);
    let commands: &[(&[&str], i32, &str)] = &[
        (&["check", "-"], 0, "no problems found in <stdin>: 1 property or measure"),
        (&["check", "-", "--json"], 0, "\"spec\": \"<stdin>\""),
        (&["verify", "-"], 0, "holds  ✓ proved"),
        (&["verify", "-", "--json"], 0, "\"spec\": \"<stdin>\""),
        (&["fmt", "-"], 0, "property holds = forall x: uint<2>: x <= most;"),
        (&["show", "-"], 0, "property  holds"),
        (&["report", "-", "-o", "-", "--format", "markdown"], 0, "All as expected: 1 proved"),
        (&["export", "--smt2", "-", "-o", "-"], 0, "(check-sat)"),
        (&["bundle", "-", "-o", "a.zip"], 0, "a.zip written"),
        (&["check-proof", "a.zip"], 0, "all hold"),
        (&["verify", "-", "--proof", "a.qnnproof"], 0, "a.qnnproof written"),
        (&["check-proof", "a.qnnproof", "--spec", "-"], 0, "all hold"),
        (&["eval", "-"], 3, "<stdin> has no network that can be run"),
    ];
    for (arguments, exit, part) in commands {
        let shown = place.run_with(HOLDS, arguments);
        assert!(shown.starts_with(&format!("exit {exit}\n")) && shown.contains(part), "{arguments:?}: {shown}");
    }
    let shown = place.run_with(BROKEN, &["verify", "-"]);
    assert!(shown.starts_with("exit 3\n") && shown.contains("<stdin>:1:"), "{shown}");
}

#[test]
fn a_broken_spec_does_not_stop_the_others() {
    let place = Place::new();
    for (name, text) in [("limits.qnn", LIMITS), ("a.qnn", BROKEN), ("b.qnn", HOLDS), ("c.qnn", FAILS)] {
        place.write(name, text);
    }
    snapshot!(place.run(&["verify", "a.qnn", "missing.qnn", "b.qnn", "c.qnn", "-c", "0"]));
    let shown = place.run(&["check", "a.qnn", "missing.qnn", "b.qnn"]);
    assert!(shown.starts_with("exit 3\n") && shown.contains("no problems found in b.qnn"), "{shown}");
    let (exit, document) = place.json(&["verify", "a.qnn", "missing.qnn", "b.qnn", "c.qnn", "--json"]);
    assert_eq!((exit, &document["exit"]), (3, &3.into()));
    let specs = document["specs"].as_array().expect("specs");
    let counts: Vec<_> = specs.iter().map(|s| (&s["spec"], s["results"].as_array().map(Vec::len))).collect();
    let wanted = [("a.qnn", 0), ("missing.qnn", 0), ("b.qnn", 1), ("c.qnn", 2)];
    assert_eq!(format!("{counts:?}"), format!("{:?}", wanted.map(|(s, n)| (serde_json::json!(s), Some(n)))));
    let shown = place.run(&["bundle", "a.qnn", "b.qnn", "-o", "a.zip"]);
    assert!(shown.starts_with("exit 3\n") && shown.contains("nothing is packed"), "{shown}");
}

#[test]
fn a_folder_is_all_specs_below_it() {
    let place = Place::new();
    for (name, text) in [
        ("limits.qnn", LIMITS),
        ("b.qnn", HOLDS),
        ("deep/c.qnn", FAILS),
        (".hidden/d.qnn", BROKEN),
        ("target/e.qnn", BROKEN),
        ("deep/node_modules/f.qnn", BROKEN),
        ("notes.txt", BROKEN),
    ] {
        place.write(name, text);
    }
    snapshot!(place.run(&["verify", ".", "-c", "0"]));
    assert_eq!(place.run(&["check"]), place.run(&["check", "b.qnn", "deep"]));
    let (_, document) = place.json(&["check", "deep", "--json"]);
    assert_eq!(document["specs"][0]["spec"], "deep/c.qnn");
    std::fs::create_dir(place.path("empty")).expect("a temporary folder");
    let shown = place.run(&["verify", "empty"]);
    assert!(shown.starts_with("exit 3\n") && shown.contains("holds no spec"), "{shown}");
    assert!(place.run(&["fmt", "--check", "."]).starts_with("exit 0\n"));
}

/// What has a spec's name and can't be read is in error, not passed over.
#[cfg(unix)]
#[test]
fn a_folder_hides_no_spec_that_can_t_be_read() {
    let place = Place::new();
    place.write("m/a.qnn", "property p = 1 == 1;\n");
    let in_m = |name: &str| place.path("m").join(name);
    std::os::unix::fs::symlink("nowhere", in_m("b.qnn")).expect("a link");
    assert!(Command::new("mkfifo").arg(in_m("c.qnn")).status().expect("mkfifo").success());
    std::os::unix::fs::symlink("/dev/null", in_m("d.qnn")).expect("a link");
    std::os::unix::fs::symlink("a.qnn", in_m("e.qnn")).expect("a link");
    std::os::unix::fs::symlink(".", in_m("f.qnn")).expect("a link");
    let shown = place.run(&["verify", "m"]);
    assert!(shown.starts_with("exit 3\n") && shown.contains("\n3 specs are in error: ✓ 2 proved"), "{shown}");
    for why in ["`m/b.qnn` is a symbolic link to `nowhere`", "`m/c.qnn` is a named pipe", "`m/d.qnn` leads to a device"]
    {
        assert!(shown.contains(why), "{shown}");
    }
    assert!(place.run(&["check", "m"]).starts_with("exit 3\n"));
    // As deep as the file system has it.
    let deep = "d/".repeat(40);
    place.write(&format!("m2/{deep}a.qnn"), "property p = 1 == 2;\n");
    assert!(place.run(&["verify", "m2"]).starts_with("exit 1\n"));
}

/// Names that are no Unicode, and those that a terminal acts on.
#[cfg(target_os = "linux")]
#[test]
fn names_of_files_are_shown_and_never_acted_on() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let spec = "property p = forall x: uint<2>: x <= 3;\n";
    let names = [&b"a\xff.qnn"[..], b"b\x1b[31m\nc.qnn"].map(std::ffi::OsStr::from_bytes);
    for name in names {
        std::fs::write(place.path(name), spec).expect("a file");
    }
    let run = |before: &[&str], after: &[&str]| {
        let mut command = place.command(before);
        let output = command.args(names).args(after).env_remove("NO_COLOR").output().expect("qnn runs");
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8")).concat();
        assert_eq!(output.status.code(), Some(0), "{before:?}: {text}");
        text
    };
    for before in [
        &["check"][..],
        &["--color", "always", "check"],
        &["--color", "always", "verify"],
        &["verify", "--json"],
        &["report", "-o", "r.json", "-o", "r.html", "-o", "r.md", "-o", "r.xml", "-o", "r.sarif"],
        &["bundle", "-o", "b.zip"],
        &["verify", "--proof", "p.qnnproof"],
        &["fmt"],
    ] {
        let text = run(before, &[]);
        assert!(!text.contains("b\u{1b}[31m") && !text.contains("\nc.qnn"), "{before:?}: {text:?}");
    }
    let said = run(&["verify"], &[]);
    assert!(said.contains("a\u{fffd}.qnn\n") && said.contains("b?[31m?c.qnn\n"), "{said:?}");
    assert!(place.run(&["check-proof", "b.zip"]).starts_with("exit 0\n"));
    // Of what can't be read or written, the name is all there is.
    let bad = "c\u{1b}[31m\nd.qnn";
    for arguments in
        [&["verify", bad][..], &["fmt", bad], &["new", bad], &["new", bad], &["verify", bad, "--proof", bad]]
    {
        let shown = place.run(arguments);
        assert!(!shown.contains('\u{1b}') && !shown.contains("\nd.qnn"), "{arguments:?}: {shown:?}");
    }
}

/// What is no file is refused at once wherever a file can be named: a pipe would wait for ever, a device would never end.
#[cfg(unix)]
#[test]
fn only_regular_files_are_read() {
    use std::os::unix::fs::symlink;
    let place = Place::new()
        .with("params.qnn", "network f(x: int<8>[2]) -> int<8>[2] { params w = \"special\" { *: int<8>; } x }\n")
        .with("data.qnn", "dataset d { x: int<8> from \"special\"; }\n")
        .with("use.qnn", "use \"special.qnn\";\n");
    let at = |name: &str| place.path(name);
    assert!(Command::new("mkfifo").arg(at("pipe")).status().expect("mkfifo").success());
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).expect("a socket");
    let targets = [
        (at("pipe"), "a named pipe, not a file"),
        (PathBuf::from("/dev/zero"), "a device, not a file"),
        (at("socket"), "a socket, not a file"),
        (at("gone"), "is a symbolic link to `gone`, which does not exist"),
    ];
    let names = ["special", "special.qnn", "special.json", "special.qnnproof"];
    for (target, what) in targets {
        for name in names {
            let target = if what.contains("gone") { Path::new("gone") } else { &target };
            symlink(target, at(name)).expect("a link");
        }
        for arguments in [
            ["check", "special.qnn", ""].as_slice(),
            &["verify", "special.qnn"],
            &["fmt", "special.qnn"],
            &["eval", "special.qnn"],
            &["bundle", "special.qnn", "-o", "out.zip"],
            &["check", "params.qnn"],
            &["check", "data.qnn"],
            &["check", "use.qnn"],
            &["report", "special.json", "-o", "out.html"],
            &["diff", "special.json", "special.json"],
            &["check-proof", "special.qnnproof"],
        ] {
            let arguments: Vec<&str> = arguments.iter().copied().filter(|word| !word.is_empty()).collect();
            let shown = place.run(&arguments);
            let exit = if arguments.contains(&"params.qnn") { "exit " } else { "exit 3" };
            assert!(shown.starts_with(exit) && shown.contains(what), "{arguments:?}, {what}:\n{shown}");
        }
        names.iter().for_each(|name| std::fs::remove_file(at(name)).expect("a link"));
    }
}
