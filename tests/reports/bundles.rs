//! Archives that are checked elsewhere.

use crate::{SPEC, with_spec};

#[test]
fn a_bundle_is_checked_elsewhere() {
    let place = with_spec("");
    std::fs::create_dir_all(place.path("a/specs")).expect("a folder");
    std::fs::create_dir_all(place.path("a/data")).expect("a folder");
    for name in ["x.npy", "y.npy"] {
        std::fs::rename(place.path(name), place.path("a/data").join(name)).expect("a file");
    }
    let spec = SPEC.replace("\"x.npy\"", "\"../data/x.npy\"").replace("\"y.npy\"", "\"../data/y.npy\"");
    place.write("a/specs/spec.qnn", &spec);
    place.expect(1, &["bundle", "a/specs/spec.qnn", "-o", "all.zip"]);
    // Elsewhere, without the files, without the store.
    let bytes = std::fs::read(place.path("all.zip")).expect("an archive");
    let other = with_spec("");
    other.write("all.zip", &bytes);
    std::fs::remove_file(other.path("x.npy")).expect("a file");
    let said = other.expect(1, &["check-proof", "all.zip"]);
    assert!(said.contains("all hold, ") && !said.contains("changed:"), "{said}");
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&bytes)).expect("a ZIP file");
    let names: Vec<String> = (0..archive.len())
        .map(|index| archive.by_index(index).expect("a file").name().expect("a name").into())
        .collect();
    for name in ["spec/specs/spec.qnn", "spec/data/x.npy", "proof.qnnproof", "report.html", "report.json", "README.md"]
    {
        assert!(names.iter().any(|n| n == name), "{name} of {names:?}");
    }
    assert_eq!(names.len(), 7);
    // Damaged, or none.
    let cut = &bytes[..bytes.len() / 2];
    other.write("cut.zip", cut);
    let said = other.expect(3, &["check-proof", "cut.zip"]);
    assert!(said.contains("is no bundle, or a damaged one"), "{said}");
    let said = other.expect(3, &["check-proof", "all.zip", "--spec", "spec.qnn"]);
    assert!(said.contains("brings its specs along"), "{said}");
    // A path that means nothing elsewhere.
    let whole = place.path("a/data/x.npy");
    place.write("a/specs/spec.qnn", spec.replace("../data/x.npy", &whole.to_string_lossy()));
    let said = place.expect(3, &["bundle", "a/specs/spec.qnn", "broken", "-o", "none.zip"]);
    assert!(said.contains("can't be taken along"), "{said}");
    assert!(!place.path("none.zip").exists());
}

#[test]
fn files_of_an_archive_stay_in_their_folder() {
    use std::io::Write;
    let place = with_spec("");
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["../escaped.txt", "proof.qnnproof"] {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).expect("memory takes all");
        archive.write_all(b"x").expect("memory takes all");
    }
    place.write("bad.zip", archive.finish().expect("memory takes all").into_inner());
    let said = place.expect(3, &["check-proof", "bad.zip"]);
    assert!(said.contains("would lie outside of it"), "{said}");
}
