//! A graph over a box as a list of tasks, one for each element that is neither constant nor unread.
//!
//! In: a graph, the interval of each element over a box, the forms that are asked for. Out: tasks in topological order, each of which computes one element
//! from earlier ones. Invariant: the interval of each stored element fits the lanes' numbers, so that sums modulo a power of two are exact.

use super::LANES;
use super::lane::Lane;
use super::lookup::Lookup;
use crate::interpreter::wrap;
use crate::interrupt::work;
use crate::obligation::Linear;
use crate::{Graph, Interval, NodeId, Op, Step, Steps};
use std::collections::HashMap;

/// A program has at most so many products: beyond, it would take too much memory.
const MOST_ENTRIES: usize = 1 << 26;

/// How an element is computed; a slot is an element's place among those that are stored.
#[derive(Clone, Debug)]
pub(super) enum Task<T> {
    /// The bias plus the sum of weight · slot over the entries from `start` to before `end`.
    Sum { bias: T, start: u32, end: u32 },
    /// A step of a slot, by a table.
    Look { source: u32, table: u32 },
    /// A slot modulo 2^width.
    Wrap { source: u32, width: u32, signed: bool },
    /// The greatest of `floor` and the slots of the entries from `start` to before `end`.
    Greatest { floor: T, start: u32, end: u32 },
}

/// The tasks of a graph over a box.
#[derive(Clone, Debug)]
pub(super) struct Program<T> {
    /// The first slots.
    pub(super) inputs: Vec<(NodeId, u32)>,
    /// A task for each slot that follows.
    pub(super) tasks: Vec<Task<T>>,
    pub(super) entries: Vec<(u32, T)>,
    pub(super) tables: Vec<Lookup<T>>,
    /// The forms: a constant, and (slot, factor).
    forms: Vec<(i64, Vec<(u32, i64)>)>,
}

/// An element's place.
#[derive(Clone, Copy)]
enum Place {
    Slot(u32),
    Constant(i128),
    /// No form reads it.
    Unread,
}

impl<T: Lane> Program<T> {
    /// The program, if the numbers suffice for it.
    pub(super) fn new(graph: &Graph, ranges: &[Vec<Interval>], forms: &[&Linear]) -> Option<Program<T>> {
        let read = read(graph, ranges, forms)?;
        let mut program = Program {
            inputs: Vec::new(),
            tasks: Vec::new(),
            entries: Vec::new(),
            tables: Vec::new(),
            forms: Vec::new(),
        };
        let place = |range: &Interval, read: &bool| match (range.is_point(), read) {
            (true, _) => Place::Constant(range.lo),
            (false, _) => Place::Unread,
        };
        let mut places: Vec<Vec<Place>> = ranges
            .iter()
            .zip(&read)
            .map(|(ranges, read)| ranges.iter().zip(read).map(|(a, b)| place(a, b)).collect())
            .collect();
        // Inputs have the first slots.
        for id in graph.inputs() {
            for element in wanted(&ranges[id.index()], &read[id.index()]) {
                T::fits(ranges[id.index()][element]).then_some(())?;
                places[id.index()][element] = Place::Slot(u32::try_from(program.inputs.len()).ok()?);
                program.inputs.push((id, element as u32));
            }
        }
        for id in graph.ids().filter(|id| !matches!(graph.node(*id).op, Op::Input)) {
            let own = &ranges[id.index()];
            let tables = match &graph.node(id).op {
                Op::Step { source, steps } => {
                    let wanted = wanted(own, &read[id.index()]);
                    program.tables(steps, wanted, &ranges[source.index()])
                }
                _ => Vec::new(),
            };
            let mut elements: Vec<(usize, Option<u32>)> = wanted(own, &read[id.index()])
                .enumerate()
                .map(|(at, element)| (element, tables.get(at).copied()))
                .collect();
            // One table after the other, each of which then stays in the nearest cache.
            elements.sort_by_key(|(_, table)| *table);
            for (element, table) in elements {
                T::fits(own[element]).then_some(())?;
                work(16);
                let place = match &graph.node(id).op {
                    Op::Gather { picks } => {
                        let (source, element) = picks[element];
                        places[source.index()][element as usize]
                    }
                    op => {
                        let task = program.task(op, element, &places, table)?;
                        program.tasks.push(task);
                        Place::Slot(u32::try_from(program.inputs.len() + program.tasks.len() - 1).ok()?)
                    }
                };
                places[id.index()][element] = place;
            }
        }
        for form in forms {
            let form = program.form(form, &places, ranges)?;
            program.forms.push(form);
        }
        Some(program)
    }

