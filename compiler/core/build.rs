//! Lists the pages of `docs/errors` for `qnn explain`, so that a new page is in the next binary.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo says where the crate is");
    let folder = Path::new(&root).join("../../docs/errors");
    println!("cargo::rerun-if-changed=build.rs");
    // A folder that is not there yet would count as changed with every build.
    let watched = if folder.is_dir() { folder.clone() } else { Path::new(&root).join("../../docs") };
    println!("cargo::rerun-if-changed={}", watched.display());
    let entries = fs::read_dir(&folder).into_iter().flatten();
    let mut pages: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|e| e.path())).collect();
    pages.sort();
    let mut list = String::from("/// Code and page, by code.\npub static PAGES: &[(&str, &str)] = &[\n");
    for page in pages {
        let code = page.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let is_code = code.len() == 5 && code.starts_with(['E', 'W']) && code[1..].bytes().all(|b| b.is_ascii_digit());
        if is_code && page.extension().is_some_and(|e| e == "md") {
            let path = page.canonicalize().expect("the page was just listed");
            writeln!(list, "    ({code:?}, include_str!({:?})),", path.display().to_string())
                .expect("memory takes all");
        }
    }
    list.push_str("];\n");
    let out = env::var("OUT_DIR").expect("cargo says where to write");
    fs::write(Path::new(&out).join("pages.rs"), list).expect("cargo's folder can be written");
}
