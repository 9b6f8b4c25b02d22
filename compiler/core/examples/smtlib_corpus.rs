//! Writes random small obligations with their true answers as SMT-LIB 2 scripts: `smtlib_corpus FOLDER [COUNT]`.
//!
//! `tests/smtlib_cross_check.py` then asks other solvers about each; their answers must be those of the enumeration.

use qnn::report::smtlib::Script;
use qnn_engine::Control;
use qnn_engine::smt::{AdderTree, Options, Products};
use qnn_ir::testing::{Shape, brute_force, random_obligation};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: smtlib_corpus FOLDER [COUNT]")?;
    let count: u64 = arguments.next().map_or(Ok(200), |text| text.parse())?;
    std::fs::create_dir_all(&folder)?;
    for seed in 0..count {
        let weight = if seed % 3 == 0 { 400 } else { 9 };
        let obligation = random_obligation(seed, &Shape { weight, ..Shape::default() });
        let tree = if seed % 2 == 0 { AdderTree::Balanced } else { AdderTree::Linear };
        let products = if seed % 5 == 0 { Products::Shift } else { Products::Multiply };
        let truth = brute_force(&obligation).is_some();
        let script = Script {
            options: Options { tree, products, ..Options::default() },
            status: Some(truth),
            values: truth,
            title: format!("random obligation {seed}"),
        };
        let text = script.write(&obligation, &Control::default()).map_err(|reason| reason.to_string())?;
        std::fs::write(format!("{folder}/{seed:04}.smt2"), text)?;
    }
    Ok(())
}
