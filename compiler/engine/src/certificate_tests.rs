//! Mutants: certificates with something changed. None may be accepted for a false statement, whatever else happens to it.

use crate::{Answer, Boxes, Control, Engine, Search, Trust};
use qnn_ir::obligation::Obligation;
use qnn_ir::testing::{Random, Shape, brute_force, random_obligation};
use qnn_proof::{Certificate, Step, Tighten, check, check_in_parts, check_until, pack, unpack};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What is changed.
const KINDS: [&str; 10] = [
    "a multiplier",
    "an atom's weight",
    "a lost step",
    "a wrong split",
    "swapped cases",
    "swapped steps",
    "another obligation's key",
    "another obligation's proof",
    "a changed tightening",
    "propagation instead",
];

/// A mutant of a kind, if the certificate has what that kind changes.
fn mutant(kind: usize, proof: &Certificate, other: &Certificate, random: &mut Random) -> Option<Certificate> {
    let mut mutant = proof.clone();
    let step = |mutant: &mut Certificate, random: &mut Random| -> Option<(usize, usize)> {
        let cases: Vec<usize> = (0..mutant.cases.len()).filter(|case| !mutant.cases[*case].is_empty()).collect();
        let case = *cases.get(random.below(cases.len().max(1)))?;
        Some((case, random.below(mutant.cases[case].len())))
    };
    match kind {
        0 | 1 => {
            let (case, at) = step(&mut mutant, random)?;
            let (Step::Bound(m) | Step::Slack(m) | Step::Tighten(Tighten { multipliers: m, .. })) =
                &mut mutant.cases[case][at]
            else {
                return None;
            };
            let by = random.between(-300, 300);
            match kind {
                0 => {
                    let count = m.slots.len();
                    let slot = m.slots.get_mut(random.below(count.max(1)))?;
                    slot.2 = if random.chance(50) { slot.2.wrapping_add(by) } else { by };
                }
                _ => {
                    let count = m.atoms.len();
                    m.atoms.get_mut(random.below(count.max(1)))?.1 = by;
                }
            }
        }
        2 => {
            let (case, at) = step(&mut mutant, random)?;
            mutant.cases[case].remove(at);
        }
        3 => {
            let splits: Vec<(usize, usize)> = (mutant.cases.iter().enumerate())
                .flat_map(|(c, tree)| tree.iter().enumerate().map(move |(at, step)| (c, at, step)))
                .filter(|(_, _, step)| matches!(step, Step::Split { .. }))
                .map(|(c, at, _)| (c, at))
                .collect();
            let (case, at) = *splits.get(random.below(splits.len().max(1)))?;
            let Step::Split { node, element, value } = &mut mutant.cases[case][at] else { return None };
            match random.below(3) {
                0 => *value = value.wrapping_add(random.between(-20, 20)),
                1 => *node = node.wrapping_add(1),
                _ => *element = element.wrapping_add(1),
            }
        }
        4 => {
            let count = mutant.cases.len();
            (count > 1).then(|| mutant.cases.swap(random.below(count), random.below(count)))?;
        }
        5 => {
            let (case, at) = step(&mut mutant, random)?;
            let other = random.below(mutant.cases[case].len());
            mutant.cases[case].swap(at, other);
        }
        6 => mutant.obligation.clone_from(&other.obligation),
        7 => {
            mutant.cases.clone_from(&other.cases);
            mutant.prelude.clone_from(&other.prelude);
        }
        9 => {
            let (case, at) = step(&mut mutant, random)?;
            mutant.cases[case][at] = Step::Propagate;
        }
        _ => {
            let count = mutant.prelude.len();
            let tighten = mutant.prelude.get_mut(random.below(count.max(1)))?;
            tighten.weight = random.between(-3, 3);
        }
    }
    (mutant != *proof).then_some(mutant)
}

