//! The project file `qnn.toml`.

use crate::place::{Place, root};
use crate::{BROKEN, FAILS, HOLDS, LIMITS};

#[test]
fn a_project_says_what_is_verified_and_how() {
    let place = Place::new();
    let page = std::fs::read_to_string(root().join("docs/project.md")).expect("the page is there");
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    for (name, text) in [
        ("qnn.toml", example),
        ("specs/limits.qnn", LIMITS),
        ("specs/b.qnn", HOLDS),
        ("specs/deep/c.qnn", FAILS),
        ("specs/drafts/d.qnn", BROKEN),
        ("other.qnn", BROKEN),
    ] {
        place.write(name, text);
    }
    let shown = place.run(&["verify"]);
    assert!(shown.starts_with("exit 3\n") && shown.contains("`qnn report . -o …/baseline.json` writes it"), "{shown}");
    let shown = place.run(&["report", ".", "-o", "baseline.json"]);
    assert!(shown.starts_with("exit 1\n"), "{shown}");
    // What failed before is no news. The reports' sizes are not this test's matter.
    let shown = place.run(&["verify", "-c", "0"]);
    snapshot!(shown.split("--- stderr").next().unwrap_or_default());
    assert!(place.path("report.sarif").is_file());
    let (_, document) = place.json(&["verify", "specs", "--json"]);
    assert_eq!(document["specs"][0]["results"][0]["budget"], 30.0);
    let (_, document) = place.json(&["verify", "specs/b.qnn", "--json", "-t", "5s"]);
    assert_eq!(document["specs"][0]["results"][0]["budget"], 5.0, "options win");
    let (exit, document) = place.json(&["verify", "specs/deep/c.qnn", "--json", "--no-project"]);
    assert_eq!((exit, &document["specs"][0]["results"][0]["budget"]), (1, &10.0.into()));
    assert!(place.run(&["verify", "holds"]).starts_with("exit 3\n"), "a pattern alone is no spec");
    assert!(place.run(&["verify", ".", "holds"]).starts_with("exit 0\n"), "what is not asked for is not missed");
    // Something that got worse is.
    place.write("specs/b.qnn", HOLDS.replace("most;", "most - 1;"));
    let shown = place.run(&["verify", "-c", "0"]);
    assert!(shown.starts_with("exit 1\n") && shown.contains("1 regression"), "{shown}");
}

#[test]
fn mistakes_in_a_project_file_have_a_place() {
    let mut all = String::new();
    for text in [
        "specs = \"a.qnn\"\n",
        "\n[verify]\n  tmeout = \"3s\"\n",
        "[verify]\ntimeout = \"soon\"\n",
        "[verify]\njobs = 0\n",
        "[verify]\nengine = \"magic\"\n",
        "specs = [\"a[\"]\n",
        "spec = [\"a.qnn\"]\n",
        "specs = [\n",
    ] {
        let place = Place::new().with("a.qnn", FAILS).with("qnn.toml", text);
        let shown = place.run(&["verify"]);
        assert!(shown.starts_with("exit 3\n"), "{text}: {shown}");
        all.push_str(&format!("{text}{shown}\n"));
    }
    snapshot!(all);
}
