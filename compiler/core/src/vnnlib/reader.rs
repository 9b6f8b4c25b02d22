//! The query of a text.

use super::expression;
use super::problem::Problem;
use super::query::Query;
use super::{version1, version2};

/// The query that a text holds, of either version.
///
/// # Errors
/// What is no query, or none that is supported, at its place.
pub fn read(text: &str) -> Result<Query, Problem> {
    let lists = expression::read(text)?;
    let second = |word: Option<&str>| matches!(word, Some("vnnlib-version" | "declare-network"));
    if lists.iter().any(|list| second(list.call().map(|(head, _)| head))) {
        version2::query(&lists)
    } else {
        version1::query(&lists, text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::query::{Element, Formula, Relation, Role, Version};
    use super::*;
    use num_traits::Zero;
    use qnn_ir::Rational;
    use qnn_ir::rational::{integer, ratio};

    const FIRST: &str = "; a comment with (brackets
(declare-const X_0 Real) (declare-const X_1 Real)
(declare-const Y_0 Real)
(assert (<= X_0 0.5))
(assert (>= X_0 -1e-1))
(assert (or (and (>= X_1 (* 2 X_0)) (<= Y_0 (- 3))) (not (> (+ Y_0 X_1 (- X_0 1 2)) (/ 1 3)))))
";
    const SECOND: &str = "(vnnlib-version <2.0>)
(declare-network f (declare-input A Real [1, 2]) (declare-hidden H Real [2] \"h\") (declare-output B Real []))
(declare-network g (equal-to f) (declare-input C real [1,2]) (declare-output D real [1]))
(assert (and (<= -3.25 A[0,0]) (== A[0,1] C [0,1])))
(assert (!= B D[0]))
";

    #[test]
    fn both_versions_are_read() {
        let query = read(FIRST).unwrap();
        assert_eq!((query.version, query.networks.len(), query.assertions.len()), (Version::One, 1, 3));
        assert_eq!(query.networks[0].tensors.iter().map(|t| t.count()).collect::<Vec<_>>(), [2, 1]);
        let x0 = Element { network: 0, tensor: 0, index: 0 };
        let Formula::Compare(Relation::AtLeast, sum) = &query.assertions[1] else { panic!("{:?}", query.assertions) };
        assert_eq!((sum.terms.get(&x0), &sum.constant), (Some(&integer(1)), &ratio(1, 10)));
        let query = read(SECOND).unwrap();
        assert_eq!((query.version, query.networks.len()), (Version::Two, 2));
        assert_eq!(query.networks[1].equal_to, Some(0));
        let names: Vec<&str> = query.networks[0].tensors.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(names, ["A", "H", "B"]);
        assert_eq!(query.networks[0].of(Role::Hidden).next().unwrap().1.file_name.as_deref(), Some("h"));
        assert_eq!(query.networks[0].tensors[2].count(), 1);
    }

    #[test]
    fn assertions_mean_what_smt_lib_says() {
        let query = read(FIRST).unwrap();
        let holds = |x0: Rational, x1: Rational, y0: Rational| {
            let values = [x0, x1, y0];
            query.holds(&|element| values[element.tensor * 2 + element.index].clone())
        };
        // X_1 >= 2 · X_0 and Y_0 <= -3.
        assert!(holds(ratio(1, 2), integer(1), integer(-3)));
        // Y_0 + X_1 + X_0 - 3 <= 1/3.
        assert!(holds(Rational::zero(), integer(1), ratio(7, 3)));
        assert!(!holds(Rational::zero(), integer(1), ratio(70_001, 30_000)));
        assert!(!holds(integer(1), integer(1), integer(-3)));
    }

    /// Errors as a person sees them.
    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let wrong = [
            "(declare-const X_0 Real)\n(declare-const Y_0 Real)\n(assert (<= X_0 Z_0))",
            "(declare-const X_0 Real)\n(declare-const Y_0 Real)\n(assert (<= (* X_0 Y_0) 1))",
            "(declare-const X_0 Real)\n(declare-const X_2 Real)\n(declare-const Y_0 Real)\n(assert (<= X_0 1))",
            "(declare-const X_0 Bool)",
            "(declare-const Z_0 Real)",
            "(declare-const X_0 Real)\n(declare-const X_0 Real)",
            "(declare-const X_0 Real)(assert (<= X_0 1))",
            "(assert (<= 0 1)",
            "(assert (<= 0 1)))",
            "(assert {})",
            "(push 1)",
            "word",
            "",
            "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= X_0 (ite true 1 2)))",
            "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= X_0 (/ 1 0)))",
            "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= X_0 1e9999))",
            "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= X_0 1 2))",
            "(vnnlib-version <3.0>)(declare-network f (declare-input A Real [1]) (declare-output B Real [1]))",
            "(vnnlib-version <2.0>)(assert (<= 0 1))",
            "(vnnlib-version <2.0>)(declare-network f (declare-input A Real [0]) (declare-output B Real [1]))",
            "(vnnlib-version <2.0>)(declare-network f (declare-input A Real [2]) (declare-output B Real [1]))(assert (<= A[2] 0))",
            "(vnnlib-version <2.0>)(declare-network f (declare-input A Real [2]) (declare-output B Real [1]))(assert (<= A 0))",
            "(vnnlib-version <2.0>)(declare-network f (declare-input A Real [2]) (declare-output A Real [1]))",
            "(vnnlib-version <2.0>)(declare-network f (declare-input A complex64 [2]) (declare-output B Real [1]))",
            "(vnnlib-version <2.0>)(declare-network f (equal-to g) (declare-input A Real [2]) (declare-output B Real [1]))",
            "(vnnlib-version <2.0>)(declare-network f (declare-output B Real [1]))",
            "(vnnlib-version <2.0>)(declare-network f (declare-input A Real [2] \"a\") (declare-output B Real [1]))",
            "(vnnlib-version <2.0>)(declare-network f (declare-input A Real [4000000000, 4000000000]) (declare-output B Real [1]))",
        ];
        let shown: Vec<String> =
            wrong.iter().map(|text| read(text).expect_err(text).render("query.vnnlib", text, false)).collect();
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn no_text_is_too_much() {
        let deep = format!("(assert {}true{})", "(not ".repeat(100_000), ")".repeat(100_000));
        assert!(read(&deep).unwrap_err().message.contains("nested deeper"));
        let long =
            format!("(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= X_0 (* {})))", "9e4000 ".repeat(1000));
        assert!(read(&long).unwrap_err().message.contains("too long"));
        assert!(read(&" ".repeat(5 << 20)).unwrap_err().message.contains("4 MiB"));
        let many =
            format!("(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= X_0 (+ {})))", "X_0 ".repeat(200_000));
        assert_eq!(read(&many).unwrap().assertions.len(), 1);
    }

    /// Damaged queries are read or refused, and every error can be shown.
    #[test]
    fn mutants_are_refused_in_words() {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut next = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below.max(1) as u64) as usize
        };
        let pieces = [
            "(",
            ")",
            "[",
            "]",
            "\"",
            ";",
            "\n",
            "-",
            "1e",
            "X_1",
            "and",
            "<",
            "é",
            "declare-network",
            "0",
            "4294967296",
            ",",
        ];
        for round in 0..20_000 {
            let mut text: Vec<char> = if round % 2 == 0 { FIRST } else { SECOND }.chars().collect();
            for _ in 0..=next(4) {
                if text.is_empty() {
                    break;
                }
                let at = next(text.len());
                match next(4) {
                    0 => _ = text.remove(at),
                    1 => text.truncate(at.max(1)),
                    2 => {
                        let end = (at + next(20)).min(text.len());
                        let copy: Vec<char> = text[at..end].to_vec();
                        let to = next(text.len());
                        text.splice(to..to, copy);
                    }
                    _ => _ = text.splice(at..at, pieces[next(pieces.len())].chars()),
                }
            }
            let text: String = text.into_iter().collect();
            if let Err(problem) = read(&text) {
                assert!(!problem.message.is_empty());
                if round % 20 == 0 {
                    problem.render("query", &text, false);
                }
            }
        }
    }
}
