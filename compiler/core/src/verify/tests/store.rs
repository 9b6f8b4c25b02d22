//! What the store makes of runs.

use super::*;

/// The spec of the tests of the store: a network whose weights are in a file.
const STORED: &str = "
type In = uint<4>;
network g(x: In[2]) -> int<8>[1] {
    params w = \"w.safetensors\" { *: int<8> raw; }
    dense(x, w.fc) as int<8>
}
property holds = forall x: In[2]: g(x)[0] <= 15;
property breaks = forall x: In[2]: g(x)[0] <= 14;
property assumed = forall x: In[2] where x[0] + x[1] == 30: g(x)[0] <= 15;
measure most = maximize g(x)[0] over x: In[2];
measure bound = largest n in 0..=15 such that forall x: In[2]: g(x)[0] <= 31 - n;
";

fn cached(summary: &Summary) -> Vec<bool> {
    summary.results.iter().map(|r| r.cached).collect()
}

#[test]
fn the_store_serves_the_second_run() {
    let mut world = World::whole(STORED).checked();
    let store = world.path("store");
    let first = world.run(&with(&store));
    assert_eq!(cached(&first), [false; 5]);
    assert_eq!(
        first.results.iter().map(|r| r.verdict).collect::<Vec<_>>(),
        [Verdict::Proved, Verdict::Violated, Verdict::Proved, Verdict::Proved, Verdict::Proved]
    );
    // A comment, a blank line and another name cost nothing.
    world.edit(&format!("// nothing new\n\n{}", STORED.replace("holds", "still_holds")));
    let second = world.run(&with(&store));
    assert_eq!(cached(&second), [true; 5], "{:?}", second.results);
    assert!(second.warnings.is_empty());
    for (a, b) in first.results.iter().zip(&second.results).skip(1) {
        let fresh = |result: &InstanceResult| InstanceResult {
            cached: false,
            time: Duration::ZERO,
            measure: None,
            ..result.clone()
        };
        assert_eq!(fresh(a), fresh(b));
        assert_eq!(a.measure.as_ref().map(|m| &m.found), b.measure.as_ref().map(|m| &m.found));
        assert_eq!(a.measure.as_ref().map(|m| &m.witness), b.measure.as_ref().map(|m| &m.witness));
    }
    // Other weights do, and so do other engines.
    let other = world.run(&Options { engine: Some("smt".into()), ..with(&store) });
    assert!(other.results.iter().all(|r| !r.cached));
    std::fs::write(world.path("w.safetensors"), weights([1, -2])).unwrap();
    assert!(world.db.refresh(&world.folder.path().join("w.safetensors")));
    let third = world.run(&with(&store));
    assert_eq!(cached(&third), [false; 5]);
    assert_eq!(third.results[0].verdict, Verdict::Proved);
    // Without a store nothing is remembered.
    assert_eq!(cached(&world.run(&Options::default())), [false; 5]);
}

/// A measure over radii finds what the property proved for each.
#[test]
fn measures_share_what_properties_proved() {
    let world = World::new(MEASURES).checked();
    let options = with(&world.path("store"));
    let only = |pattern: &str| {
        let plan = plan(&world.db, world.file, &Filter::new([pattern]), &options);
        run(&plan, &snapshots(world.db.clone()), &options, &CancelToken::new(), &|_| {})
    };
    only("near(i = 0, *");
    let radius = only("radius(i = 0)");
    let largest = radius.results[0].measure.as_ref().unwrap().largest.as_ref().unwrap();
    let known: Vec<i128> = largest.candidates.iter().filter(|c| c.cached).map(|c| c.value).collect();
    assert_eq!(known, [1]);
}

