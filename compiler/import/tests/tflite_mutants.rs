//! Damaged TFLite files: an error or a network, in bounded time and memory, never a panic.
//!
//! `QNN_MUTANTS` says how many mutants of each file: 20000 for a whole run (with `--release`). By default, 60 of each small file and 3 of each shipped one.
//! `QNN_MUTANTS_OF` restricts it to the files whose names contain the text.

use base64::Engine;
use processor_time::Stopwatch;
use qnn_import::{Kernel, Options, import, summary};
use qnn_ir::Random;
use std::path::PathBuf;
use std::time::Duration;

mod processor_time;

/// The longest processor time for one file.
const LIMIT: Duration = Duration::from_secs(60);

/// The most memory of the whole test, in KiB: the limits of a network (16 million numbers, 134 million products) allow for it.
const MEMORY: u64 = 6 << 20;

/// The files: small graphs of every operator, and the shipped models where they are.
fn files() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for line in include_str!("tflite_vectors.jsonl").lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("a vector");
        let model = case["model"].as_str().expect("a model");
        let model = base64::engine::general_purpose::STANDARD.decode(model).expect("base64");
        files.push((case["name"].as_str().expect("a name").to_string(), model));
    }
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("QNN_SHARED").map_or(beside, PathBuf::from).join("models/files");
    match std::fs::read_dir(&folder) {
        Ok(entries) => {
            let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
            paths.retain(|path| path.extension().is_some_and(|extension| extension == "tflite"));
            paths.sort();
            files.extend(
                paths.iter().map(|path| (path.display().to_string(), std::fs::read(path).expect("a readable file"))),
            );
        }
        Err(_) => eprintln!("skipped: the shipped models are not beside the repository"),
    }
    files
}

/// One to four changes: a byte, a number of four bytes, a cut, a piece copied elsewhere.
fn mutate(file: &[u8], random: &mut Random) -> Vec<u8> {
    let mut mutant = file.to_vec();
    // Tables stand at the end of most files, weights before them.
    let place = |random: &mut Random, len: usize| {
        let tables = len.min(6000);
        let reach = if random.below(3) == 0 { len } else { tables };
        let at = random.below(reach);
        if random.below(2) == 0 { at } else { len - 1 - at }
    };
    for _ in 0..=random.below(4) {
        let len = mutant.len();
        if len < 16 {
            break;
        }
        let at = place(random, len);
        match random.below(8) {
            0..=2 => mutant[at] = random.below(256) as u8,
            3 => mutant[at] ^= 1 << random.below(8),
            4..=5 => {
                let numbers = [0, 1, -1, 2, 127, 128, 255, 65535, i32::MAX, i32::MIN, 1 << 20, 1 << 24];
                let number = random.choose(&numbers).to_le_bytes();
                let at = (at & !3).min(len - 4);
                mutant[at..at + 4].copy_from_slice(&number);
            }
            6 => {
                let (from, size) = (place(random, len), random.below(16));
                let piece: Vec<u8> = mutant.iter().skip(from).take(size).copied().collect();
                mutant.iter_mut().skip(at).zip(piece).for_each(|(byte, new)| *byte = new);
            }
            _ if random.below(20) == 0 => mutant.truncate(at),
            _ => mutant[at] = mutant[at].wrapping_add(1),
        }
    }
    mutant
}

#[test]
fn damaged_files_are_refused_or_read() {
    let count: Option<usize> = std::env::var("QNN_MUTANTS").ok().map(|text| text.parse().expect("a number"));
    let of = std::env::var("QNN_MUTANTS_OF").unwrap_or_default();
    let mut random = Random::new(20);
    let (mut read, mut refused, mut slowest) = (0, 0, Duration::ZERO);
    for (name, file) in files() {
        if !name.contains(&of) {
            continue;
        }
        for number in 0..count.unwrap_or(if file.len() < 10_000 { 60 } else { 3 }) {
            let mutant = mutate(&file, &mut random);
            let kernels: Vec<Kernel> = Kernel::for_extension("tflite").collect();
            let kernel = *random.choose(&kernels);
            let begin = Stopwatch::start();
            let _ = summary(&mutant, "tflite");
            match import(&mutant, &Options { kernel, inputs: Vec::new(), until: None }) {
                Ok(network) => {
                    assert!(network.graph.nodes.len() == network.ranges.len());
                    read += 1;
                }
                Err(error) => {
                    assert!(!error.reason.is_empty() && error.reason.len() < 600, "{error}");
                    refused += 1;
                }
            }
            let time = begin.elapsed();
            slowest = slowest.max(time);
            assert!(time < LIMIT, "mutant {number} of {name} took {time:?}");
        }
    }
    println!("{read} mutants are networks, {refused} are refused; the slowest took {slowest:?}");
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().trim_end_matches(" kB").parse::<u64>().ok());
    println!("the peak of memory was {peak:?} KiB");
    assert!(peak.unwrap_or(0) < MEMORY);
}
