//! Linear arithmetic over the real numbers, decided by Z3.
//!
//! In: a script of SMT-LIB 2 and the names of some of its constants. Out: that it is unsatisfiable, on Z3's word, or exact values of the constants.

use super::z3::{gave_up, leave_ctrl_c, supervised};
use crate::{Control, Reason};
use qnn_ir::Rational;
use qnn_ir::rational::parse_decimal;
use z3::ast::Real;
use z3::{SatResult, Solver};

/// What Z3 found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No model.
    Unsatisfiable,
    /// A model: a value for each of the constants that were asked for.
    Satisfiable(Vec<Rational>),
}

/// Decides a script of QF_LRA, whose constants are reals.
///
/// # Errors
/// If the time or the memory is up, the caller cancels, Z3 gives up or fails.
pub fn check(script: String, constants: Vec<String>, control: &Control) -> Result<Verdict, Reason> {
    supervised(control, move |done| {
        let solver = Solver::new_for_logic("QF_LRA").unwrap_or_default();
        leave_ctrl_c(&solver);
        // Z3 has no word for a script that it does not read, but it then asserts nothing of it.
        let asserted = script.lines().filter(|line| line.starts_with("(assert ")).count();
        solver.from_string(script);
        if solver.get_assertions().len() != asserted {
            return Err(Reason::Internal("Z3 does not read the script".to_owned()));
        }
        let verdict = match solver.check() {
            SatResult::Unsat => Verdict::Unsatisfiable,
            SatResult::Unknown => return Err(gave_up(&solver)),
            SatResult::Sat => {
                let no_model = || Reason::Internal("Z3 found a model and did not give it".to_owned());
                let model = solver.get_model().ok_or_else(no_model)?;
                let value = |name: &String| -> Option<Rational> {
                    let value = model.eval(&Real::new_const(name.as_str()), true)?;
                    number(&value.to_string())
                };
                Verdict::Satisfiable(constants.iter().map(value).collect::<Option<_>>().ok_or_else(no_model)?)
            }
        };
        // The watchdog goes when Z3 is no longer used.
        drop(done);
        Ok(verdict)
    })
}

/// A number as Z3 writes it: `1.5`, `(- 2.0)`, `(/ 1.0 3.0)`, `(- (/ 1.0 3.0))`.
fn number(text: &str) -> Option<Rational> {
    let text = text.trim();
    if let Some(inner) = text.strip_prefix("(-").and_then(|rest| rest.strip_suffix(')')) {
        return number(inner).map(|value| -value);
    }
    if let Some(inner) = text.strip_prefix("(/").and_then(|rest| rest.strip_suffix(')')) {
        let (numerator, denominator) = inner.trim().rsplit_once(char::is_whitespace)?;
        let (numerator, denominator) = (number(numerator)?, integer(denominator)?);
        return (denominator != Rational::default()).then(|| numerator / denominator);
    }
    integer(text)
}

/// A number of digits, with `.0` or without: of any length.
fn integer(text: &str) -> Option<Rational> {
    let digits = text.trim().strip_suffix(".0").unwrap_or(text.trim());
    match digits.parse() {
        Ok(integer) => Some(Rational::from_integer(integer)),
        Err(_) => parse_decimal(digits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qnn_ir::rational::ratio;

    #[test]
    fn numbers_are_read() {
        for (text, numerator, denominator) in [
            ("1.5", 3, 2),
            ("(- 2.0)", -2, 1),
            ("(/ 1.0 3.0)", 1, 3),
            ("(- (/ 1.0 3.0))", -1, 3),
            ("(/ (- 1.0) 3.0)", -1, 3),
        ] {
            assert_eq!(number(text), Some(ratio(numerator, denominator)), "{text}");
        }
        assert_eq!((number("(/ 1.0 0.0)"), number("x"), number("(root-obj x 1)")), (None, None, None));
    }

    #[test]
    fn scripts_are_decided() {
        let script = "(declare-const x Real)\n(declare-const y Real)\n(assert (= (* 3.0 x) 1.0))\n(assert (< y (ite (< x 0.0) 1.0 (- x))))\n";
        let control = Control::default();
        let found = check(script.to_owned(), vec!["x".into(), "y".into()], &control).unwrap();
        let Verdict::Satisfiable(values) = found else { panic!("{found:?}") };
        assert!(values[0] == ratio(1, 3) && values[1] < ratio(-1, 3), "{values:?}");
        let none = format!("{script}(assert (> y 0.0))\n");
        assert_eq!(check(none, Vec::new(), &control), Ok(Verdict::Unsatisfiable));
        assert!(matches!(check("(assert (< x 1.0))\n".to_owned(), Vec::new(), &control), Err(Reason::Internal(_))));
    }
}
