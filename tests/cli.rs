//! The command as its users meet it: real runs on the shipped examples and on bad input, with what they print as snapshots.
//!
//! Times are masked, folders shortened. Each test has a store of its own, in a folder that goes with it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace is there")
}

/// A folder to run in, with its own store.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        Place { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn with(self, name: &str, content: impl AsRef<[u8]>) -> Place {
        std::fs::write(self.folder.path().join(name), content).expect("a temporary file");
        self
    }

    fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qnn"));
        command.args(arguments).current_dir(folder).stdin(Stdio::null());
        command.env("QNN_CACHE", self.folder.path().join("cache")).env_remove("COLORTERM").env("NO_COLOR", "1");
        command
    }

    /// Runs in the temporary folder.
    fn run(&self, arguments: &[&str]) -> String {
        self.shown(self.command(self.folder.path(), arguments).output().expect("qnn runs"))
    }

    /// Runs in the temporary folder, with a text on standard input.
    fn run_with(&self, input: &str, arguments: &[&str]) -> String {
        let mut command = self.command(self.folder.path(), arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("qnn runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A command that is wrong may end before it reads.
        let _ = std::io::Write::write_all(&mut stdin, input.as_bytes());
        drop(stdin);
        self.shown(child.wait_with_output().expect("qnn ends"))
    }

    /// A file, with the folders that it lies in.
    fn write(&self, name: &str, content: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a temporary folder");
        std::fs::write(path, content).expect("a temporary file");
    }

    /// Standard output as JSON, and the exit code.
    fn json(&self, arguments: &[&str]) -> (i32, serde_json::Value) {
        let output = self.command(self.folder.path(), arguments).output().expect("qnn runs");
        let document = serde_json::from_slice(&output.stdout).expect("one JSON document");
        (output.status.code().expect("it is not killed"), document)
    }

    /// Runs in the workspace.
    fn run_on_examples(&self, arguments: &[&str]) -> String {
        self.shown(self.command(&root(), arguments).output().expect("qnn runs"))
    }

    /// Runs in the temporary folder until Ctrl-C after two seconds.
    #[cfg(unix)]
    fn interrupted(&self, arguments: &[&str]) -> String {
        let mut command = self.command(self.folder.path(), arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("qnn runs");
        let mut child = Running(Some(child));
        std::thread::sleep(std::time::Duration::from_secs(2));
        child.interrupt();
        self.shown(child.output())
    }

    /// The exit code and both streams.
    fn shown(&self, output: Output) -> String {
        let text = |bytes: &[u8]| {
            let text = String::from_utf8(bytes.to_vec()).expect("text is UTF-8");
            let text = text.replace(&*self.folder.path().to_string_lossy(), "…");
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

/// A child that ends with its test, whatever ends that.
#[cfg(unix)]
struct Running(Option<std::process::Child>);

#[cfg(unix)]
impl Running {
    /// What Ctrl-C does.
    fn interrupt(&mut self) {
        let child = self.0.as_mut().expect("it runs");
        let id = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGINT).expect("it gets the signal");
    }

    /// Waits for its end.
    fn output(mut self) -> Output {
        self.0.take().expect("it runs").wait_with_output().expect("qnn ends")
    }
}

#[cfg(unix)]
impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The text without times: `12 ms` and `3.2 s` become `…`, and Z3's version too.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    for line in text.split_inclusive('\n') {
        let words: Vec<&str> = line.split(' ').collect();
        let mut skip = false;
        for (index, word) in words.iter().enumerate() {
            let next = words.get(index + 1).map(|w| w.trim_end_matches(['\n', ',', '.']));
            let number = word.starts_with(|c: char| c.is_ascii_digit()) && word.parse::<f64>().is_ok();
            if number && matches!(next, Some("ms" | "s")) {
                masked.push('…');
                masked.push_str(words[index + 1].trim_start_matches(['m', 's']));
                skip = true;
            } else if skip {
                skip = false;
                continue;
            } else {
                masked.push_str(word);
            }
            if index + 1 < words.len() && !(skip && index + 2 == words.len()) {
                masked.push(' ');
            }
        }
    }
    masked
}

/// A snapshot beside this file, named by the test or as said.
macro_rules! snapshot {
    ($($argument:expr),+) => {
        let mut settings = insta::Settings::clone_current();
        settings.set_omit_expression(true);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_snapshot_path(root().join("tests/snapshots"));
        settings.bind(|| insta::assert_snapshot!($($argument),+));
    };
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
fn the_tour_verifies() {
    snapshot!(Place::new().run_on_examples(&["verify", "examples/tour.qnn"]));
}

#[test]
fn digits_are_checked() {
    snapshot!(Place::new().run_on_examples(&["check", "examples/digits/digits.qnn"]));
}

#[test]
fn digits_are_fooled_with_four_bits() {
    // Which counterexample is found is the engine's to choose; that there is one, and its picture, is not.
    let place = Place::new();
    let shown = place.run_on_examples(&["verify", "examples/digits/digits.qnn", "fooled*"]);
    assert!(shown.starts_with("exit 0\n"), "{shown}");
    for part in ["2 violated as expected", "argmax 4 → ", "argmax 8 → ", "changed, ≤ 0.125", "original"] {
        assert!(shown.contains(part), "no «{part}» in {shown}");
    }
}

#[test]
fn digits_and_convolutions_are_robust() {
    let place = Place::new();
    snapshot!(place.run_on_examples(&["verify", "examples/digits/digits.qnn", "*robust*"]));
    snapshot!("conv_is_robust", place.run_on_examples(&["verify", "examples/conv/conv.qnn"]));
}

#[test]
fn students_are_treated_unfairly_with_six_bits() {
    let shown = Place::new().run_on_examples(&["verify", "examples/students/students.qnn", "fair_with_six_bits"]);
    assert!(shown.starts_with("exit 0\n") && shown.contains("violated, as expected"), "{shown}");
}

#[test]
fn studies_say_what_their_page_says() {
    let place = Place::new();
    let shown = place.run_on_examples(&["verify", "examples/studies/error.qnn"]);
    for (bits, error) in [(6, "0.422632"), (7, "0.133334"), (8, "0.071999"), (9, "0.034873"), (10, "0.017155")] {
        assert!(shown.contains(&format!("quantization_error(bits = {bits})  ✓ = ≈{error}")), "{shown}");
    }
}

/// The first image of the quick version of a study.
#[test]
#[ignore = "needs data beside the repository: tests/run looks for it"]
fn a_study_of_images_says_what_its_page_says_with_data() {
    let images = support::shared("data/mnist");
    let place = Place::new();
    let folder = tempfile::tempdir().expect("a folder");
    let copy = |from: &Path| {
        let to = folder.path().join(from.parent().and_then(Path::file_name).expect("a folder's name"));
        std::fs::create_dir_all(&to).expect("a folder");
        std::fs::copy(from, to.join(from.file_name().expect("a name"))).expect("a copy");
    };
    ["mnist/mnist.qnn", "mnist/mnist.npz", "mnist/mnist-100.npz", "studies/quick.qnn"]
        .iter()
        .for_each(|name| copy(&root().join("examples").join(name)));
    ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"].iter().for_each(|name| copy(&images.join(name)));
    let spec = folder.path().join("studies/quick.qnn");
    let shown = place.run(&["verify", spec.to_str().expect("a path in UTF-8"), "robust(*i = 0)", "-t", "60s"]);
    assert!(shown.starts_with("exit 0\n") && shown.contains("✓ 20 proved"), "{shown}");
}

#[test]
fn accuracies_are_those_of_the_readme() {
    snapshot!(Place::new().run_on_examples(&["eval", "examples/digits/digits.qnn"]));
}

#[test]
fn eval_shows_layers_and_json() {
    let place = Place::new();
    let tour = "examples/tour.qnn";
    snapshot!(place.run_on_examples(&["eval", tour, "side", "--input", "1,0.55", "--layers=all"]));
    snapshot!("eval_json", place.run_on_examples(&["eval", tour, "side", "--json", "--samples", "0..2"]));
    snapshot!("eval_samples", place.run_on_examples(&["eval", tour, "side_in", "-g", "6", "--samples", "0..=3"]));
}

#[test]
fn show_says_what_a_network_takes() {
    let place = Place::new();
    snapshot!(place.run_on_examples(&["show", "examples/tour.qnn"]));
    snapshot!("show_json", place.run_on_examples(&["show", "examples/tour.qnn", "side", "--json"]));
}

#[test]
fn an_unexpected_proof_and_an_unexpected_violation_exit_with_1() {
    let text = "network n(x: uint<2>[1]) -> int<4>[1] { dense(x, [[1]]) as int<4> }\n\
        #[expect(violated)]\nproperty holds = forall x: uint<2>[1]: n(x) <= 3;\n\
        property fails(limit in [3, 2]) = forall x: uint<2>[1]: n(x) <= limit;\n";
    let place = Place::new().with("a.qnn", text);
    snapshot!(place.run(&["verify", "a.qnn", "-j", "1"]));
    snapshot!("unexpected_quiet", place.run(&["verify", "a.qnn", "-q"]));
    assert!(place.run(&["verify", "a.qnn", "fails(limit = 3)"]).starts_with("exit 0\n"));
}

/// A family of two widths' worth of columns, with news of each kind.
const FAMILIES: &str = "
network scaled<bits>(x: uint<4>[1]) -> int<8>[1] { dense(x, [[1]]) as fixed<bits, 0> as int<8> }
property small(limit in [1, 3, 7], bits in 2..=10, i in 0..=3) = forall x: uint<4>[1] where x[0] <= 3: scaled<bits>(x) <= limit + i;
#[expect(violated)]
property loud(bits in 3..=5) = forall x: uint<4>[1]: scaled<bits>(x) <= 2;
measure top(bits in 2..=10, i in 0..=2) = maximize scaled<bits>(x)[0] over x: uint<4>[1] where x[0] >= i;
measure room(i in 0..=15) = largest n in 0..=20 such that forall x: uint<4>[1] where x[0] <= n: x[0] <= i;
property holds(i in 0..=99) = forall x: uint<4>[1]: x[0] <= 15 + i;
";

#[test]
fn families_are_tables_that_fit_the_terminal() {
    let place = Place::new().with("a.qnn", FAMILIES);
    place.run(&["verify", "a.qnn", "-q"]);
    for columns in ["40", "60", "80", "120"] {
        let mut command = place.command(place.folder.path(), &["verify", "a.qnn", "-c", "0", "-j", "1"]);
        let shown = place.shown(command.env("COLUMNS", columns).output().expect("qnn runs"));
        let widest = shown.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(widest <= columns.parse().expect("a number"), "{widest} columns: {shown}");
        snapshot!(format!("families_{columns}"), shown);
    }
    snapshot!("families_quiet", place.run(&["verify", "a.qnn", "-q"]));
    let shown = place.run(&["verify", "a.qnn", "--list", "-c", "0"]);
    assert_eq!(shown.lines().filter(|line| line.starts_with("  ")).count(), 108 + 3 + 27 + 16 + 100, "{shown}");
}

#[test]
fn what_is_wrong_exits_with_3() {
    let place = Place::new()
        .with("bad.qnn", b"type \xff")
        .with("broken.qnn", "type A = fixed<8>;\nproperty p = forall x: A x == 0;\n")
        .with("fine.qnn", "const one = 1;\n");
    std::fs::create_dir(place.folder.path().join("folder")).expect("a temporary folder");
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

/// A spec that asks nothing, one that holds, one that fails and one that is broken.
const LIMITS: &str = "const most = 3;\n";
const HOLDS: &str = "use \"limits.qnn\";\nproperty holds = forall x: uint<2>: x <= most;\n";
const FAILS: &str = "property fails(limit in [2, 3]) = forall x: uint<2>: x <= limit;\n";
const BROKEN: &str = "property broken = forall x: uint<2>: x <= ;\n";

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
    std::fs::create_dir(place.folder.path().join("empty")).expect("a temporary folder");
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
    let in_m = |name: &str| place.folder.path().join("m").join(name);
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
        std::fs::write(place.folder.path().join(name), spec).expect("a file");
    }
    let run = |before: &[&str], after: &[&str]| {
        let mut command = place.command(place.folder.path(), before);
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

/// `qnn check` shows warnings in full; other commands have a line for each code.
#[test]
fn warnings_are_brief_where_something_else_is_asked() {
    let spec = "property p = forall x: uint<2>: x > 3 => x == 0;\nproperty q = forall x: uint<2>: x < 0 => x == 0;\n";
    let place = Place::new().with("a.qnn", spec);
    let full = place.run(&["check", "a.qnn"]);
    assert_eq!(full.matches("warning[W0615]: nothing meets this premise\n").count(), 2, "{full}");
    for command in [&["verify", "a.qnn"][..], &["report", "a.qnn", "-o", "a.md"]] {
        let shown = place.run(command);
        let stderr = shown.split("--- stderr\n").nth(1).expect("a warning");
        let line = "warning[W0615]: a.qnn:1:33: nothing meets this premise, and 1 more; `qnn check` says more\n";
        assert!(stderr.starts_with(line), "{shown}");
        assert_eq!(stderr.matches("warning").count(), 1, "{shown}");
    }
}

#[test]
fn a_project_says_what_is_verified_and_how() {
    let place = Place::new();
    let page = std::fs::read_to_string(root().join("docs/project.md")).expect("the page is there");
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    for (name, text) in [
        ("qnn.toml", example),
        ("specs/limits.qnn", LIMITS),
        ("specs/b.qnn", HOLDS),
        ("specs/deep/c.qnn", FAILS),
        ("specs/drafts/d.qnn", BROKEN),
        ("other.qnn", BROKEN),
    ] {
        place.write(name, text);
    }
    let shown = place.run(&["verify"]);
    assert!(shown.starts_with("exit 3\n") && shown.contains("`qnn report . -o …/baseline.json` writes it"), "{shown}");
    let shown = place.run(&["report", ".", "-o", "baseline.json"]);
    assert!(shown.starts_with("exit 1\n"), "{shown}");
    // What failed before is no news. The reports' sizes are not this test's matter.
    let shown = place.run(&["verify", "-c", "0"]);
    snapshot!(shown.split("--- stderr").next().unwrap_or_default());
    assert!(place.folder.path().join("report.sarif").is_file());
    let (_, document) = place.json(&["verify", "specs", "--json"]);
    assert_eq!(document["specs"][0]["results"][0]["budget"], 30.0);
    let (_, document) = place.json(&["verify", "specs/b.qnn", "--json", "-t", "5s"]);
    assert_eq!(document["specs"][0]["results"][0]["budget"], 5.0, "options win");
    let (exit, document) = place.json(&["verify", "specs/deep/c.qnn", "--json", "--no-project"]);
    assert_eq!((exit, &document["specs"][0]["results"][0]["budget"]), (1, &10.0.into()));
    assert!(place.run(&["verify", "holds"]).starts_with("exit 3\n"), "a pattern alone is no spec");
    assert!(place.run(&["verify", ".", "holds"]).starts_with("exit 0\n"), "what is not asked for is not missed");
    // Something that got worse is.
    place.write("specs/b.qnn", &HOLDS.replace("most;", "most - 1;"));
    let shown = place.run(&["verify", "-c", "0"]);
    assert!(shown.starts_with("exit 1\n") && shown.contains("1 regression"), "{shown}");
}

#[test]
fn mistakes_in_a_project_file_have_a_place() {
    let mut all = String::new();
    for text in [
        "specs = \"a.qnn\"\n",
        "\n[verify]\n  tmeout = \"3s\"\n",
        "[verify]\ntimeout = \"soon\"\n",
        "[verify]\njobs = 0\n",
        "[verify]\nengine = \"magic\"\n",
        "specs = [\"a[\"]\n",
        "spec = [\"a.qnn\"]\n",
        "specs = [\n",
    ] {
        let place = Place::new().with("a.qnn", FAILS).with("qnn.toml", text);
        let shown = place.run(&["verify"]);
        assert!(shown.starts_with("exit 3\n"), "{text}: {shown}");
        all.push_str(&format!("{text}{shown}\n"));
    }
    snapshot!(all);
}

#[test]
fn check_says_everything_as_json() {
    let place = Place::new();
    place.write("a.qnn", "type A = fixed<8>;\n// ü\nproperty ü = forall x: A x == 0;\n");
    place.write("b.qnn", FAILS);
    let (exit, document) = place.json(&["check", "a.qnn", "missing.qnn", "b.qnn", "--json"]);
    assert_eq!((exit, &document["exit"]), (3, &3.into()));
    let schema = std::fs::read_to_string(root().join("docs/check.schema.json")).expect("a schema");
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).expect("JSON")).expect("a schema");
    let wrong: Vec<String> = schema.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{document:#}");
    assert_eq!(document["specs"][2]["instances"], 2);
    snapshot!(format!("{:#}", document["specs"][0]));
}

#[test]
fn reports_are_compared_by_their_specs_names() {
    let place = Place::new();
    place.write("one/a.qnn", FAILS);
    place.write("two/a.qnn", &FAILS.replace("[2, 3]", "[1, 3]"));
    place.write("two/b.qnn", FAILS);
    for (spec, report) in [("one/a.qnn", "one.json"), ("two/a.qnn", "two.json"), ("two/b.qnn", "b.json")] {
        place.run(&["report", spec, "-o", report]);
    }
    let shown = place.run(&["diff", "one.json", "two.json"]);
    assert!(shown.contains("1 instance compared, 1 the same") && shown.contains("1 not asked any more"), "{shown}");
    let shown = place.run(&["diff", "one.json", "b.json"]);
    assert!(shown.starts_with("exit 3\n") && shown.contains("nothing was compared"), "{shown}");
    let shown = place.run(&["diff", "one.json", "b.json", "--spec", "a.qnn=b.qnn"]);
    assert_eq!(shown, "exit 0\n--- stdout\nnothing changed: 2 instances compared\n");
    let shown = place.run(&["diff", "one.json", "b.json", "--spec", "c.qnn=b.qnn"]);
    assert!(shown.starts_with("exit 3\n") && shown.contains("the older report has no spec `c.qnn`"), "{shown}");
}

#[test]
fn a_bundle_is_checked_under_its_filter() {
    let place = Place::new().with("a.qnn", FAILS);
    place.run(&["bundle", "a.qnn", "-o", "a.zip", "--filter", "fails(limit = 3)"]);
    let shown = place.run(&["check-proof", "a.zip"]);
    assert!(shown.starts_with("exit 0\n"), "{shown}");
    assert!(shown.contains("only about what matches `fails(limit = 3)`: 1 instance is left out"), "{shown}");
    place.run(&["bundle", "a.qnn", "-o", "all.zip"]);
    assert!(!place.run(&["check-proof", "all.zip"]).contains("left out"));
}

#[test]
fn commands_that_are_shown_can_be_pasted() {
    let place = Place::new().with("it's mine.qnn", BROKEN);
    let shown = place.run(&["fmt", "it's mine.qnn"]);
    assert!(shown.contains("`qnn check \"it's mine.qnn\"` says where"), "{shown}");
    assert!(place.run(&["new", "two words"]).contains("qnn verify 'two words.qnn'"));
}

#[test]
fn formatting_shows_what_would_change() {
    let place = Place::new().with("a.qnn", "const  one=1;\n");
    snapshot!(place.run(&["fmt", "--check", "a.qnn"]));
    assert!(place.run(&["fmt", "a.qnn"]).starts_with("exit 0\n"));
    assert_eq!(std::fs::read_to_string(place.folder.path().join("a.qnn")).unwrap(), "const one = 1;\n");
    assert_eq!(place.run(&["fmt", "--check", "a.qnn"]), "exit 0\n");
}

/// Sums may be wider than any integer that JSON's readers keep, values thirds, and outputs equal: all of it is told exactly.
#[test]
fn json_has_exact_numbers() {
    let spec = "type Third = affine<int<8>, 1/3, 0>;
        network wide(x: int<60>[1]) -> int<60>[1] { dense(x, [[100_000_000_000]], [0]) as int<60> }
        network same(x: Third[1]) -> Third[2] { dense(x, [[1], [1]], [0, 0]) as Third }";
    let place = Place::new().with("wide.qnn", spec);
    let json = |arguments: &[&str]| -> serde_json::Value {
        let folder = place.folder.path().to_owned();
        let output = place.command(&folder, arguments).output().expect("qnn runs");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("one JSON document")
    };
    let shown = json(&["show", "wide.qnn", "wide", "--json"]);
    assert_eq!(shown["networks"][0]["layers"][0]["least"], "-57646075230342348800000000000");
    let run = json(&["eval", "wide.qnn", "wide", "--raw", "576460752303423487", "--layers=all", "--json"]);
    assert_eq!(run["layers"][0]["raw"][0], "57646075230342348700000000000");
    let run = json(&["eval", "wide.qnn", "same", "--raw", "64", "--json"]);
    assert_eq!(run["values"][0], "≈21.3333");
    assert_eq!([&run["exact"][0], &run["exact"][1]], ["64/3", "64/3"]);
    assert_eq!([&run["argmax"], &run["ties"]], [&serde_json::json!(0), &serde_json::json!([0, 1])]);
}

#[test]
fn json_is_one_document_whatever_happens() {
    let place = Place::new().with("broken.qnn", "type A = fixed<8>;\n");
    for (arguments, exit) in [(["verify", "broken.qnn", "--json"], 3), (["verify", "examples/tour.qnn", "--json"], 0)] {
        let folder = if exit == 3 { place.folder.path().to_owned() } else { root() };
        let output = place.command(&folder, &arguments).output().expect("qnn runs");
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
        assert_eq!(document["version"], 2);
        assert_eq!(document["exit"], exit);
        assert_eq!(output.status.code(), Some(exit));
    }
}

#[test]
fn exports_are_named_by_their_instances() {
    let place = Place::new();
    place.run(&["new", "a"]);
    snapshot!(place.run(&["export", "--smt2", "a.qnn", "-o", "out"]));
    let mut names: Vec<String> = std::fs::read_dir(place.folder.path().join("out"))
        .expect("the folder was made")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names[0], "agrees_bits6.smt2");
    assert_eq!(names.len(), 6);
}

#[test]
fn the_cache_can_be_listed_and_cleared() {
    let place = Place::new();
    place.run(&["new"]);
    place.run(&["verify", "first.qnn", "never*"]);
    let listed = place.run(&["cache", "list"]);
    assert!(listed.contains("never_heats_a_warm_room") && listed.contains("proved"), "{listed}");
    assert!(place.run(&["cache", "clear"]).contains("forgotten"));
    assert!(place.run(&["cache", "list"]).contains("0 verdicts"));
    let state = place.run(&["cache"]);
    assert!(state.contains("0 verdicts, 0 certificates: 0 bytes of at most 2 GiB at …/cache"), "{state}");
}

#[test]
fn statistics_say_what_each_engine_did() {
    let spec = "
type Bit = ufixed<1, 0>;
network odd(x: Bit[2]) -> fixed<8, 0>[1] { (relu(x[0] + x[1] - 1) as ufixed<4, 0> * 2 - x[0] - x[1]) as fixed<8, 0> }
property easy = forall x: Bit[2]: x[0] <= 1;
property never = forall x: Bit[2]: odd(x)[0] <= 0;
measure none = largest n in 0..=1 such that forall x: Bit[2]: x[0] > n;
";
    let place = Place::new().with("a.qnn", spec);
    let shown = place.run(&["verify", "a.qnn", "--stats", "--engine", "interval"]);
    let line =
        |start: &str| shown.lines().find(|line| line.trim_start().starts_with(start)).unwrap_or(&shown).to_owned();
    assert!(line("undecided").ends_with("1 instance"), "{shown}");
    assert!(line("interval").contains("answer") && !shown.contains("nobody"), "{shown}");
    assert!(line("never").contains("? unknown: interval: "), "{shown}");
    let shown = place.run(&["verify", "a.qnn", "--stats"]);
    let line =
        |start: &str| shown.lines().find(|line| line.trim_start().starts_with(start)).unwrap_or(&shown).to_owned();
    assert!(line("search").contains("1 answer") && !shown.contains("undecided"), "{shown}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_decided() {
    let digits = root().join("examples/digits/digits.qnn");
    let text = format!(
        "use \"{}\";\nproperty easy = forall x: Grey[8, 8]: maximum(x) <= 32;\n\
         property hard = forall x in ball(test[0].image, 12 lsb): argmax(deep<8>(x)) == test[0].label;\n",
        digits.display()
    );
    let place = Place::new().with("a.qnn", text);
    let mut command =
        place.command(place.folder.path(), &["verify", "a.qnn", "-t", "10m", "-j", "1", "--engine", "smt"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("qnn runs");
    let mut stdout = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
    let mut child = Running(Some(child));
    let mut first = String::new();
    std::io::BufRead::read_line(&mut stdout, &mut first).expect("a line");
    child.interrupt();
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut stdout, &mut rest).expect("text");
    let shown = place.shown(child.output());
    let shown = format!("{shown}{first}{rest}");
    assert!(shown.starts_with("exit 2\n"), "{shown}");
    assert!(shown.contains("easy  ✓ proved") && shown.contains("1 cancelled"), "{shown}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_shows_what_is_known_of_a_measure() {
    let digits = root().join("examples/digits/digits.qnn");
    let text = format!(
        "use \"{}\";\nmeasure top = maximize deep<8>(x)[0] over x in ball(test[0].image, 12 lsb);\n",
        digits.display()
    );
    let shown = Place::new().with("a.qnn", text).interrupted(&["verify", "a.qnn", "-t", "10m"]);
    assert!(shown.starts_with("exit 2\n"), "{shown}");
    let top = shown.lines().find(|line| line.starts_with("top ")).expect("the measure has a line");
    assert!(top.contains("It is at most") && top.contains("was found"), "{shown}");
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error_to_talk_about() {
    let place = Place::new();
    let mut command = place.command(&root(), &["show", "examples/tour.qnn", "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("qnn runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("qnn ends");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr)), (Some(141), "".into()));
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
    let at = |name: &str| place.folder.path().join(name);
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

/// A store whose files are no files answers nothing, and holds nothing up.
#[cfg(unix)]
#[test]
fn a_store_of_pipes_is_passed_over() {
    let place =
        Place::new().with("a.qnn", "property p = forall x: int<4>: x <= 7;\nproperty q = forall x: int<4>: x <= 6;\n");
    let first = place.run(&["verify", "a.qnn"]);
    let mut pending = vec![place.folder.path().join("cache")];
    while let Some(folder) = pending.pop() {
        for path in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            std::fs::remove_file(&path).expect("a file of the store");
            assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
        }
    }
    let again = place.run(&["verify", "a.qnn"]);
    assert!(again.starts_with("exit 1") && again.contains("a named pipe, not a file"), "{again}");
    assert!(again.contains("1 proved") && first.contains("1 proved"), "{again}");
}

/// A file that can't be written is told before anything is verified.
#[test]
fn missing_folders_of_outputs_are_told_first() {
    let place = Place::new().with("a.qnn", "property p = forall x: int<4>: x <= 7;\n");
    for arguments in [
        ["verify", "a.qnn", "--proof", "none/a.qnnproof"].as_slice(),
        &["report", "a.qnn", "-o", "none/a.html"],
        &["bundle", "a.qnn", "-o", "none/a.zip"],
    ] {
        let shown = place.run(arguments);
        assert!(shown.starts_with("exit 3") && shown.contains("there is no folder `none`"), "{shown}");
    }
    assert!(!place.folder.path().join("cache").exists(), "nothing was verified");
}

/// What a killed run left is cleared by the next one that writes there.
#[cfg(unix)]
#[test]
fn unfinished_files_are_cleared() {
    let place = Place::new()
        .with("a.qnn", "property p = forall x: int<4>: x <= 7;\n")
        .with(".unfinished-qnn-left", "half")
        .with(".unfinished-mine", "keep");
    let left = place.folder.path().join(".unfinished-qnn-left");
    let file = std::fs::File::options().write(true).open(&left).expect("it is there");
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(60)).expect("its time");
    drop(file);
    let shown = place.run(&["report", "a.qnn", "-o", "a.html"]);
    assert!(shown.starts_with("exit 0") && !left.exists(), "{shown}");
    assert!(place.folder.path().join(".unfinished-mine").exists());
}

#[path = "support/benchmark.rs"]
mod support;
