//! How messages spell numbers, sizes, times, hashes, and the names that come from a file.

use std::time::Duration;

/// `7840016` as `7,840,016`.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A name out of a file between backticks: control characters escaped, shortened past 80 characters.
pub(super) fn quoted(name: &str) -> String {
    let shown: String = name.chars().take(80).flat_map(char::escape_debug).collect();
    let more = if name.chars().nth(80).is_some() { "…" } else { "" };
    format!("`{shown}{more}`")
}

/// `1 byte`, `2 bytes`, `7,840,016 bytes`.
pub(super) fn counted(n: u64, unit: &str) -> String {
    format!("{} {unit}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// A number of bytes: `1 byte`, `512 bytes`, `3 KiB`, `1.5 GiB`.
pub fn size(bytes: u64) -> String {
    let units = [(1u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        None => counted(bytes, "byte"),
        Some((unit, name)) if bytes.is_multiple_of(unit) => format!("{} {name}", bytes / unit),
        Some((unit, name)) => format!("{:.1} {name}", bytes as f64 / unit as f64),
    }
}

/// A time: `12 ms`, `3.2 s`, `2 min 5 s`.
pub fn duration(time: Duration) -> String {
    match time.as_millis() {
        milliseconds @ 0..1000 => format!("{milliseconds} ms"),
        // What would be rounded to a minute is one.
        1000..59_950 => {
            let text = format!("{:.1} s", time.as_secs_f64());
            text.replace(".0 s", " s")
        }
        milliseconds => {
            let seconds = (milliseconds + 500) / 1000;
            let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
            let parts = [(hours, "h"), (minutes, "min"), (seconds, "s")];
            let shown: Vec<String> =
                parts.iter().filter(|(n, _)| *n > 0).take(2).map(|(n, unit)| format!("{n} {unit}")).collect();
            shown.join(" ")
        }
    }
}

/// A hash in hexadecimal.
pub fn hex(hash: &[u8; 32]) -> String {
    blake3::Hash::from(*hash).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_times() {
        let spelled = [
            (0, "0 ms"),
            (999, "999 ms"),
            (1000, "1 s"),
            (1284, "1.3 s"),
            (59_949, "59.9 s"),
            (59_999, "1 min"),
            (125_400, "2 min 5 s"),
            (3_600_000, "1 h"),
            (5_405_000, "1 h 30 min"),
        ];
        for (milliseconds, text) in spelled {
            assert_eq!(duration(Duration::from_millis(milliseconds)), text);
        }
    }

    #[test]
    fn spells_numbers_and_names() {
        assert_eq!(["0", "999", "1,000", "7,840,016"], [0, 999, 1000, 7_840_016].map(grouped).each_ref().map(|s| &**s));
        assert_eq!(counted(1, "byte"), "1 byte");
        let sizes = [1, 1023, 3 << 10, 1536 << 20].map(size);
        assert_eq!(sizes.each_ref().map(|s| &**s), ["1 byte", "1,023 bytes", "3 KiB", "1.5 GiB"]);
        assert_eq!(quoted("a\nb"), "`a\\nb`");
        assert_eq!(quoted(&"x".repeat(90)).chars().count(), 83);
    }
}
