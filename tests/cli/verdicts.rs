//! How verdicts are shown: lines, tables, statistics, warnings beside them, and what Ctrl-C leaves.

use crate::place::Place;
#[cfg(unix)]
use crate::place::{Running, root};

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
        let mut command = place.command(&["verify", "a.qnn", "-c", "0", "-j", "1"]);
        let shown = place.shown(command.env("COLUMNS", columns).output().expect("qnn runs"));
        let widest = shown.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(widest <= columns.parse().expect("a number"), "{widest} columns: {shown}");
        snapshot!(format!("families_{columns}"), shown);
    }
    snapshot!("families_quiet", place.run(&["verify", "a.qnn", "-q"]));
    let shown = place.run(&["verify", "a.qnn", "--list", "-c", "0"]);
    assert_eq!(shown.lines().filter(|line| line.starts_with("  ")).count(), 108 + 3 + 27 + 16 + 100, "{shown}");
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
    let arguments = ["verify", "a.qnn", "-t", "10m", "-j", "1", "--engine", "smt"];
    let mut child = Running::new(&mut place.command(&arguments));
    let mut stdout = std::io::BufReader::new(child.child().stdout.take().expect("a pipe"));
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
        "use \"{}\";\nproperty easy = forall x: Grey[8, 8]: maximum(x) <= 32;\n\
         measure top = maximize deep<8>(x)[0] over x in ball(test[0].image, 12 lsb);\n",
        digits.display()
    );
    let place = Place::new().with("a.qnn", text);
    let interrupted_after = |milliseconds: u64| {
        let mut child = Running::new(&mut place.command(&["verify", "a.qnn", "-t", "10m", "-j", "1"]));
        let mut stdout = std::io::BufReader::new(child.child().stdout.take().expect("a pipe"));
        let mut text = String::new();
        std::io::BufRead::read_line(&mut stdout, &mut text).expect("a line");
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        child.interrupt();
        std::io::Read::read_to_string(&mut stdout, &mut text).expect("text");
        let shown = format!("{}{text}", place.shown(child.output()));
        assert!(shown.starts_with("exit 2\n"), "{shown}");
        let top = shown.lines().find(|line| line.starts_with("top ")).expect("the measure has a line");
        top.contains("It is at most") && top.contains("was found")
    };
    // Nothing outside of the process tells when a first value and a first bound are known: the machine's speed decides.
    assert!([100, 500, 2500, 12_500].into_iter().any(interrupted_after), "nothing is known of the measure");
}
