//! How messages spell the numbers and the names that come from a file.

/// `7840016` as `7,840,016`.
pub(super) fn grouped(n: u64) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_numbers_and_names() {
        assert_eq!(["0", "999", "1,000", "7,840,016"], [0, 999, 1000, 7_840_016].map(grouped).each_ref().map(|s| &**s));
        assert_eq!(counted(1, "byte"), "1 byte");
        assert_eq!(quoted("a\nb"), "`a\\nb`");
        assert_eq!(quoted(&"x".repeat(90)).chars().count(), 83);
    }
}
