//! Damaged ONNX files: an answer or an error, never a panic, and soon.
//!
//! `QNN_MUTANTS` says how many of each file; files of `QNN_SHARED` (or `../shared` beside the repository) are damaged as well, where there are any.

use processor_time::Stopwatch;
use qnn_import::{Kernel, Options, Storage, float_network, import, summary};
use qnn_ir::Random;
use qnn_ir::rational::ratio;
use std::path::{Path, PathBuf};
use std::time::Duration;

mod processor_time;

fn models() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("QNN_SHARED").map_or_else(|| root.join("../../../shared"), PathBuf::from);
    let mut found = Vec::new();
    for folder in [root.join("tests/onnx"), shared.join("models/files")] {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            eprintln!("skipped: there is no folder {}", folder.display());
            continue;
        };
        found.extend(entries.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "onnx")));
    }
    found.sort();
    found
}

/// A copy with some bytes changed, cut, doubled or put elsewhere.
fn damaged(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut mutant = bytes.to_vec();
    let position = |random: &mut Random, len: usize| random.between(0, len as i64 - 1) as usize;
    for _ in 0..random.between(1, 4) {
        if mutant.is_empty() {
            break;
        }
        // Most of a large file are weights; what is at its ends says more.
        let len = mutant.len();
        let at = match random.between(0, 2) {
            0 => position(random, len),
            1 => position(random, len.min(400)),
            _ => len - 1 - position(random, len.min(4000)),
        };
        match random.between(0, 6) {
            0 => mutant[at] ^= 1 << random.between(0, 7),
            1 => mutant[at] = random.between(0, 255) as u8,
            2 => mutant[at] = [0, 1, 0x7f, 0x80, 0xff][random.between(0, 4) as usize],
            3 => mutant.truncate(at),
            4 => drop(mutant.splice(at..at, [0xff, 0xff, 0xff, 0xff, 0x7f])),
            5 => drop(mutant.drain(at..len.min(at + random.between(1, 9) as usize))),
            _ => {
                let end = len.min(at + random.between(1, 40) as usize);
                let part = mutant[at..end].to_vec();
                let to = position(random, len);
                drop(mutant.splice(to..to, part));
            }
        }
    }
    mutant
}

#[test]
fn damaged_files_are_answered() {
    let count: usize = std::env::var("QNN_MUTANTS").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    let storage = Storage { width: 8, signed: false, scale: ratio(1, 255), zero: 0, symmetric: false };
    let (mut random, mut accepted, mut total) = (Random::new(21), 0, 0);
    let mut slowest = Duration::ZERO;
    let files = models();
    assert!(files.len() >= 60);
    let files: Vec<(PathBuf, Vec<u8>)> = files.into_iter().map(|p| (p.clone(), std::fs::read(p).unwrap())).collect();
    for (path, bytes) in files {
        let qonnx = path
            .file_name()
            .is_some_and(|n| n.to_string_lossy().contains("qonnx") || n.to_string_lossy().contains("TFC"));
        let options = Options {
            kernel: if qonnx { Kernel::Qonnx } else { Kernel::OrtVnni },
            inputs: if qonnx && random.between(0, 1) == 0 { vec![storage.clone()] } else { Vec::new() },
            until: None,
        };
        for _ in 0..count {
            let mutant = damaged(&bytes, &mut random);
            let begin = Stopwatch::start();
            accepted += usize::from(import(&mutant, &options).is_ok());
            let _ = summary(&mutant, "onnx");
            let _ = float_network(&mutant, None);
            slowest = slowest.max(begin.elapsed());
            total += 1;
        }
        assert!(slowest < Duration::from_secs(60), "a mutant of {} took {slowest:?}", path.display());
    }
    println!("{accepted} of {total} mutants are networks; the slowest took {slowest:?}");
    assert!(accepted > 0 && accepted < total);
}

/// Lengths and counts that a file announces and does not hold.
#[test]
fn announced_sizes_are_not_allocated() {
    let options = Options { kernel: Kernel::Ort, inputs: Vec::new(), until: None };
    // A graph of 2^40 bytes; a tensor with 2^62 elements and none of them; 100,000 nested messages.
    let graph = [0x3a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20];
    assert!(import(&graph, &options).is_err());
    let tensor =
        [0x3a, 0x11, 0x2a, 0x0f, 0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40, 0x10, 1, 0x42, 1, b'w'];
    let error = import(&tensor, &options).unwrap_err();
    assert!(error.to_string().contains("tensor `w` is too large"), "{error}");
    let mut nested = Vec::new();
    for _ in 0..100_000 {
        // A length that is never right, in a graph in an attribute in a node in a graph.
        nested.extend([0x3a, 0x7f, 0x0a, 0x7f, 0x2a, 0x7f, 0x32, 0x7f]);
    }
    assert!(import(&nested, &options).is_err());
}
