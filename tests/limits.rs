//! Deadlines, Ctrl-C and memory limits of the command, on statements that are as large as they may be.
#![cfg(target_os = "linux")]

#[path = "support/place.rs"]
mod place;

use nix::sys::signal::Signal;
use place::{Place, Running};
use std::fmt::Write;
use std::process::{Command, Output, Stdio};

/// A folder with a spec.
fn with_spec(spec: &str) -> Place {
    Place::new().with("spec.qnn", spec)
}

/// Runs the command with at most so many MiB of addresses.
fn limited(place: &Place, mebibytes: u64, arguments: &[&str]) -> Output {
    let command = place.command(arguments);
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("ulimit -v {}; exec \"$0\" \"$@\"", mebibytes << 10)).arg(command.get_program());
    shell.args(command.get_args()).current_dir(place.folder()).stdin(Stdio::null());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.output().expect("the shell starts")
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
    let place = with_spec(&sums(3));
    let (exit, output) = place.qnn(&["verify", "spec.qnn", "-j1", "-t", "1ms", "--json"]);
    assert_eq!(exit, 2, "{}", text(&output.stderr));
    let told = text(&output.stdout).matches("Not decided within 1 ms. It was still being lowered").count();
    assert_eq!(told, 3, "{}", text(&output.stdout));
}

/// Whether a process has a handler for a signal, or is gone.
fn is_handled(process: u32, signal: Signal) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{process}/status")) else { return true };
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    status.contains("zombie") || caught.is_some_and(|mask| mask >> (signal as u32 - 1) & 1 == 1)
}

/// Whatever the command is at, Ctrl-C ends it, and each instance has a verdict.
#[test]
fn ctrl_c_ends_the_check_before_and_the_lowering() {
    for count in [1, 40] {
        let place = with_spec(&sums(count));
        let mut child = Running::new(&mut place.command(&["verify", "spec.qnn", "-j1", "-t", "1h", "--json"]));
        let id = child.child().id();
        while !is_handled(id, Signal::SIGINT) {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        // One that is done by then can't be interrupted any more.
        child.interrupt();
        let output = child.output();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        if count == 1 {
            continue;
        }
        assert_eq!(output.status.code(), Some(2), "{err}");
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
        let place = with_spec(&spec);
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
                let output = limited(&place, mebibytes, &arguments);
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
