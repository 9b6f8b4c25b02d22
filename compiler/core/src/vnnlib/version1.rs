//! Version 1: SMT-LIB that declares the elements of a network's inputs `X_0`, `X_1`, … and outputs `Y_0`, `Y_1`, … one by one.

use super::expression::Expression;
use super::formulas::{Words, formula};
use super::problem::Problem;
use super::query::{Element, Network, Query, Role, Tensor, Version};
use qnn_ir::interrupt::work;
use std::ops::Range;

/// The query of a text's lists; `end` is the text's length.
pub fn query(lists: &[Expression<'_>], end: usize) -> Result<Query, Problem> {
    let mut words = Words::default();
    let mut places: [Vec<(usize, Range<usize>)>; 2] = [Vec::new(), Vec::new()];
    let mut assertions = Vec::new();
    for list in lists {
        work(8);
        let Some((head, parts)) = list.call() else {
            return Err(Problem::new("this begins with no command", list.span.clone(), "not a command of VNN-LIB"));
        };
        match (head, parts) {
            ("declare-const", [name, sort]) => declare(name, sort, &mut words, &mut places)?,
            ("declare-fun", [name, parameters, sort]) if matches!(&parameters.kind, super::expression::Kind::List(list) if list.is_empty()) =>
            {
                declare(name, sort, &mut words, &mut places)?;
            }
            ("assert", [assertion]) => assertions.push(formula(assertion, &words)?),
            // They say nothing of what is asked.
            ("set-logic" | "set-info" | "set-option" | "check-sat" | "get-model" | "exit", _) => {}
            ("declare-const" | "declare-fun" | "assert", _) => {
                let help = "`(declare-const X_0 Real)` and `(assert (<= X_0 1))` are right";
                return Err(Problem::new(format!("`{head}` has other parts"), list.span.clone(), "").help(help));
            }
            _ => {
                return Err(Problem::new(
                    format!("there is no command `{head}`"),
                    list.span.clone(),
                    "not a command of VNN-LIB",
                )
                .help("version 1 has `declare-const` and `assert`; version 2 begins with `(vnnlib-version <2.0>)`"));
            }
        }
    }
    let tensor = |role: Role, letter: &str, places: &mut Vec<(usize, Range<usize>)>| {
        places.sort_by_key(|(index, _)| *index);
        if let Some((index, (_, span))) = places.iter().enumerate().find(|(at, (index, _))| at != index) {
            let message = format!("`{letter}_{index}` is not declared, but one of a higher number is");
            return Err(Problem::new(message, span.clone(), "the numbers leave one out"));
        }
        match places.first() {
            Some((_, span)) => Ok(Tensor {
                name: letter.to_owned(),
                role,
                element: "Real".to_owned(),
                shape: vec![places.len()],
                file_name: None,
                span: span.clone(),
            }),
            None => Err(Problem::new(format!("`{letter}_0` is not declared"), end..end, "the query ends")
                .help("inputs are `X_0`, `X_1`, …, outputs `Y_0`, `Y_1`, …: `(declare-const X_0 Real)`")),
        }
    };
    let [inputs, outputs] = &mut places;
    let tensors = vec![tensor(Role::Input, "X", inputs)?, tensor(Role::Output, "Y", outputs)?];
    let span = tensors[0].span.clone();
    let network = Network { name: "f".to_owned(), equal_to: None, isomorphic_to: None, tensors, span };
    Ok(Query { version: Version::One, networks: vec![network], assertions })
}

fn declare(
    name: &Expression<'_>,
    sort: &Expression<'_>,
    words: &mut Words,
    places: &mut [Vec<(usize, Range<usize>)>; 2],
) -> Result<(), Problem> {
    let word = name.word().unwrap_or_default();
    if sort.word() != Some("Real") {
        return Err(Problem::new("a variable of a query is `Real`", sort.span.clone(), "another sort"));
    }
    let numbered = word.split_once('_').and_then(|(letter, number)| {
        let tensor = ["X", "Y"].iter().position(|known| *known == letter)?;
        let digits = number.bytes().all(|b| b.is_ascii_digit()) && (number == "0" || !number.starts_with('0'));
        Some((tensor, number.parse::<u32>().ok().filter(|_| digits)? as usize))
    });
    let Some((tensor, index)) = numbered else {
        let help = "inputs are `X_0`, `X_1`, …, outputs `Y_0`, `Y_1`, …";
        return Err(Problem::new("this is neither an input nor an output", name.span.clone(), "").help(help));
    };
    if words.0.insert(word.to_owned(), Element { network: 0, tensor, index }).is_some() {
        return Err(Problem::new(format!("`{word}` is declared twice"), name.span.clone(), "the second time"));
    }
    places[tensor].push((index, name.span.clone()));
    Ok(())
}
