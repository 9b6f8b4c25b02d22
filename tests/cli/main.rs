//! The command as its users meet it: real runs on the shipped examples and on bad input, with what they print as snapshots.
//!
//! Times are masked, folders shortened. Each test has a store of its own, in a folder that goes with it.

#[path = "../support/benchmark.rs"]
mod benchmark;
#[macro_use]
#[path = "../support/place.rs"]
mod place;

use place::{Place, masked, root};
use std::process::{Output, Stdio};

mod examples;
mod files;
mod json;
mod project;
mod solve;
mod specs;
mod verdicts;

/// A spec that asks nothing, one that holds, one that fails and one that is broken.
const LIMITS: &str = "const most = 3;\n";
const HOLDS: &str = "use \"limits.qnn\";\nproperty holds = forall x: uint<2>: x <= most;\n";
const FAILS: &str = "property fails(limit in [2, 3]) = forall x: uint<2>: x <= limit;\n";
const BROKEN: &str = "property broken = forall x: uint<2>: x <= ;\n";

impl Place {
    /// Runs in the temporary folder.
    fn run(&self, arguments: &[&str]) -> String {
        self.shown(self.command(arguments).output().expect("qnn runs"))
    }

    /// Runs in the temporary folder, with a text on standard input.
    fn run_with(&self, input: &str, arguments: &[&str]) -> String {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("qnn runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A command that is wrong may end before it reads.
        let _ = std::io::Write::write_all(&mut stdin, input.as_bytes());
        drop(stdin);
        self.shown(child.wait_with_output().expect("qnn ends"))
    }

    /// Runs in the workspace.
    fn run_on_examples(&self, arguments: &[&str]) -> String {
        self.shown(self.command_in(&root(), arguments).output().expect("qnn runs"))
    }

    /// The exit code and both streams.
    fn shown(&self, output: Output) -> String {
        let text = |bytes: &[u8]| {
            let text = String::from_utf8(bytes.to_vec()).expect("text is UTF-8");
            let text = text.replace(&*self.folder().to_string_lossy(), "…");
            masked(&text.replace(&*root().to_string_lossy(), "…"))
        };
        let code = output.status.code().map_or("none".to_owned(), |code| code.to_string());
        let mut shown = format!("exit {code}\n");
        for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            if !bytes.is_empty() {
                shown.push_str(&format!("--- {name}\n{}", text(bytes)));
            }
        }
        shown
    }
}

#[test]
fn help_teaches() {
    snapshot!(Place::new().run(&["--help"]));
}

#[test]
fn no_command_is_no_success() {
    let shown = Place::new().run(&[]);
    assert!(shown.starts_with("exit 3\n"), "{shown}");
}

#[test]
fn version_names_the_solver() {
    let shown = Place::new().run(&["--version"]);
    assert!(shown.starts_with("exit 0\n--- stdout\nqnn 0") && shown.contains("(Z3 "), "{shown}");
}

#[test]
fn new_specs_check_verify_and_are_formatted() {
    let place = Place::new();
    snapshot!(place.run(&["new"]));
    assert!(place.run(&["new"]).starts_with("exit 3\n"), "nothing is overwritten");
    snapshot!("new_check", place.run(&["check", "first.qnn"]));
    // Witnesses are the solver's to choose, so they are not part of the snapshot.
    snapshot!("new_verify", place.run(&["verify", "first.qnn", "-c", "0"]));
    assert_eq!(place.run(&["fmt", "--check", "first.qnn"]), "exit 0\n");
    snapshot!("new_verify_again", place.run(&["verify", "first.qnn", "-c", "0"]));
}

#[test]
fn what_is_wrong_exits_with_3() {
    let place = Place::new()
        .with("bad.qnn", b"type \xff")
        .with("broken.qnn", "type A = fixed<8>;\nproperty p = forall x: A x == 0;\n")
        .with("fine.qnn", "const one = 1;\n");
    std::fs::create_dir(place.path("folder")).expect("a temporary folder");
    let commands: &[&[&str]] = &[
        &["check", "missing.qnn"],
        &["check", "folder"],
        &["show", "folder"],
        &["check", "bad.qnn"],
        &["check", "broken.qnn", "fine.qnn"],
        &["verify", "broken.qnn"],
        &["verify", "fine.qnn", "robust"],
        &["verify", "robust"],
        &["verify", "--timeout", "soon", "fine.qnn"],
        &["eval", "fine.qnn"],
        &["show", "fine.qnn", "net"],
        &["fmt", "missing.qnn", "broken.qnn"],
        &["export", "--smt2", "fine.qnn", "-o", "-"],
        &["explain", "E9999"],
        &["new", "no/such/folder/spec"],
    ];
    let mut all = String::new();
    for command in commands {
        let shown = place.run(command);
        assert!(shown.starts_with("exit 3\n"), "{command:?}: {shown}");
        all.push_str(&format!("$ qnn {}\n{shown}\n", command.join(" ")));
    }
    snapshot!(all);
}

#[test]
fn formatting_shows_what_would_change() {
    let place = Place::new().with("a.qnn", "const  one=1;\n");
    snapshot!(place.run(&["fmt", "--check", "a.qnn"]));
    assert!(place.run(&["fmt", "a.qnn"]).starts_with("exit 0\n"));
    assert_eq!(std::fs::read_to_string(place.path("a.qnn")).unwrap(), "const one = 1;\n");
    assert_eq!(place.run(&["fmt", "--check", "a.qnn"]), "exit 0\n");
}

#[test]
fn commands_that_are_shown_can_be_pasted() {
    let place = Place::new().with("it's mine.qnn", BROKEN);
    let shown = place.run(&["fmt", "it's mine.qnn"]);
    assert!(shown.contains("`qnn check \"it's mine.qnn\"` says where"), "{shown}");
    assert!(place.run(&["new", "two words"]).contains("qnn verify 'two words.qnn'"));
}
