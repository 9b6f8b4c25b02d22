//! SMT-LIB 2: an obligation as text that any solver for QF_BV takes unchanged.
//!
//! In: an obligation. Out: a script that is satisfiable exactly if some assignment answers the obligation, that is, if the property is violated. It is the same
//! formula that the engine `smt` gives to Z3, but for the cases and goals that the ranges of their terms decide: those are written out here, so that
//! the solver decides them again (with ranges as the widths, and constants where an element has one value only). Comments say which number each variable and each part of the network stands for.

use qnn_engine::presolve::Element;
use qnn_engine::smt::term::{Node, Term};
use qnn_engine::smt::{Encoding, Options, encode};
use qnn_engine::{Control, Reason, interval};
use qnn_ir::obligation::Obligation;
use std::collections::HashMap;
use std::fmt::Write;

/// What the script holds besides the formula.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// How the formula is built.
    pub options: Options,
    /// For `(set-info :status …)`: whether it is known to be satisfiable.
    pub status: Option<bool>,
    /// Asks for the inputs' values after the check. Solvers answer that with an error if there is no model.
    pub values: bool,
    /// Comment lines for the head: which property of which spec this is.
    pub title: String,
}

impl Script {
    /// The script.
    ///
    /// # Errors
    /// If `control` says stop, or numbers need more bits than terms have.
    pub fn write(&self, obligation: &Obligation, control: &Control) -> Result<String, Reason> {
        let mut text = String::new();
        for line in self.title.lines() {
            let _ = writeln!(text, "; {}", line.replace(|c: char| c.is_control(), " "));
        }
        let _ = writeln!(text, "; Obligation {}.", obligation.key());
        text.push_str(match obligation.exact {
            None => "; Satisfiable if and only if some assignment of the inputs violates the property.\n",
            Some(_) => {
                "; Integers that enclose a real-valued network: unsatisfiable only if no assignment of the inputs violates the property.\n"
            }
        });
        text.push_str("(set-info :smt-lib-version 2.6)\n");
        if let Some(status) = self.status {
            let _ = writeln!(text, "(set-info :status {})", if status { "sat" } else { "unsat" });
        }
        if self.values {
            text.push_str("(set-option :produce-models true)\n");
        }
        text.push_str("(set-logic QF_BV)\n");
        let Some(presolved) = interval::presolve(obligation)? else {
            text.push_str("; No input meets the assumptions on inputs.\n(assert false)\n(check-sat)\n");
            return Ok(text);
        };
        let cases: Vec<usize> = (0..obligation.cases.len()).collect();
        let options = Options { keep_goals: true, ..self.options };
        let encoding = encode::encode(obligation, &presolved, &cases, options, control)?;
        formula(&mut text, obligation, &encoding);
        text.push_str("(check-sat)\n");
        if self.values && !encoding.inputs.is_empty() {
            let names = encoding.inputs.iter().filter_map(|(_, value)| value.bits);
            let names: Vec<String> = names.map(|term| reference(&encoding, term)).collect();
            let _ = writeln!(text, "(get-value ({}))", names.join(" "));
        }
        Ok(text)
    }
}

fn formula(text: &mut String, obligation: &Obligation, encoding: &Encoding) {
    let mut meanings: HashMap<Term, Vec<String>> = HashMap::new();
    for (element, value) in &encoding.elements {
        if let Some(bits) = value.bits {
            let range = format!("{} to {}", value.range.lo, value.range.hi);
            let bits_name = reference(encoding, bits);
            let offset = if value.offset == 0 { String::new() } else { format!("{} + ", value.offset) };
            let meaning = format!("{} = {offset}{bits_name}, {range}", name(obligation, *element));
            meanings.entry(bits).or_default().push(meaning);
        }
    }
    // Every input is declared, used or not: somebody may ask for its value.
    let inputs = encoding.inputs.iter().filter_map(|(_, value)| value.bits);
    let roots: Vec<Term> = encoding.assertions.iter().copied().chain(inputs).collect();
    for term in encoding.terms.cone(&roots) {
        for meaning in meanings.get(&term).into_iter().flatten() {
            let _ = writeln!(text, "; {meaning}");
        }
        let (width, node) = (encoding.terms.width(term), encoding.terms.node(term));
        let sort = if width == 0 { "Bool".to_owned() } else { format!("(_ BitVec {width})") };
        match node {
            Node::Bool(_) | Node::Constant(_) => {}
            Node::Variable(_) => {
                let _ = writeln!(text, "(declare-const {} {sort})", reference(encoding, term));
            }
            _ => {
                let name = reference(encoding, term);
                let _ = writeln!(text, "(define-fun {name} () {sort} {})", definition(encoding, term));
            }
        }
    }
    let trivial = |term: &&Term| matches!(encoding.terms.node(**term), Node::Bool(true));
    for assertion in encoding.assertions.iter().filter(|assertion| !trivial(assertion)) {
        let _ = writeln!(text, "(assert {})", reference(encoding, *assertion));
    }
}

