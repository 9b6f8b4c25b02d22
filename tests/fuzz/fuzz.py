"""Random specs, decided by qnn and by this evaluator, which was written from the manual alone: every verdict, value and counterexample must agree.

    tests/fuzz/run [--minutes M] [--seed S] [--specs N] [--jobs J] [--qnn PATH]

What disagrees is kept in target/fuzz/SEED, and the exit code is 1. The same seed makes the same specs.
"""

import argparse
import collections
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

from specs import Spec

# What the language refuses, and random specs may run into: statements that are too large when written out, most of all; tables of too many steps. They are rare.
REFUSED = {"E0313", "E0404", "E0606", "E0607"}
ENGINES = ["auto"] * 6 + ["interval", "search", "boxes", "smt", "attack", "enumerate"]


def disagreements(spec, report, counts):
    """What of a report contradicts the evaluator."""
    results = collections.defaultdict(list)
    for result in report["specs"][0]["results"]:
        results[result["property"]].append(result)
    for item in spec.items:
        found = {}
        for result in results[item.name]:
            key = tuple(Fraction(p["text"].replace(" ", "")) for p in result["parameters"])
            if key in found:
                yield f"{item.name}: two results for one instance"
            found[key] = result
        whole = any(r["verdict"] == "error" and not r["parameters"] for r in results[item.name])
        for key in item.instances():
            result = found.get(key) if not whole else results[item.name][0]
            if result is None:
                yield f"{item.name}{key}: no result"
                continue
            counts["instances"] += 1
            counts[result["verdict"]] += 1
            if result["verdict"] in ("timeout", "unknown", "error"):
                yield from undecided(item, key, result)
                continue
            truth = item.truth(key)
            yield from decided(item, key, result, truth)


def undecided(item, key, result):
    """What is said of an undecided measure must be true all the same."""
    if result["verdict"] == "error" and result["fault"] == "internal":
        yield f"{result['name']}: {result['detail']}"
    measure = result["measure"]
    if not measure or item.kind in ("largest", "share"):
        return
    kind, *value = item.truth(key)
    if kind == "vacuous":
        return
    for name, below in (("found", True), ("bound", False)):
        said = measure[name]
        if said and ((Fraction(said["exact"]) > value[0]) if below == (item.kind == "maximize") else (Fraction(said["exact"]) < value[0])):
            yield f"{result['name']}: {name} {said['exact']}, but it is {value[0]}"


def decided(item, key, result, truth):
    name, verdict = result["name"], result["verdict"]
    if item.kind in ("property", "find"):
        if verdict != truth[0]:
            yield f"{name}: {verdict}, but it is {truth[0]}"
        elif verdict in ("violated", "found"):
            raws = [v["numbers"]["raw"] for v in result["counterexample"]["variables"]]
            breaks, calls = item.breaks(key, raws)
            if not breaks:
                yield f"{name}: {raws} shows nothing"
            for call in result["counterexample"]["calls"]:
                yield from output(item, name, call, calls)
        return
    if truth[0] == "vacuous":
        if verdict != "vacuous":
            yield f"{name}: {verdict}, but no input meets the condition"
        return
    if verdict != "proved":
        yield f"{name}: {verdict}, but it has the value {truth[1]}"
        return
    said = result["measure"]["found"]
    said = Fraction(said["exact"]) if said else None
    if said != truth[1]:
        yield f"{name}: {said}, but it is {truth[1]}"


def output(item, name, call, calls):
    """The outputs that are shown with a counterexample."""
    for (network, *names), value in calls.items():
        if call["text"].replace(" ", "") == f"{network}({','.join(names)})" and call["format"] is not None:
            form = item.formats[network]
            if form is None:
                continue
            raw = [int(r) for r in form.cast(value).reshape(-1)]
            if raw != call["output"]["numbers"]["raw"]:
                yield f"{name}: {call['text']} is {call['output']['numbers']['raw']}, but it is {raw}"


def attempt(seed, qnn, counts):
    """One spec; returns what is wrong, with the folder it is in."""
    rng = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="qnn-fuzz-"))
    spec = Spec(rng, folder)
    for item in spec.items:
        item.formats = {n.name: n.format for n in spec.networks}
    engine, proof = rng.choice(ENGINES), rng.random() < 0.1
    command = [qnn, "verify", "spec.qnn", "--json", "--no-cache", "-j", "1", "-t", "5s", "-e", engine]
    command += ["--proof", "all.qnnproof"] if proof else []
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=3600, stdin=subprocess.DEVNULL)
    wrong = []
    try:
        report = json.loads(done.stdout)
    except ValueError:
        wrong.append(f"no report, exit {done.returncode}: {done.stderr[-2000:]}")
    else:
        errors = {d["code"] for d in report["specs"][0]["diagnostics"] if d["severity"] == "error"} if report["specs"] else {"?"}
        if errors - REFUSED:
            wrong.append(f"refused: {', '.join(sorted(errors - REFUSED))}: {done.stderr[-3000:]}")
        elif errors:
            # Nothing of a spec with an error is verified.
            counts["refused"] += 1
            if report["specs"][0]["results"] or done.returncode != 3:
                wrong.append(f"refused, and yet it has results, exit {done.returncode}")
        else:
            wrong += list(disagreements(spec, report, counts))
        if proof and not errors:
            checked = subprocess.run([qnn, "check-proof", "all.qnnproof"], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
            counts["proof files"] += 1
            if "rejected" in checked.stdout or checked.returncode > 2:
                wrong.append(f"check-proof, exit {checked.returncode}: {checked.stdout[-2000:]}{checked.stderr[-2000:]}")
    counts["specs"] += 1
    if wrong:
        kept = Path("target/fuzz") / str(seed)
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(folder, kept)
        (kept / "wrong.txt").write_text(f"engine {engine}\n" + "\n".join(wrong) + "\n")
    shutil.rmtree(folder)
    return wrong, engine


def work(arguments):
    """Specs of one process until the time is over; returns the counts and what was wrong."""
    first, step, options = arguments
    counts, wrong = collections.Counter(), []
    end = time.monotonic() + options.minutes * 60
    seed = first
    while time.monotonic() < end and (options.specs is None or counts["specs"] < options.specs):
        found, engine = attempt(seed, options.qnn, counts)
        if found:
            wrong.append(seed)
            print(f"seed {seed}, engine {engine}: {len(found)} wrong; the first: {found[0]}", flush=True)
        seed += step
    return counts, wrong, seed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=None, help="where to begin; by default the time, which is printed")
    parser.add_argument("--specs", type=int, default=None, help="the most specs of each process")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--qnn", default="target/release/qnn")
    options = parser.parse_args()
    options.qnn = str(Path(options.qnn).resolve())
    seed = options.seed if options.seed is not None else int(time.time()) * 1000
    print(f"seed {seed}, {options.jobs} processes", flush=True)
    with multiprocessing.Pool(options.jobs) as pool:
        done = pool.map(work, [(seed + i, options.jobs, options) for i in range(options.jobs)], chunksize=1)
    counts = sum((c for c, _, _ in done), collections.Counter())
    wrong = sorted(s for _, w, _ in done for s in w)
    print(", ".join(f"{n} {name}" for name, n in sorted(counts.items(), key=lambda c: -c[1])))
    if wrong:
        print(f"{len(wrong)} specs disagree, kept in target/fuzz: {wrong[:20]}")
    elif counts["refused"] > 3 + counts["specs"] / 20:
        print("too many specs are refused for the others to say much")
    elif counts["instances"]:
        print(f"{counts['instances']} passed, 0 failed")
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