#[test]
fn damaged_entries_are_not_believed() {
    let world = World::whole(STORED).checked();
    let folder = world.path("store");
    world.run(&with(&folder));
    let store = Store::open(&folder);
    let before = store.stats();
    assert!(before.entries >= 5 && before.damaged == 0 && before.decided == before.entries, "{before:?}");
    let files = || {
        let folders = std::fs::read_dir(folder.join("verdicts-2")).unwrap();
        folders.flat_map(|f| std::fs::read_dir(f.unwrap().path())).flatten().map(|f| f.unwrap().path())
    };
    let damages: [&dyn Fn(Vec<u8>) -> Vec<u8>; 4] = [
        &|bytes| bytes[..bytes.len() / 2].to_vec(),
        &|_| Vec::new(),
        // A lie: what was violated is said to be proved.
        &|bytes| match String::from_utf8(bytes) {
            Ok(text) => text.replace("\"some\":", "\"none\":").replace("15", "14").into_bytes(),
            Err(certificate) => [certificate.as_bytes(), b" "].concat(),
        },
        &|bytes| bytes.iter().map(|b| b ^ 0x80).collect(),
    ];
    for damage in damages {
        for path in files() {
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&path, damage(bytes)).unwrap();
        }
        assert!(store.stats().damaged > 0);
        let summary = world.run(&with(&folder));
        let breaks = &summary.results[1];
        assert_eq!(breaks.verdict, Verdict::Violated);
        assert!(!summary.warnings.is_empty(), "a damaged entry is told");
        assert!(summary.warnings.iter().all(|w| w.contains("is damaged")), "{:?}", summary.warnings);
        // They have been mended.
        assert_eq!(cached(&world.run(&with(&folder))), [true; 5]);
    }
}

