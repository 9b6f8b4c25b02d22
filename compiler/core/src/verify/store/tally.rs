//! How large the store is, without a look at each of its files.
//!
//! In: how much has been written. Out: the store's size, or that it is not known. A file beside the entries has a number a line: when all of the store was looked at last,
//! how large it was then, and what each process has written since, appended at once. What was replaced or removed meanwhile makes the sum too large, and
//! the next look comes sooner. What a process was killed before it could say, or wrote while another one looked, makes it too small: so a sum is
//! believed for a day only.

use super::entry::now;
use crate::disk;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

/// The file's name.
pub(super) const NAME: &str = "size";
/// How long a sum is believed, in seconds.
const DAY: u64 = 24 * 60 * 60;
/// A file that is longer than this many bytes is begun anew.
const LONG: u64 = 64 << 10;

/// The file that says how large a store is.
pub(super) struct Tally(pub PathBuf);

impl Tally {
    /// How large the store is with so many bytes more; `None` if only a look can tell.
    pub fn add(&self, bytes: u64) -> Option<u64> {
        let text = disk::read_text(&self.0, LONG).ok()?;
        let mut numbers = text.lines().map(str::parse::<u64>);
        let looked = numbers.next()?.ok()?;
        let before = numbers.try_fold(0u64, |sum, number| Some(sum.saturating_add(number.ok()?)))?;
        // A clock that was put back knows no age.
        now().checked_sub(looked).filter(|age| *age < DAY)?;
        let mut file = OpenOptions::new().append(true).open(&self.0).ok()?;
        file.write_all(format!("{bytes}\n").as_bytes()).ok()?;
        Some(before.saturating_add(bytes))
    }

    /// The store was looked at, and is so large. If that can't be written down, it will be looked at again.
    pub fn begin(&self, bytes: u64) {
        let Some(folder) = self.0.parent() else { return };
        let _ = disk::unfinished(folder).and_then(|mut file| {
            write!(file, "{}\n{bytes}\n", now())?;
            file.persist(&self.0).map_err(|error| error.error)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_known_for_a_day_and_to_all() {
        let folder = tempfile::tempdir().unwrap();
        let tally = || Tally(folder.path().join(NAME));
        assert_eq!(tally().add(7), None);
        tally().begin(100);
        assert_eq!([tally().add(7), tally().add(20)], [Some(107), Some(127)]);
        // What is too old, from the future, longer than it needs to be or damaged says nothing.
        let write = |text: &str| std::fs::write(folder.path().join(NAME), text).unwrap();
        for (looked, known) in [(now() - DAY, None), (now() - DAY / 2, Some(6)), (now() + DAY, None)] {
            write(&format!("{looked}\n5\n"));
            assert_eq!(tally().add(1), known, "{looked}");
        }
        for text in [
            String::new(),
            "x\n".to_owned(),
            format!("{}\n5\nx\n", now()),
            format!("{}\n{}", now(), "1\n".repeat(40_000)),
        ] {
            write(&text);
            assert_eq!(tally().add(1), None, "{:.40}", text);
        }
        tally().begin(3);
        assert_eq!(tally().add(1), Some(4));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        std::fs::create_dir(&path).unwrap();
        Tally(path.clone()).begin(3);
        assert_eq!(Tally(path).add(1), None);
    }
}