    pub(super) fn slots(&self) -> usize {
        self.inputs.len() + self.tasks.len()
    }

    /// About how many elementary operations one input takes.
    pub(super) fn operations(&self) -> u64 {
        let forms: usize = self.forms.iter().map(|(_, terms)| 1 + terms.len()).sum();
        // What a task takes beside its products, a look into a table above all.
        (self.entries.len() + 8 * self.tasks.len() + 2 * forms + self.inputs.len()) as u64
    }

    /// The forms' values.
    pub(super) fn forms(&self, values: &[[T; LANES]], results: &mut [[i64; LANES]]) {
        for ((constant, terms), result) in self.forms.iter().zip(results) {
            *result = [*constant; LANES];
            for (slot, factor) in terms {
                for (sum, value) in result.iter_mut().zip(&values[*slot as usize]) {
                    *sum = sum.wrapping_add(factor.wrapping_mul(value.wide()));
                }
            }
        }
    }

    /// The task of an element that is read and no constant.
    fn task(&mut self, op: &Op, element: usize, places: &[Vec<Place>], table: Option<u32>) -> Option<Task<T>> {
        let slot = |source: &NodeId, element: usize| match places[source.index()][element] {
            Place::Slot(slot) => Some(slot),
            Place::Constant(_) | Place::Unread => None,
        };
        let start = u32::try_from(self.entries.len()).ok()?;
        Some(match op {
            Op::Affine { terms, bias } => {
                let mut constant = bias[element];
                for (source, matrix) in terms {
                    work(matrix.entries(element));
                    for (column, weight) in matrix.row(element) {
                        match places[source.index()][column] {
                            Place::Slot(slot) => self.entries.push((slot, T::low(i128::from(weight)))),
                            // Modulo a power of two, like the whole sum.
                            Place::Constant(value) => {
                                constant = constant.wrapping_add(i128::from(weight).wrapping_mul(value));
                            }
                            Place::Unread => return None,
                        }
                    }
                }
                if self.entries.len() > MOST_ENTRIES {
                    return None;
                }
                Task::Sum { bias: T::low(constant), start, end: u32::try_from(self.entries.len()).ok()? }
            }
            Op::Step { source, .. } => Task::Look { source: slot(source, element)?, table: table? },
            Op::Wrap { source, width, signed } => {
                Task::Wrap { source: slot(source, element)?, width: *width, signed: *signed }
            }
            Op::Max { source, windows } => {
                work(windows[element].len());
                let mut floor = None;
                for entry in windows[element].iter() {
                    match places[source.index()][*entry as usize] {
                        Place::Slot(slot) => self.entries.push((slot, T::low(0))),
                        Place::Constant(value) => floor = floor.max(Some(value)),
                        Place::Unread => return None,
                    }
                }
                // A constant below all lanes' numbers is below every other entry; none is above, since the maximum fits.
                let floor =
                    floor.map_or(
                        T::LEAST,
                        |floor| {
                            if floor <= i128::from(T::LEAST.wide()) { T::LEAST } else { T::low(floor) }
                        },
                    );
                Task::Greatest { floor, start, end: u32::try_from(self.entries.len()).ok()? }
            }
            Op::Input | Op::Constant(_) | Op::Gather { .. } => return None,
        })
    }