/// A proof without its certificate is none: it is found anew, and told.
#[test]
fn lost_and_damaged_certificates_are_made_anew() {
    use crate::verify::evidence::{About, Support};
    let world = World::whole(STORED).checked();
    let folder = world.path("store");
    let once = || Options { jobs: Some(1), ..with(&folder) };
    let first = world.run(&once());
    let evidence = first.results[0].evidence.iter().find(|e| e.about == About::Statement).unwrap();
    let Support::Certificate(kept) = &evidence.rests_on else { panic!("{evidence:?}") };
    let path = kept.file.clone().unwrap();
    let sound = std::fs::read(&path).unwrap();
    assert!(path.ends_with(format!("{}.proof", evidence.obligation)) && Some(sound.len()) > kept.bytes, "{kept:?}");
    let all = first.results.iter().flat_map(|r| &r.evidence);
    let other = all.filter(|e| e.obligation != evidence.obligation).find_map(|e| match &e.rests_on {
        Support::Certificate(kept) => kept.file.clone(),
        _ => None,
    });
    let changes: [Option<Vec<u8>>; 5] = [
        None,
        Some(Vec::new()),
        Some(sound[..sound.len() - 1].to_vec()),
        Some(sound.iter().map(|b| b ^ 1).collect()),
        Some(std::fs::read(other.unwrap()).unwrap()),
    ];
    for change in changes {
        let told = change.is_some();
        let damaged = change.clone().unwrap_or_default();
        match change {
            Some(bytes) => std::fs::write(&path, bytes).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        let summary = world.run(&once());
        assert_eq!((summary.results[0].verdict, summary.results[0].cached), (Verdict::Proved, false));
        let warned = summary.warnings.iter().any(|w| w.contains("certificate") && w.contains("is damaged"));
        assert_eq!(warned, told, "{:?}", summary.warnings);
        let again = std::fs::read(&path).unwrap();
        assert!(again.starts_with(b"qnn certificate ") && again != damaged, "a proof is there again");
        assert_eq!(cached(&world.run(&once())), [true; 5]);
    }
    let stats = Store::open(&folder).stats();
    assert!(stats.certificates > 0 && stats.damaged == 0, "{stats:?}");
    assert_eq!(Store::open(&folder).clear().unwrap(), stats.entries);
    assert_eq!(Store::open(&folder).stats().bytes, 0);
}

/// A certificate that is too large to be kept is told, once; what rests on it is remembered all the same.
#[test]
fn certificates_that_are_too_large_are_told() {
    use crate::verify::evidence::{Evidence, Support};
    let world = World::whole(STORED).checked();
    let folder = world.path("store");
    let limited = |certificates| Options { most_certificate: Some(10), certificates, ..with(&folder) };
    let too_large = |summary: &Summary| {
        let results = summary.results.iter();
        results.map(|r| r.evidence.iter().filter(|e| e.is_too_large()).count()).collect::<Vec<_>>()
    };
    let first = world.run(&limited(false));
    assert!(!cached(&first)[0]);
    let lacking = too_large(&first);
    assert!(lacking[0] == 1 && lacking[1] == 0 && lacking[3] == 1, "{lacking:?}");
    for (result, lacks) in first.results.iter().zip(&lacking) {
        assert_eq!(result.detail.contains("takes more than 10 bytes"), *lacks > 0, "{}", result.detail);
        assert!(result.verdict.is_decided(), "{result:?}");
    }
    let json = serde_json::to_value(&first.results[0].evidence).unwrap();
    let certificate = &json[0]["rests_on"]["certificate"];
    assert!(certificate["steps"].is_u64() && certificate["bytes"].is_null() && certificate["file"].is_null(), "{json}");
    let told = |summary: &Summary| summary.warnings.iter().filter(|w| w.contains("more than 10 bytes")).count();
    assert_eq!((told(&first), first.warnings.len()), (1, 1), "{:?}", first.warnings);
    // The second time there is nothing that could be checked: it is the store's word, and says so.
    for certificates in [false, true] {
        let again = world.run(&limited(certificates));
        assert_eq!((cached(&again), told(&again)), (vec![true; 5], 0), "{:?}", again.warnings);
        assert_eq!(too_large(&again), vec![0; 5]);
        for (result, lacks) in again.results.iter().zip(&lacking).filter(|(result, _)| result.kind == Kind::Property) {
            let marked = matches!(result.trust, Some(Trust::Solver { remembered: true, .. }));
            assert_eq!((marked, result.detail.contains("remembered and not checked again")), (*lacks > 0, *lacks > 0));
        }
    }
    assert_eq!(Store::open(&folder).stats().certificates, 0);
    let kept = |e: &Evidence| matches!(&e.rests_on, Support::Certificate(kept) if kept.bytes.is_some());
    let whole = world.run(&Options { certificates: true, ..Options::default() });
    assert!(whole.results[0].evidence.iter().any(kept) && whole.warnings.is_empty(), "{:?}", whole.warnings);
}

#[test]
fn remembered_counterexamples_are_replayed() {
    use crate::verify::store::entry::StoredAnswer;
    let world = World::whole(STORED).checked();
    let folder = world.path("store");
    let first = world.run(&with(&folder));
    let store = Store::open(&folder);
    let key = first.results[1].key.clone().unwrap();
    let mut entry = store.get(&key).unwrap();
    for lie in [vec![vec![0, 0]], vec![vec![99, 0]], vec![vec![15]], Vec::new()] {
        entry.known = StoredAnswer::Some(lie);
        store.put(&entry);
        let summary = world.run(&with(&folder));
        let result = &summary.results[1];
        assert_eq!((result.verdict, result.cached), (Verdict::Violated, false));
        assert!(summary.warnings[0].contains("does not pass the reference interpreter"), "{:?}", summary.warnings);
    }
    let key = first.results[3].key.clone().unwrap();
    let mut entry = store.get(&key).unwrap();
    if let StoredAnswer::Maximum(maximum) = &mut entry.known {
        maximum.best = Some(("15".to_owned(), vec![vec![3, 0]]));
    }
    store.put(&entry);
    let summary = world.run(&with(&folder));
    assert_eq!((summary.results[3].cached, summary.warnings.len()), (false, 1));
}

#[test]
fn timeouts_are_remembered_for_smaller_budgets_only() {
    let world = World::whole("property p = forall x: int<4>: x <= 6;");
    let folder = world.path("store");
    let engine = scripted(|_, control| sleep(control));
    let engines: [Arc<dyn Engine>; 1] = [engine.clone()];
    let run = |budget: u64| {
        let timeout = Some(Duration::from_millis(budget));
        let summary = world.run(&Options { timeout, store: with(&folder).store, ..by(&engines) });
        assert_eq!(only(&summary).verdict, Verdict::Timeout);
        (only(&summary).cached, only(&summary).detail.clone())
    };
    // What is remembered says what the engines were given then.
    let (earlier, later) = ("Not decided within 40 ms.".to_owned(), "Not decided within 60 ms.".to_owned());
    assert_eq!(run(40), (false, earlier.clone()));
    assert_eq!(run(40), (true, earlier.clone()));
    assert_eq!(run(10), (true, earlier));
    assert_eq!(run(60), (false, later.clone()));
    assert_eq!(run(60), (true, later));
    assert_eq!(engine.calls.load(Ordering::SeqCst), 2);
}

/// What lacked memory or is broken is asked again.
#[test]
fn accidents_are_not_remembered() {
    let world = World::whole("property p = forall x: int<4>: x <= 6;");
    let folder = world.path("store");
    for reason in [Reason::Memory, Reason::Internal("ouch".into())] {
        let engine = scripted(move |_, _| Answer::Unknown(reason.clone()));
        world.run(&Options { store: with(&folder).store, ..by(&[engine]) });
    }
    assert_eq!(Store::open(&folder).stats().entries, 0);
}

#[test]
fn a_store_that_cannot_be_written_is_told_once() {
    let world = World::whole(STORED).checked();
    std::fs::write(world.path("file"), "not a folder").unwrap();
    let summary = world.run(&with(&world.path("file")));
    assert_eq!(summary.count(Verdict::Error), 0);
    assert_eq!(summary.results[0].verdict, Verdict::Proved);
    assert_eq!(summary.warnings.len(), 1, "{:?}", summary.warnings);
    assert!(summary.warnings[0].contains("can't be stored"), "{:?}", summary.warnings);
    assert_eq!(std::fs::read_to_string(world.path("file")).unwrap(), "not a folder");
}

/// A folder in the place of an entry, or of a certificate, costs that one, and no other.
#[test]
fn a_folder_in_the_place_of_an_entry_is_left_alone() {
    let world = World::whole(STORED).checked();
    let folder = world.path("store");
    let first = world.run(&with(&folder));
    let entry = |result: &InstanceResult| {
        let key = result.key.clone().unwrap();
        folder.join("verdicts-2").join(&key[..2]).join(format!("{key}.json"))
    };
    let path = entry(&first.results[1]);
    let all = Store::open(&folder).clear().unwrap();
    std::fs::create_dir_all(path.join("mine")).unwrap();
    let told = |warnings: &[String]| warnings.len() == 1 && warnings[0].contains("is a folder where a file belongs");
    let summary = world.run(&with(&folder));
    assert_eq!(verdicts(&summary), verdicts(&first));
    assert!(told(&summary.warnings), "{:?}", summary.warnings);
    let again = world.run(&with(&folder));
    assert_eq!(cached(&again), [true, false, true, true, true]);
    assert!(told(&again.warnings), "{:?}", again.warnings);
    let store = Store::open(&folder);
    assert_eq!((store.clear().unwrap(), store.stats().entries), (all - 1, 0));
    assert!(told(&store.take_warnings()) && path.join("mine").is_dir());
}

#[test]
fn the_store_is_listed_and_cleared() {
    let world = World::whole(STORED).checked();
    let folder = world.path("store");
    world.run(&with(&folder));
    std::fs::write(folder.join("mine.txt"), "keep").unwrap();
    std::fs::write(folder.join("verdicts-2").join("mine.json"), "keep").unwrap();
    let store = Store::open(&folder);
    let list = store.list();
    assert!(list.iter().any(|e| e.name == "breaks" && e.verdict == Verdict::Violated && e.bytes > 0));
    assert!(list.iter().any(|e| e.name == "assumed: its assumptions" && e.verdict == Verdict::Violated));
    assert!(list.iter().any(|e| e.name == "most" && e.verdict == Verdict::Proved));
    assert!(list.is_sorted_by_key(|e| e.name.clone()));
    // What a crash left goes too; what somebody is writing stays.
    let inside = folder.join("verdicts-2");
    let unfinished = [inside.join(".unfinished-qnn-now"), inside.join(".unfinished-qnn-long-ago")];
    for (path, age) in unfinished.iter().zip([0, 3600]) {
        let file = std::fs::File::create(path).unwrap();
        file.set_modified(std::time::SystemTime::now() - Duration::from_secs(age)).unwrap();
    }
    assert_eq!(store.clear().unwrap(), list.len());
    assert_eq!(unfinished.map(|path| path.exists()), [true, cfg!(not(unix))]);
    assert_eq!((store.stats().entries, store.list().len(), store.clear().unwrap()), (0, 0, 0));
    assert!(folder.join("mine.txt").exists() && folder.join("verdicts-2").join("mine.json").exists());
    assert_eq!(Store::open(world.path("nowhere")).stats().entries, 0);
    assert_eq!(Store::open(world.path("nowhere")).clear().unwrap(), 0);
}

#[test]
fn runs_share_a_store_at_the_same_time() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let world = World::whole(STORED).checked();
                for _ in 0..3 {
                    let summary = world.run(&with(&place));
                    assert!(summary.warnings.is_empty(), "{:?}", summary.warnings);
                    assert_eq!(summary.exit_code(), 1);
                }
            });
        }
    });
    let stats = Store::open(&place).stats();
    assert!(stats.damaged == 0 && stats.entries >= 5, "{stats:?}");
}

