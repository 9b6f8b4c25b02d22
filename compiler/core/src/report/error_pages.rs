//! The pages of `docs/errors`, as they were when qnn was built.

// `PAGES: &[(&str, &str)]`: code and Markdown of each page, by code.
include!(concat!(env!("OUT_DIR"), "/error_pages.rs"));

/// A page's heading without the code.
pub fn title<'a>(code: &str, page: &'a str) -> &'a str {
    let heading = page.lines().find(|line| line.starts_with('#')).unwrap_or_default();
    let heading = heading.trim_start_matches('#').trim_start();
    heading.strip_prefix(code).unwrap_or(heading).trim_start_matches([':', ' ', '.', '-', '–', '—'])
}
