//! Deadlines, Ctrl-C and memory limits of the command, on statements that are as large as they may be.
#![cfg(target_os = "linux")]

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fmt::Write;
use std::io::Read;
use std::process::{Child, Command, Output, Stdio};

/// A child that ends with its test, whatever ends that.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder with a spec, and a store of its own.
struct Place(tempfile::TempDir);

impl Place {
    fn new(spec: &str) -> Place {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("spec.qnn"), spec).expect("a temporary file");
        Place(folder)
    }

    /// The command, with at most so many MiB of addresses.
    fn command(&self, mebibytes: Option<u64>, arguments: &[&str]) -> Command {
        // Without a limit there is no shell before it, whose handlers of signals could be taken for the command's.
        let mut command = Command::new(if mebibytes.is_some() { "sh" } else { env!("CARGO_BIN_EXE_qnn") });
        if let Some(most) = mebibytes {
            command.arg("-c").arg(format!("ulimit -v {}; exec \"$0\" \"$@\"", most << 10));
            command.arg(env!("CARGO_BIN_EXE_qnn"));
        }
        command.args(arguments);
        command.current_dir(self.0.path()).stdin(Stdio::null()).env("NO_COLOR", "1");
        command.env("QNN_CACHE", self.0.path().join("cache"));
        command
    }

    fn run(&self, mebibytes: Option<u64>, arguments: &[&str]) -> Output {
        self.command(mebibytes, arguments).output().expect("qnn runs")
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// So many properties, each of a sum of a million elements.
fn sums(count: usize) -> String {
    (0..count).fold(String::new(), |mut spec, i| {
        let _ = writeln!(spec, "property p{i} = forall x: fixed<2, 0>[1024, 1024]: sum(x) <= {i}.5;");
        spec
    })
}

#[test]
fn what_takes_longer_to_lower_than_its_budget_is_a_timeout_that_says_so() {
    let place = Place::new(&sums(3));
    let output = place.run(None, &["verify", "spec.qnn", "-j1", "-t", "1ms", "--json"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let told = text(&output.stdout).matches("Not decided within 1 ms. It was still being lowered").count();
    assert_eq!(told, 3, "{}", text(&output.stdout));
}

/// Whether a process has a handler for a signal, or is gone.
fn is_handled(process: Pid, signal: Signal) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{process}/status")) else { return true };
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    status.contains("zombie") || caught.is_some_and(|mask| mask >> (signal as u32 - 1) & 1 == 1)
}

/// Whatever the command is at, Ctrl-C ends it, and each instance has a verdict.
#[test]
fn ctrl_c_ends_the_check_before_and_the_lowering() {
    for count in [1, 40] {
        let place = Place::new(&sums(count));
        let mut command = place.command(None, &["verify", "spec.qnn", "-j1", "-t", "1h", "--json"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("qnn runs");
        let mut child = Running(child);
        let id = Pid::from_raw(i32::try_from(child.0.id()).expect("a process id"));
        while !is_handled(id, Signal::SIGINT) {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        // One that is done by then can't be interrupted any more.
        let _ = kill(id, Signal::SIGINT);
        let (mut out, mut err) = (String::new(), String::new());
        child.0.stdout.take().expect("a pipe").read_to_string(&mut out).expect("text");
        child.0.stderr.take().expect("a pipe").read_to_string(&mut err).expect("text");
        let status = child.0.wait().expect("qnn ends");
        if count == 1 {
            continue;
        }
        assert_eq!(status.code(), Some(2), "{err}");
        assert!(err.contains("stopping: what is decided follows"), "{err}");
        let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        let instances = report.to_string().matches("Cancelled before it was decided").count();
        assert!(instances > 0, "{out}");
    }
}

/// At each documented limit, and with little memory, a command ends with a verdict, or with a message and the code 3 or 4.
#[test]
fn commands_end_in_order_at_each_limit_and_without_memory() {
    let quantified = "property q = forall x: int<8>[100000]: forall i in 0..100000: x[i] <= 127;";
    let argmaxes = |n: usize| {
        format!("property a = forall x: int<8>[{n}], y: int<8>[{n}]: argmax(x) == argmax(y) or x[0] > y[0];")
    };
    let specs = [
        ("elements", "property e = forall x: fixed<2, 0>[2048, 2048]: sum(x) <= 3;".to_owned()),
        ("parts", "property e = forall x: int<8>[2048, 2048]: maximum(abs(x)) <= 128;".to_owned()),
        ("conditions", argmaxes(60)),
        ("too many conditions", argmaxes(141)),
        ("a finite quantifier", quantified.to_owned()),
        ("instances", "property i(k in 0..100000) = forall x: int<8>: x <= 127 + k;".to_owned()),
    ];
    let mut out_of_memory = 0;
    for (name, spec) in specs {
        let place = Place::new(&spec);
        for mebibytes in [192, 1024] {
            for arguments in
                [&["check", "spec.qnn"][..], &["verify", "spec.qnn", "-j1", "-t", "100ms", "-f", "?", "-q"]]
            {
                if name == "instances" && arguments[0] == "verify" {
                    continue;
                }
                let remembers = arguments[0] == "verify" && mebibytes > 192;
                let options = if arguments[0] == "verify" && !remembers { &["--no-cache"][..] } else { &[] };
                let arguments = [arguments, options].concat();
                let output = place.run(Some(mebibytes), &arguments);
                let told =
                    format!("{name}, {mebibytes} MiB, {arguments:?}: {:?}\n{}", output.status, text(&output.stderr));
                assert!(matches!(output.status.code(), Some(0..=4)), "{told}");
                if matches!(output.status.code(), Some(3 | 4)) {
                    assert!(text(&output.stderr).contains("error"), "{told}");
                }
                if text(&output.stderr).contains("error: out of memory") {
                    assert_eq!(text(&output.stderr).contains("what was decided is remembered"), remembers, "{told}");
                    out_of_memory += 1;
                }
            }
        }
    }
    assert!(out_of_memory > 0, "none of them needs as much memory as it was denied");
}