/// Where the processes of the next test find their store.
const SHARED: &str = "QNN_TEST_SHARED_STORE";

#[test]
#[ignore = "run by processes_share_a_store"]
fn one_of_several_processes() {
    let Some(place) = std::env::var_os(SHARED) else { return };
    let world = World::whole(STORED).checked();
    for _ in 0..3 {
        let summary = world.run(&with(Path::new(&place)));
        assert!(summary.warnings.is_empty(), "{:?}", summary.warnings);
        assert_eq!(summary.exit_code(), 1);
        // Others meanwhile find entries missing, never broken.
        Store::open(&place).clear().unwrap();
    }
}

#[test]
fn processes_share_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let spawn = |_| {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "verify::tests::store::one_of_several_processes", "--ignored", "--quiet"])
            .env(SHARED, folder.path().join("store"))
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..4).map(spawn).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(Store::open(folder.path().join("store")).stats().damaged, 0);
}

/// The files of a store with their sizes, by name.
fn sizes(folder: &Path) -> std::collections::BTreeMap<String, u64> {
    let below = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap());
    let files = below(folder.join("verdicts-2")).flat_map(|inner| below(inner.path()));
    files.map(|file| (file.file_name().into_string().unwrap(), file.metadata().unwrap().len())).collect()
}