    /// The tables of a node's steps, one number for each wanted element; elements of one step share a table.
    fn tables(&mut self, steps: &Steps, wanted: impl Iterator<Item = usize>, source: &[Interval]) -> Vec<u32> {
        let mut spans: Vec<(&Step, Interval)> = Vec::new();
        let mut known: HashMap<Same, usize> = HashMap::new();
        let first = self.tables.len();
        let mut numbers = Vec::new();
        for element in wanted {
            let (step, range) = (steps.at(element), source[element]);
            let at = *known.entry(Same::of(step)).or_insert_with(|| {
                spans.push((step, range));
                spans.len() - 1
            });
            let span = &mut spans[at].1;
            *span = Interval { lo: span.lo.min(range.lo), hi: span.hi.max(range.hi) };
            numbers.push((first + at) as u32);
        }
        self.tables.extend(spans.into_iter().map(|(step, range)| Lookup::new(step, range)));
        numbers
    }

    /// A form over slots, if 64 bits hold its interval.
    fn form(&self, form: &Linear, places: &[Vec<Place>], ranges: &[Vec<Interval>]) -> Option<(i64, Vec<(u32, i64)>)> {
        let mut interval = Interval::new(form.constant, form.constant);
        let (mut constant, mut terms) = (form.constant, Vec::new());
        for (node, element, factor) in &form.terms {
            let range = ranges[node.index()][*element as usize].checked_scale(*factor)?;
            interval = interval.checked_add(range)?;
            match places[node.index()][*element as usize] {
                Place::Slot(slot) => terms.push((slot, *factor as i64)),
                Place::Constant(value) => constant = constant.wrapping_add(factor.wrapping_mul(value)),
                Place::Unread => return None,
            }
        }
        i64::fits(interval).then_some((constant as i64, terms))
    }
}

/// What equal steps have in common: a table of thresholds is known by where it lies.
#[derive(PartialEq, Eq, Hash)]
enum Same {
    Table(i128, *const i128, usize),
    Round(Step),
}

impl Same {
    fn of(step: &Step) -> Same {
        match step {
            Step::Table { lo, thresholds } => Same::Table(*lo, thresholds.as_ptr(), thresholds.len()),
            Step::Round { .. } => Same::Round(step.clone()),
        }
    }
}

/// The elements that are read and no constants.
fn wanted<'a>(ranges: &'a [Interval], read: &'a [bool]) -> impl Iterator<Item = usize> + 'a {
    (0..ranges.len()).filter(|element| read[*element] && !ranges[*element].is_point())
}

/// Which elements the forms read, directly or through others; constants read nothing. `None` where there are too many products.
fn read(graph: &Graph, ranges: &[Vec<Interval>], forms: &[&Linear]) -> Option<Vec<Vec<bool>>> {
    let mut read: Vec<Vec<bool>> = graph.nodes.iter().map(|node| vec![false; node.len]).collect();
    for (node, element, _) in forms.iter().flat_map(|form| &form.terms) {
        read[node.index()][*element as usize] = true;
    }
    let mut entries = 0;
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        let (before, own) = read.split_at_mut(index);
        for element in wanted(&ranges[index], &own[0]) {
            match &node.op {
                Op::Input | Op::Constant(_) => {}
                Op::Affine { terms, .. } => {
                    for (source, matrix) in terms {
                        work(matrix.entries(element));
                        entries += matrix.entries(element);
                        matrix.row(element).for_each(|(column, _)| before[source.index()][column] = true);
                    }
                    if entries > 4 * MOST_ENTRIES {
                        return None;
                    }
                }
                Op::Step { source, .. } | Op::Wrap { source, .. } => before[source.index()][element] = true,
                Op::Max { source, windows } => {
                    work(windows[element].len());
                    windows[element].iter().for_each(|entry| before[source.index()][*entry as usize] = true);
                }
                Op::Gather { picks } => {
                    let (source, entry) = picks[element];
                    before[source.index()][entry as usize] = true;
                }
            }
        }
    }
    Some(read)
}

/// A number modulo 2^width.
#[inline(always)]
pub(super) fn wrapped(value: i64, width: u32, signed: bool) -> i64 {
    debug_assert!((1..64).contains(&width));
    let unused = 64 - width;
    let result = if signed { (value << unused) >> unused } else { value & (u64::MAX >> unused) as i64 };
    debug_assert_eq!(i128::from(result), wrap(i128::from(value), width, signed));
    result
}