fn name(obligation: &Obligation, (node, element): Element) -> String {
    format!("{}[{element}]", plain(&obligation.graph.node(node).name))
}

/// Without what would end a quoted symbol or a comment.
fn plain(name: &str) -> String {
    name.replace(|c: char| c == '|' || c == '\\' || c.is_control(), "_")
}

/// How other terms call this one.
fn reference(encoding: &Encoding, term: Term) -> String {
    match encoding.terms.node(term) {
        Node::Bool(value) => value.to_string(),
        Node::Constant(value) => literal(*value, encoding.terms.width(term)),
        // Never the name of a defined term, which has no bracket.
        Node::Variable(index) => format!("|{}|", plain(&encoding.terms.variables[*index as usize].name)),
        _ => format!("t{}", term.index()),
    }
}

fn literal(value: u128, width: u32) -> String {
    if width.is_multiple_of(4) {
        format!("#x{value:0digits$x}", digits = width as usize / 4)
    } else {
        format!("#b{value:0digits$b}", digits = width as usize)
    }
}

fn definition(encoding: &Encoding, term: Term) -> String {
    let width = encoding.terms.width(term);
    let of = |term: &Term| reference(encoding, *term);
    let all = |terms: &[Term]| terms.iter().map(of).collect::<Vec<_>>().join(" ");
    match encoding.terms.node(term) {
        Node::Bool(_) | Node::Constant(_) | Node::Variable(_) => of(&term),
        Node::Not(a) => format!("(not {})", of(a)),
        Node::And(terms) => format!("(and {})", all(terms)),
        Node::Or(terms) => format!("(or {})", all(terms)),
        Node::Eq(a, b) => format!("(= {} {})", of(a), of(b)),
        Node::Ule(a, b) => format!("(bvule {} {})", of(a), of(b)),
        Node::Add(a, b) => format!("(bvadd {} {})", of(a), of(b)),
        Node::Multiply(factor, a) => format!("(bvmul {} {})", literal(*factor, width), of(a)),
        Node::Complement(a) => format!("(bvnot {})", of(a)),
        Node::Concat(high, low) => format!("(concat {} {})", of(high), of(low)),
        Node::Extract(a, low) => format!("((_ extract {} {low}) {})", low + width - 1, of(a)),
        Node::Extend(a) => format!("((_ zero_extend {}) {})", width - encoding.terms.width(*a), of(a)),
        Node::Choose(condition, a, b) => format!("(ite {} {} {})", of(condition), of(a), of(b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qnn_ir::testing::{Shape, brute_force, random_obligation};

    #[test]
    fn z3_reads_the_text_and_agrees() {
        for seed in 50_000..50_400 {
            let obligation = random_obligation(seed, &Shape::default());
            let truth = brute_force(&obligation).is_some();
            let script = Script { status: Some(truth), ..Script::default() };
            let text = script.write(&obligation, &Control::default()).unwrap();
            let solver = z3::Solver::new();
            solver.from_string(text.clone());
            let expected = if truth { z3::SatResult::Sat } else { z3::SatResult::Unsat };
            let written = text.lines().filter(|line| line.starts_with("(assert ")).count();
            assert_eq!(solver.get_assertions().len(), written, "seed {seed}: not all was read\n{text}");
            assert_eq!(solver.check(), expected, "seed {seed}\n{text}");
        }
    }

    #[test]
    fn a_small_script() {
        use qnn_ir::Rounding;
        use qnn_ir::obligation::{Atom, Linear, Variable};
        use qnn_ir::{Graph, Matrix, Op, Step, Steps};
        let mut graph = Graph::new();
        let x = graph.push_input("x", 2);
        let affine = Op::Affine { terms: vec![(x, Matrix::dense(1, 2, vec![3, -2]))], bias: [5].into() };
        let a = graph.push("net.h.acc", affine);
        let step = Step::Round { numerator: 1, denominator: 4, offset: 0, mode: Rounding::HalfUp, lo: 0, hi: 3 };
        let h = graph.push("net.h", Op::Step { source: a, steps: Steps::Uniform(step) });
        let obligation = Obligation {
            graph: graph.into(),
            variables: vec![Variable { name: "x".into(), node: x, domain: vec![(0, 2), (4, 6)] }],
            assumptions: Vec::new(),
            cases: vec![vec![Atom::new(Linear::new(vec![(h, 0, 1)], -1))]],
            exact: None,
        };
        let script = Script { values: true, title: "property small in small.qnn".to_owned(), ..Script::default() };
        insta::assert_snapshot!(script.write(&obligation, &Control::default()).unwrap());
    }
}