/// The store keeps to its limit, and what was used last.
#[test]
fn what_was_not_used_for_longest_is_evicted() {
    let world = World::whole(STORED).checked();
    let folder = world.path("store");
    world.run(&with(&folder));
    let all = sizes(&folder);
    let total: u64 = all.values().sum();
    let key = |summary: &Summary| summary.results[1].key.clone().unwrap() + ".json";
    // All are old but one, which a run then uses.
    let old = std::time::SystemTime::now() - Duration::from_secs(7200);
    for inner in std::fs::read_dir(folder.join("verdicts-2")).unwrap().map(|entry| entry.unwrap().path()) {
        for file in std::fs::read_dir(inner).into_iter().flatten() {
            let file = std::fs::File::options().write(true).open(file.unwrap().path()).unwrap();
            file.set_modified(old).unwrap();
        }
    }
    let only = |pattern: &str, limit: u64, engine: &str| {
        let store = Some(Arc::new(Store::with_limit(&folder, limit)));
        let options = Options { store, engine: Some(engine.into()), jobs: Some(1), ..Options::default() };
        let plan = plan(&world.db, world.file, &Filter::new([pattern]), &options);
        run(&plan, &snapshots(world.db.clone()), &options, &CancelToken::new(), &|_| {})
    };
    assert!(only("breaks", total, "auto").results[0].cached);
    // Something new makes room for itself.
    only("breaks", total, "attack");
    let left = sizes(&folder);
    assert!(left.values().sum::<u64>() <= total / 10 * 9, "{left:?}");
    let used = key(&world.run(&with(&folder)));
    assert!(all.contains_key(&used) && left.contains_key(&used), "{used}: {left:?}");
    only("holds", 0, "smt");
    assert!(sizes(&folder).is_empty(), "{:?}", sizes(&folder));
}

