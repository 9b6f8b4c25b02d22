//! Lists the pages of `docs/errors` for `qnn explain`, so that a new page is in the next binary.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo says where the crate is"));
    // `errors` is a link to the folder of the repository, which a package has the files of. Where links can't be checked out, it is a text.
    let places = [root.join("errors"), root.join("../../docs/errors")];
    let folder = places.iter().find(|place| place.is_dir()).expect("the pages of errors are in the package");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", folder.display());
    let entries = fs::read_dir(folder).expect("the folder of errors can be listed");
    let mut pages: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|e| e.path())).collect();
    pages.sort();
    let mut list = String::from("/// Code and page, by code.\npub static PAGES: &[(&str, &str)] = &[\n");
    let mut count = 0;
    for page in pages {
        let code = page.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let is_code = code.len() == 5 && code.starts_with(['E', 'W']) && code[1..].bytes().all(|b| b.is_ascii_digit());
        if is_code && page.extension().is_some_and(|e| e == "md") {
            let path = page.canonicalize().expect("the page was just listed");
            writeln!(list, "    ({code:?}, include_str!({:?})),", path.display().to_string())
                .expect("memory takes all");
            count += 1;
        }
    }
    assert!(count > 0, "there is no page in {}", folder.display());
    list.push_str("];\n");
    let out = env::var("OUT_DIR").expect("cargo says where to write");
    fs::write(Path::new(&out).join("error_pages.rs"), list).expect("cargo's folder can be written");
}