/// The same question with so much slack that there often is an answer.
fn weaker(obligation: &Obligation) -> Obligation {
    let mut weaker = obligation.clone();
    for case in &mut weaker.cases {
        case.iter_mut().for_each(|atom| std::sync::Arc::make_mut(&mut atom.linear).constant += 6);
    }
    weaker
}

#[test]
fn no_mutant_proves_a_falsehood() {
    let shape = Shape { points: 512, ..Shape::default() };
    let mut random = Random::new(23);
    let (mut mutants, mut rejected, mut against_falsehoods) = ([0; KINDS.len()], [0; KINDS.len()], 0);
    let mut last: Option<Certificate> = None;
    let seeds = if cfg!(debug_assertions) { 4000 } else { 40_000 };
    for seed in 0..seeds {
        let obligation = random_obligation(seed, &shape);

        let control = Control::with_budget(Duration::from_secs(20));
        let answer = match seed % 3 {
            0 => Boxes::without_enumeration().solve(&obligation, &control),
            _ => Search::without_enumeration().solve(&obligation, &control),
        };
        let Answer::None(Trust::Certificate { certificate: Some(proof), .. }) = answer else { continue };
        let proof = (*proof).clone();
        assert_eq!(check_in_parts(&obligation, &proof, 2, 2, &|| false), check(&obligation, &proof), "seed {seed}");
        assert_eq!(unpack(&pack(&proof).expect("it is small")).as_ref(), Ok(&proof));
        let Some(other) = last.replace(proof.clone()) else { continue };
        let false_one = Some(weaker(&obligation)).filter(|weaker| brute_force(weaker).is_some());
        for kind in 0..KINDS.len() {
            let Some(mut mutant) = mutant(kind, &proof, &other, &mut random) else { continue };
            mutants[kind] += 1;
            let checked = check(&obligation, &mutant);
            assert_eq!(
                check_in_parts(&obligation, &mutant, 2, 2, &|| false),
                checked,
                "seed {seed}: {}, on two threads",
                KINDS[kind]
            );
            let accepted = checked.is_ok();
            rejected[kind] += usize::from(!accepted);
            // One that is still accepted is still a proof: of a truth, since the statement is one.
            assert!(!accepted || mutant.obligation == obligation.key(), "seed {seed}: {}", KINDS[kind]);
            if let Some(false_one) = &false_one {
                against_falsehoods += 1;
                mutant.obligation = false_one.key();
                assert!(check(false_one, &mutant).is_err(), "seed {seed}: {} proves a falsehood", KINDS[kind]);
            }
        }
    }
    println!("{:?}", KINDS.iter().zip(mutants.iter().zip(&rejected)).collect::<Vec<_>>());
    assert!(mutants.iter().sum::<usize>() > 3000 && against_falsehoods > 500, "{mutants:?}, {against_falsehoods}");
    for (kind, (mutants, rejected)) in mutants.iter().zip(&rejected).enumerate() {
        assert!(*rejected > 0, "{}: none of {mutants} rejected", KINDS[kind]);
    }
    // This can't be right, whatever it is about; a lost step may have been one that narrowed more than was needed.
    assert_eq!(rejected[6], mutants[6], "{}", KINDS[6]);
    assert!(rejected[2] * 10 > mutants[2] * 9, "{}: {} of {}", KINDS[2], rejected[2], mutants[2]);
}