/// Whoever writes to a store that is far from its limit does not look at what else is in it, as long as its size is known.
#[test]
fn a_store_is_looked_at_only_where_it_may_be_too_large() {
    let world = World::whole("property p = forall x: uint<4>: x >= 0;").checked();
    let folder = world.path("store");
    let tally = folder.join("verdicts-2").join("size");
    let sum = || -> u64 {
        let text = std::fs::read_to_string(&tally).unwrap();
        text.lines().skip(1).map(|line| line.parse::<u64>().unwrap()).sum()
    };
    let run = |limit: u64, engine: &str| {
        let store = Some(Arc::new(Store::with_limit(&folder, limit)));
        world.run(&Options { store, engine: Some(engine.into()), ..Options::default() });
    };
    let total = || sizes(&folder).values().sum::<u64>();
    run(1 << 20, "interval");
    assert_eq!(sum(), total());
    // Somebody's large file, which nobody looks at: the sum grows by what is written.
    let strange = folder.join("verdicts-2").join("aa").join(format!("{}.json", "a".repeat(64)));
    std::fs::create_dir_all(strange.parent().unwrap()).unwrap();
    std::fs::write(&strange, vec![b' '; 2 << 20]).unwrap();
    run(1 << 20, "smt");
    // What was written twice counts twice.
    assert!(sum() < 1 << 20 && sum() + (2 << 20) >= total(), "{} of {}", sum(), total());
    // Once the sum is gone, or too large, all is looked at.
    std::fs::remove_file(&tally).unwrap();
    run(1 << 20, "enumerate");
    assert!(sum() == total() && total() < 1 << 20 && !strange.exists());
    let few = total() - 1;
    run(few, "search");
    assert!(sum() == total() && total() <= few, "{:?}", sizes(&folder));
    // An emptied store is empty.
    Store::open(&folder).clear().unwrap();
    assert!(!tally.exists() && total() == 0);
}

#[test]
fn folders_of_older_versions_are_cleared() {
    let world = World::whole(STORED).checked();
    let folder = world.path("store");
    let name = format!("{}.json", "a".repeat(64));
    for (version, beside) in
        [("verdicts-1", None), ("verdicts-0", Some("mine.txt")), ("verdicts-99", None), ("other", None)]
    {
        let inner = folder.join(version).join("aa");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(inner.join(&name), "old").unwrap();
        if let Some(beside) = beside {
            std::fs::write(inner.join(beside), "keep").unwrap();
        }
    }
    world.run(&with(&folder));
    let has = |path: &str| folder.join(path).exists();
    assert!(!has("verdicts-1") && has("verdicts-2"));
    assert!(has("verdicts-0/aa/mine.txt") && !has(&format!("verdicts-0/aa/{name}")));
    assert!(
        has(&format!("verdicts-99/aa/{name}")) && has(&format!("other/aa/{name}")),
        "a newer version's, and no version's"
    );
}

#[test]
fn sizes_are_read_as_people_write_them() {
    use crate::verify::store::size_of;
    let all = ["0", "10", "500M", "4G", "4 GiB", "1kb", "2T"].map(size_of);
    assert_eq!(all, [0, 10, 500 << 20, 4 << 30, 4 << 30, 1 << 10, 2 << 40].map(Some));
    for bad in ["", "M", "-1", "1.5G", "4X", "99999999999T", "1 G B"] {
        assert_eq!(size_of(bad), None, "{bad}");
    }
}
