//! `check-proof --with proved-checker`, with programs in the place of the proved one (`tests/proofs/checkers`): each certificate has to be accepted by it as well.

use crate::place::root;
use crate::with_spec;
use serde_json::Value;

/// The exit code, and what is said, where a program stands for the proved checker.
fn checked(program: &str, arguments: &[&str]) -> (i32, String, String) {
    let place = with_spec();
    place.proved();
    let mut command =
        place.command(&[&["check-proof", "--with", "proved-checker", "spec.qnnproof"], arguments].concat());
    let output = command.env("QNN_PROVED_CHECKER", root().join("tests/proofs/checkers").join(program)).output();
    let output = output.expect("qnn starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text is UTF-8");
    (output.status.code().expect("it is not killed"), text(output.stdout), text(output.stderr))
}

#[test]
#[cfg(unix)]
fn the_proved_checker_has_to_accept_each_certificate() {
    let (exit, said, error) = checked("accepts", &[]);
    assert_eq!(exit, 0, "{said}{error}");
    assert!(said.contains("each was accepted by the proved checker, too"), "{said}");

    let (exit, said, _) = checked("rejects", &[]);
    assert_eq!(exit, 1, "{said}");
    assert!(said.contains("the proved checker rejects its certificate: it never likes one"), "{said}");

    // Nothing was checked, so nothing is said to be wrong either.
    let (exit, said, _) = checked("ends", &[]);
    assert_eq!(exit, 2, "{said}");
    assert!(said.contains("the proved checker did not answer"), "{said}");
}

#[test]
#[cfg(unix)]
fn documents_say_whether_the_proved_checker_was_asked() {
    let (_, said, _) = checked("accepts", &["--json"]);
    let document: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(document["files"][0]["proved_checker"], true);
}

#[test]
fn without_the_proved_checker_nothing_is_checked() {
    let (exit, said, error) = checked("nowhere", &[]);
    assert_eq!((exit, said.as_str()), (3, ""), "{error}");
    assert!(error.contains("the proved checker can't be started") && error.contains("QNN_PROVED_CHECKER"), "{error}");
}
