//! The loops of the batched interpreter, for several processors.
//!
//! In: a program and the values of earlier slots. Out: those of the tasks' slots. All numbers of a lane are treated alike, so that a vector unit takes many at once.

use super::LANES;
use super::lane::Lane;
use super::lookup::Lookup;
use super::program::{Program, Task, wrapped};
use multiversion::multiversion;
use std::ops::Range;

/// Runs some tasks on numbers of 32 bits.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub(super) fn run_short(program: &Program<i32>, values: &mut [[i32; LANES]], tasks: Range<usize>) {
    run::<i32, LANES>(program, values, tasks);
}

/// Runs some tasks on numbers of 64 bits, half of the lanes at a time: their sums stay in registers.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub(super) fn run_long(program: &Program<i64>, values: &mut [[i64; LANES]], tasks: Range<usize>) {
    run::<i64, { LANES / 2 }>(program, values, tasks);
}

#[inline(always)]
fn run<T: Lane, const TOGETHER: usize>(program: &Program<T>, values: &mut [[T; LANES]], tasks: Range<usize>) {
    let first = program.inputs.len();
    for at in tasks {
        let (before, from) = values.split_at_mut(first + at);
        let result = &mut from[0];
        match &program.tasks[at] {
            Task::Sum { bias, start, end } => {
                let entries = &program.entries[*start as usize..*end as usize];
                for part in 0..LANES / TOGETHER {
                    sum::<T, TOGETHER>(before, entries, *bias, part, result);
                }
            }
            Task::Look { source, table } => look(&program.tables[*table as usize], &before[*source as usize], result),
            Task::Wrap { source, width, signed } => {
                for (result, value) in result.iter_mut().zip(&before[*source as usize]) {
                    *result = T::low(i128::from(wrapped(value.wide(), *width, *signed)));
                }
            }
            Task::Greatest { floor, start, end } => {
                *result = [*floor; LANES];
                for (slot, _) in &program.entries[*start as usize..*end as usize] {
                    for (result, value) in result.iter_mut().zip(&before[*slot as usize]) {
                        *result = (*result).max(*value);
                    }
                }
            }
        }
    }
}

/// The sums of some lanes: they are in registers until the last entry.
#[inline(always)]
fn sum<T: Lane, const TOGETHER: usize>(
    before: &[[T; LANES]],
    entries: &[(u32, T)],
    bias: T,
    part: usize,
    result: &mut [T; LANES],
) {
    let mut sums = [bias; TOGETHER];
    for (slot, weight) in entries {
        let values = &before[*slot as usize].as_chunks::<TOGETHER>().0[part];
        for k in 0..TOGETHER {
            sums[k] = sums[k].plus(weight.times(values[k]));
        }
    }
    result.as_chunks_mut::<TOGETHER>().0[part] = sums;
}

#[inline(always)]
pub(super) fn look<T: Lane>(lookup: &Lookup<T>, arguments: &[T; LANES], results: &mut [T; LANES]) {
    match lookup {
        Lookup::Buckets(buckets) => buckets.apply(arguments, results),
        Lookup::Search { thresholds, values } => {
            for (a, result) in arguments.iter().zip(results) {
                *result = values[thresholds.partition_point(|t| t <= a)];
            }
        }
        Lookup::Shift { numerator, offset, shift, lo, hi } => {
            for (a, result) in arguments.iter().zip(results) {
                let quotient = (numerator.wrapping_mul(a.wide()).wrapping_add(*offset)) >> shift;
                *result = T::low(i128::from(quotient.clamp(lo.wide(), hi.wide())));
            }
        }
        Lookup::Plain(step) => {
            for (a, result) in arguments.iter().zip(results) {
                // Beyond the interval, where a lane that was not set may be, any number will do.
                *result = T::low(step.checked_apply(i128::from(a.wide())).unwrap_or(0));
            }
        }
    }
}
