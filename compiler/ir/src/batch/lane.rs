//! The numbers of lanes: integers of 32 or 64 bits, added and multiplied modulo a power of two.

use crate::Interval;
use std::fmt::Debug;

/// A number of a lane.
pub(super) trait Lane: Copy + Ord + Debug + Send + Sync + 'static {
    /// The least number, which stands for no value of an element.
    const LEAST: Self;
    /// The greatest number, which stands for no value of an element.
    const GREATEST: Self;
    /// The low bits.
    fn low(value: i128) -> Self;
    fn wide(self) -> i64;
    fn plus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    /// Whether all values of an interval are numbers between the least and the greatest.
    fn fits(range: Interval) -> bool {
        range.lo > i128::from(Self::LEAST.wide()) && range.hi < i128::from(Self::GREATEST.wide())
    }
}

macro_rules! lane {
    ($number:ty) => {
        impl Lane for $number {
            const LEAST: Self = <$number>::MIN;
            const GREATEST: Self = <$number>::MAX;

            #[inline(always)]
            fn low(value: i128) -> Self {
                value as $number
            }

            #[inline(always)]
            fn wide(self) -> i64 {
                i64::from(self)
            }

            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            #[inline(always)]
            fn times(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
        }
    };
}

lane!(i32);
lane!(i64);
