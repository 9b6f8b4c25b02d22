//! A search for a point that meets a query, in floats of 64 bits: what it finds is evaluated exactly by whoever asks.
//!
//! From the box's centre, its corners and random points, elements are changed one at a time as long as the query comes nearer to being met. Nothing here decides
//! anything but where to look.

use super::super::query::{Element, Formula, Query, Relation, Role};
use super::network::Range;
use super::script::Bound;
use qnn_engine::Control;
use qnn_import::FloatNetwork;
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::random::Random;
use qnn_ir::rational::{from_f64, to_f64};
use std::time::{Duration, Instant};

/// What an end of the box that is missing is taken for.
const FAR: f64 = 1e4;
/// The most points that are evaluated.
const MOST_POINTS: usize = 20_000;
/// The most time for it.
const MOST_TIME: Duration = Duration::from_secs(2);

/// Inputs that may meet the query: of each network, of each input.
pub fn search(
    query: &Query,
    floats: &[&FloatNetwork],
    bounds: &[Bound<'_>],
    boxes: &[Vec<Vec<Range>>],
    control: &Control,
) -> Option<Vec<Vec<Vec<Rational>>>> {
    let ends: Vec<(f64, f64)> = boxes
        .iter()
        .flatten()
        .flatten()
        .map(|range| {
            let lo = range.lo.as_ref().map(to_f64);
            let hi = range.hi.as_ref().map(to_f64);
            (lo.or(hi.map(|hi| hi - FAR)).unwrap_or(-FAR), hi.or(lo.map(|lo| lo + FAR)).unwrap_or(FAR))
        })
        .collect();
    let begun = Instant::now();
    let over = || begun.elapsed() > MOST_TIME || control.stop().is_some();
    // What makes the box is met by every point of it.
    let mut parts = Vec::new();
    let mut open: Vec<&Formula> = query.assertions.iter().collect();
    while let Some(part) = open.pop() {
        match part {
            Formula::And(inner) => open.extend(inner),
            Formula::Compare(_, sum) if sum.terms.len() == 1 && sum.terms.keys().all(|e| is_input(query, e)) => {}
            other => parts.push(other),
        }
    }
    let margin = |point: &[f64]| margin_at(&parts, floats, bounds, boxes, point);
    let exact = |point: &[f64]| exact_point(boxes, point);
    let mut random = Random::new(1);
    let mut left = MOST_POINTS;
    for start in 0.. {
        let mut point: Vec<f64> = ends
            .iter()
            .map(|(lo, hi)| match start {
                0 => lo + (hi - lo) / 2.0,
                n if n % 2 == 1 => {
                    if random.below(2) == 0 {
                        *lo
                    } else {
                        *hi
                    }
                }
                _ => lo + (hi - lo) * random.unit(),
            })
            .collect();
        let mut best = margin(&point)?;
        let mut stale = 0;
        let mut step = 0.5;
        while best <= 0.0 && left > 0 && !over() {
            left -= 1;
            let index = random.below(ends.len().max(1));
            let (lo, hi) = ends.get(index).copied()?;
            let old = point[index];
            let sign = if random.below(2) == 0 { 1.0 } else { -1.0 };
            point[index] = (old + sign * step * (hi - lo)).clamp(lo, hi.max(lo));
            let next = margin(&point)?;
            if next > best {
                (best, stale) = (next, 0);
            } else {
                point[index] = old;
                stale += 1;
            }
            if stale > 2 * ends.len() + 8 {
                (step, stale) = (step / 3.0, 0);
                if step < 1e-4 {
                    break;
                }
            }
        }
        if best >= 0.0 {
            return Some(exact(&point));
        }
        if left == 0 || over() {
            return None;
        }
    }
    None
}

fn is_input(query: &Query, element: &Element) -> bool {
    query.tensor(*element).is_some_and(|tensor| tensor.role == Role::Input)
}

/// How far a point is from meeting the query: above 0 where it does.
fn margin_at(
    parts: &[&Formula],
    floats: &[&FloatNetwork],
    bounds: &[Bound<'_>],
    boxes: &[Vec<Vec<Range>>],
    point: &[f64],
) -> Option<f64> {
    let mut rest = point.iter().copied();
    let mut values = Vec::with_capacity(floats.len());
    for ((network, bound), inputs) in floats.iter().zip(bounds).zip(boxes) {
        work(bound.network.tensors.iter().map(Vec::len).sum());
        let inputs: Vec<Vec<f64>> = inputs.iter().map(|input| rest.by_ref().take(input.len()).collect()).collect();
        values.push(network.evaluate(&inputs)?);
    }
    let of =
        |element: &Element| values[element.network][bounds[element.network].tensors[element.tensor]][element.index];
    Some(parts.iter().map(|part| margin(part, &of)).fold(f64::INFINITY, f64::min))
}

fn margin(formula: &Formula, of: &dyn Fn(&Element) -> f64) -> f64 {
    match formula {
        Formula::And(parts) => parts.iter().map(|part| margin(part, of)).fold(f64::INFINITY, f64::min),
        Formula::Or(parts) => parts.iter().map(|part| margin(part, of)).fold(f64::NEG_INFINITY, f64::max),
        Formula::Compare(relation, sum) => {
            let products = sum.terms.iter().map(|(element, factor)| of(element) * to_f64(factor));
            let value = products.sum::<f64>() + to_f64(&sum.constant);
            match relation {
                Relation::AtLeast if value == 0.0 => f64::MIN_POSITIVE,
                Relation::AtLeast | Relation::Above => value,
                Relation::Equal if value == 0.0 => f64::MIN_POSITIVE,
                Relation::Equal => -value.abs(),
                Relation::Unequal => value.abs(),
            }
        }
    }
}

/// The point exactly, or the ends of the box where it is beyond them: floats round those.
fn exact_point(boxes: &[Vec<Vec<Range>>], point: &[f64]) -> Vec<Vec<Vec<Rational>>> {
    let mut rest = point.iter();
    let mut within = |range: &Range| {
        let mut value = rest.next().and_then(|value| from_f64(*value)).unwrap_or_default();
        if let Some(lo) = range.lo.as_ref().filter(|lo| value < **lo) {
            value = lo.clone();
        }
        if let Some(hi) = range.hi.as_ref().filter(|hi| value > **hi) {
            value = hi.clone();
        }
        value
    };
    boxes.iter().map(|inputs| inputs.iter().map(|input| input.iter().map(&mut within).collect()).collect()).collect()
}
