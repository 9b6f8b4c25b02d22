//! A gate: what has changed between two reports, and whether it got worse.

use crate::place::{npy, root};
use crate::{SPEC, with_spec};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// A change that has nothing to show beside its verdict, and reports of nothing.
#[test]
fn changes_without_a_finding_have_no_brackets() {
    let place = with_spec("property p = 1 == 1;");
    place.expect(0, &["report", "spec.qnn", "-o", "old.json"]);
    place.write("spec.qnn", b"property p = 1 == 2;");
    place.expect(1, &["report", "spec.qnn", "-o", "new.json"]);
    let said = place.expect(1, &["diff", "old.json", "new.json"]);
    assert!(said.contains("p: proved → violated\n") || said.contains("p: proved → violated (the question"), "{said}");
    place.write("spec.qnn", b"const A = 1;");
    place.expect(2, &["report", "spec.qnn", "-o", "none.json"]);
    for (old, new, why) in [
        ("none.json", "none.json", "neither report has an instance"),
        ("old.json", "none.json", "the newer report has no instance"),
        ("none.json", "new.json", "the older report has no instance"),
    ] {
        let said = place.expect(3, &["diff", old, new]);
        assert!(said.contains(why) && !said.contains("renamed"), "{said}");
    }
}

#[test]
fn the_gate_catches_what_got_worse() {
    let place = with_spec(SPEC);
    place.expect(1, &["report", "spec.qnn", "-o", "old.json"]);
    assert_eq!(place.expect(0, &["diff", "old.json", "old.json"]), "nothing changed: 30 instances compared\n");
    // The last image is a darker one now, and one property asks for less.
    let mut pixels = vec![7; 48];
    (pixels[0], pixels[16 + 15], pixels[32]) = (14, 14, 8);
    place.write("x.npy", npy("3, 4, 4", &pixels));
    place.write("spec.qnn", SPEC.replace("<= 2;\n#[expect(violated)]", "<= 4;\n#[expect(violated)]"));
    place.expect(1, &["report", "spec.qnn", "-o", "new.json"]);
    snapshot!("reports__diff", place.expect(1, &["diff", "old.json", "new.json"]));
    snapshot!("reports__diff_markdown", place.expect(1, &["diff", "old.json", "new.json", "--markdown"]));
    let (_, output) = place.qnn(&["diff", "old.json", "new.json", "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["changes"][0]["meaning"], "regression");
    // Better and new is fine, unless any change is one too many; what is not asked any more is not.
    place.expect(0, &["report", "spec.qnn", "most", "-o", "less.json"]);
    place.expect(2, &["diff", "old.json", "less.json"]);
    place.expect(0, &["diff", "less.json", "less.json", "--strict"]);
    place.expect(1, &["diff", "old.json", "less.json", "--strict"]);
}

/// The lines of a step's script in a workflow.
fn step(workflow: &str, name: &str) -> String {
    let lines = workflow.lines().skip_while(|line| line.trim() != format!("- name: {name}"));
    let script = lines.skip_while(|line| line.trim() != "run: |").skip(1);
    script.take_while(|line| line.starts_with("          ")).map(|line| format!("{}\n", &line[10..])).collect()
}

#[cfg(unix)]
#[test]
fn the_workflow_s_scripts_run() {
    let place = with_spec("");
    let workflow = std::fs::read_to_string(root().join("examples/github/verify.yml")).expect("the workflow");
    place.expect(0, &["new", "first"]);
    let bin = Path::new(env!("CARGO_BIN_EXE_qnn")).parent().expect("a folder").to_owned();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let run = |script: &str| {
        let mut command = Command::new("bash");
        command.args(["-e", "-c", script]).current_dir(place.folder()).env("PATH", &path).env("SPEC", "first.qnn");
        command.env("QNN_CACHE", place.path("cache")).env("GITHUB_STEP_SUMMARY", place.path("step.md"));
        command.env("GITHUB_OUTPUT", place.path("output")).output().expect("bash starts")
    };
    let verify = step(&workflow, "Verify");
    assert!(verify.contains("qnn report"), "{verify}");
    let done = run(&verify);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(place.read("step.md").starts_with("## "));
    let status = place.read("output").trim().to_owned();
    let status = status.strip_prefix("status=").expect("the exit code");
    let gate = step(&workflow, "Gate").replace("${{ steps.verify.outputs.status }}", status);
    assert_eq!(run(&gate).status.code().map(|code| code.to_string()).as_deref(), Some(status));
    std::fs::create_dir(place.path("base")).expect("a folder");
    std::fs::copy(place.path("report.json"), place.path("base/report.json")).expect("a report");
    assert!(run(&gate).status.success());
}
