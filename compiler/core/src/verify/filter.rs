//! Which instances are wanted: patterns over their names.
//!
//! Patterns of files (`qnn.toml`, `params` rules) go by `globset`; brackets and braces, which mean something there, are part of an instance's name here.

/// Which instances are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    patterns: Vec<String>,
}

impl Filter {
    /// A filter that lets through what any of the patterns matches; without patterns, everything.
    ///
    /// A pattern is a name in which `*` stands for any text and `?` for any character, as in `robust*` or `robust(i = 3, *`;
    /// spaces don't count. One that matches a property's name means all of its instances.
    pub fn new(patterns: impl IntoIterator<Item = impl AsRef<str>>) -> Filter {
        Filter { patterns: patterns.into_iter().map(|pattern| bare(pattern.as_ref())).collect() }
    }

    /// Whether an instance is wanted.
    pub fn matches(&self, property: &str, instance: &str) -> bool {
        let instance = bare(instance);
        self.patterns.is_empty() || self.patterns.iter().any(|p| glob(p, property) || glob(p, &instance))
    }
}

/// The text without spaces.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Whether a pattern of `*` and `?` matches a whole text.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on if the last star must take one character more.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, t) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_match_instances_and_whole_properties() {
        let filter = |pattern: &str| Filter::new([pattern]);
        let name = "robust(i = 3, eps = 1)";
        for pattern in ["robust", "rob*", "*", "robust(i = 3, *", "robust(i=3,eps=1)", "r?bust", "*eps = 1)", "*(*3*"] {
            assert!(filter(pattern).matches("robust", name), "{pattern}");
        }
        for pattern in ["robus", "robust(i = 3)", "fair", "robust?", "*eps = 2*", "", "robust(i = 33, *"] {
            assert!(!filter(pattern).matches("robust", name), "{pattern}");
        }
        assert!(Filter::default().matches("robust", name));
        assert!(Filter::new(["fair", "robust*"]).matches("robust", name));
    }
}
