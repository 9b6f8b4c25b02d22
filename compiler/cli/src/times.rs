//! Times and factors of times as a person writes them, on the command line and in `qnn.toml`.

use qnn::duration::{self, NoDuration};
use std::time::Duration;

/// A time with its unit; a bare number is seconds.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let mut compact: String = text.split_whitespace().collect();
    if compact.ends_with(|c: char| c.is_ascii_digit() || c == '.') {
        compact.push('s');
    }
    duration::parse_duration(&compact).map_err(|error| match error {
        NoDuration::Range => "a time is more than 0, and not beyond all bounds".to_owned(),
        _ => "write a time such as 10s, 500ms, 2m or 1h".to_owned(),
    })
}

/// A whole number of times: `5x`, or 5.
pub fn parse_factor(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix(['x', '×']).unwrap_or(text).trim();
    match number.parse() {
        Ok(factor @ 2..) => Ok(factor),
        _ => Err("write by how much, such as 5x; at least 2x".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qnn::report::sentences::duration;

    #[test]
    fn factors_read() {
        assert_eq!([parse_factor("5x"), parse_factor("12"), parse_factor("2 x")], [Ok(5), Ok(12), Ok(2)]);
        for bad in ["", "x", "1x", "0", "-3x", "2.5x", "x5", "99999999999x"] {
            assert!(parse_factor(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_read_and_written() {
        for (text, shown) in [
            ("10s", "10 s"),
            ("500ms", "500 ms"),
            ("2m", "2 min"),
            ("1.5", "1.5 s"),
            ("90min", "1 h 30 min"),
            ("0.2 s", "200 ms"),
        ] {
            assert_eq!(duration(parse_duration(text).unwrap()), shown, "{text}");
        }
        for bad in ["", "s", "0s", "-1s", "10 parsecs", "1e400", "999999999999999999999h"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}
