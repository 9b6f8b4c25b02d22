//! Times as a person writes them: `10s`, `500ms`, `2min`, `1h`.

use std::time::Duration;

/// The longest time that can be written, in seconds: some thirty years.
const LONGEST: f64 = 1e9;

/// Why a text is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoDuration {
    /// It is not a number with a unit.
    Form,
    /// It is zero, or too long.
    Range,
}

/// The time that a number with a unit stands for: `ms`, `s`, `m` or `min`, `h`.
///
/// # Errors
/// If the text is nothing like it, or the time is none to wait for.
pub fn parse_duration(text: &str) -> Result<Duration, NoDuration> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or(NoDuration::Form)?;
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| NoDuration::Form)?;
    let unit = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(NoDuration::Form),
    };
    let time = Duration::try_from_secs_f64(number * unit).map_err(|_| NoDuration::Range)?;
    if time.is_zero() || time.as_secs_f64() >= LONGEST { Err(NoDuration::Range) } else { Ok(time) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbers_with_units() {
        for (text, milliseconds) in
            [("500ms", 500), ("1.5s", 1500), ("2m", 120_000), ("2min", 120_000), ("0.5h", 1_800_000)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "10", "s", "-1s", "1e3s", "1.2.3s", "10 s", "10 parsecs"] {
            assert_eq!(parse_duration(text), Err(NoDuration::Form), "{text}");
        }
        for text in ["0s", "0.0000000001ms", "1000000000s", "99999999999999999999999h"] {
            assert_eq!(parse_duration(text), Err(NoDuration::Range), "{text}");
        }
    }
}