/// A stopped check ends at the next step, on one thread or several.
#[test]
fn unwanted_checks_end() {
    let engine = Search::without_enumeration();
    let proofs = (0..400).filter_map(|seed| {
        let obligation = random_obligation(seed, &Shape::default());
        match engine.solve(&obligation, &Control::with_budget(Duration::from_secs(20))) {
            Answer::None(Trust::Certificate { certificate: Some(proof), steps }) if steps > 4 => {
                Some((obligation, proof))
            }
            _ => None,
        }
    });
    let mut seen = 0;
    for (obligation, proof) in proofs {
        seen += 1;
        let steps = proof.steps() as u64;
        let asked = AtomicU64::new(0);
        let never = check_until(&obligation, &proof, 1, &|| asked.fetch_add(1, Ordering::Relaxed) > 1 << 40);
        assert_eq!(never, check(&obligation, &proof).map(Some));
        assert!(asked.load(Ordering::Relaxed) >= steps, "{asked:?} for {steps} steps");
        for threads in [1, 2] {
            let asked = AtomicU64::new(0);
            let stopped = check_until(&obligation, &proof, threads, &|| asked.fetch_add(1, Ordering::Relaxed) >= 3);
            assert_eq!(stopped, Ok(None));
            assert!(asked.load(Ordering::Relaxed) < 8 + threads as u64, "{asked:?}");
        }
    }
    assert!(seen > 10, "{seen}");
}

/// A tree that keeps ever more branches open ends before memory does.
#[test]
fn open_branches_are_limited() {
    let obligation = (0..).map(|seed| random_obligation(seed, &Shape::default())).find(|o| o.cases.len() == 1);
    let obligation = obligation.expect("one of one case");
    let split = Step::Split { node: 0, element: 0, value: i64::MAX };
    let proof = Certificate {
        version: qnn_proof::CERTIFICATE_VERSION,
        obligation: obligation.key(),
        prelude: Vec::new(),
        cases: vec![vec![split; 1 << 23]],
    };
    let start = std::time::Instant::now();
    let rejection = check(&obligation, &proof).expect_err("it never closes a branch");
    assert_eq!(rejection.reason, "Too many branches are open.", "after {:?}", start.elapsed());
}

/// Numbers at the ends of what 64 bits hold are refused or harmless, never a panic.
#[test]
fn absurd_numbers_are_no_reason_to_panic() {
    let (shape, mut random) = (Shape::default(), Random::new(5));
    let absurd = [i64::MIN, i64::MIN + 1, i64::MAX, -1, 0, 1];
    for seed in 0..1500 {
        let obligation = random_obligation(seed, &shape);
        let answered = brute_force(&obligation).is_some();
        for _ in 0..8 {
            let nodes = &obligation.graph.nodes;
            let mut place = |random: &mut Random| {
                let node = random.below(nodes.len());
                (node as u32, random.below(nodes[node].len.max(1)) as u32)
            };
            let multipliers = |random: &mut Random, place: &mut dyn FnMut(&mut Random) -> (u32, u32)| {
                let atoms = (0..random.below(3)).map(|atom| (atom as u32, *random.choose(&absurd))).collect();
                let slots = (0..random.below(5)).map(|_| {
                    let (node, slot) = place(random);
                    (node, slot, *random.choose(&absurd))
                });
                qnn_proof::Multipliers { atoms, slots: slots.collect() }
            };
            let step = |random: &mut Random, place: &mut dyn FnMut(&mut Random) -> (u32, u32)| {
                let (node, element) = place(random);
                let value = *random.choose(&absurd);
                match random.below(7) {
                    0 => Step::Bound(multipliers(random, place)),
                    1 => Step::Slack(multipliers(random, place)),
                    2 => {
                        Step::Tighten(Tighten { node, element, weight: value, multipliers: multipliers(random, place) })
                    }
                    3 => Step::Split { node, element, value },
                    4 => Step::Empty,
                    5 => Step::Propagate,
                    _ => Step::Enumerate,
                }
            };
            let mut tree = |random: &mut Random| -> Vec<Step> {
                (0..1 + random.below(6)).map(|_| step(random, &mut place)).collect()
            };
            let cases = obligation.cases.iter().map(|_| tree(&mut random)).collect();
            let (version, prelude) = (qnn_proof::CERTIFICATE_VERSION, Vec::new());
            let proof = Certificate { version, obligation: obligation.key(), prelude, cases };
            let accepted = check(&obligation, &proof).is_ok();
            assert!(!(accepted && answered), "seed {seed}: {proof:?}");
        }
    }
}
