import assert from "node:assert/strict";
import { test } from "node:test";
import type { InstanceStatus } from "../src/protocol.generated";
import { outcome } from "../src/settle";
import { answer, inWords, longestRunning, progress, provenance, standing, statusSpoken, statusText } from "../src/stateText";
import { counts, instance, property, status } from "./samples";

/** Instances of every kind there is. */
const KINDS = {
    proved: instance("p", "proved"),
    "proved, not expected": instance("p", "proved", { expected: "violated", asExpected: false }),
    violated: instance("p", "violated"),
    "violated as expected": instance("p", "violated", { expected: "violated", asExpected: true }),
    vacuous: instance("p", "vacuous"),
    "vacuous as expected": instance("p", "vacuous", { expected: "vacuous", asExpected: true }),
    timeout: instance("p", "timeout"),
    unknown: instance("p", "unknown"),
    cancelled: instance("p", "unknown", { cancelled: true, asExpected: null, verdict: null }),
    error: instance("p", "error"),
    stale: instance("p", "stale", { verdict: "proved" }),
    unverified: instance("p", "unverified"),
    queued: instance("p", "queued"),
    running: instance("p", "running", { verdict: "proved" }),
};
const KIND_NAMES = Object.keys(KINDS) as (keyof typeof KINDS)[];
const MAY_PASS: (keyof typeof KINDS)[] = ["proved", "violated as expected", "vacuous as expected"];

/** All sets of one to three kinds. */
function combinations(): (keyof typeof KINDS)[][] {
    const all: (keyof typeof KINDS)[][] = [];
    KIND_NAMES.forEach((a, i) => {
        all.push([a]);
        KIND_NAMES.slice(i + 1).forEach((b, j) => {
            all.push([a, b]);
            for (const c of KIND_NAMES.slice(i + j + 2)) all.push([a, b, c]);
        });
    });
    return all;
}

/** How Visual Studio Code shows an item of the Test Explorer with such children: as the first of these. */
const PARENT = ["started", "errored", "failed", "enqueued", "passed", "skipped"];

test("in all combinations only a spec of which everything is final and as expected looks like success", () => {
    const all = combinations();
    assert.ok(all.length > 400);
    for (const names of all) {
        const what = names.join(" + ");
        const instances = names.map((name) => KINDS[name]);
        const spec = status([property("p", instances)]);
        const good = names.every((name) => MAY_PASS.includes(name));
        assert.equal(spec.mood === "passed", good, what);
        const bar = statusText({ mood: spec.mood, counts: spec.counts, errors: 0 });
        assert.equal(bar.includes("$(pass)"), good, `${what}: the status bar says ${bar}`);
        const outcomes = instances.map(outcome);
        const shown = PARENT.find((one) => outcomes.some((is) => is === one));
        // What is outdated or was never run is told by the label, and by the explorer's own signs.
        if (spec.mood !== "stale" && spec.mood !== "none") assert.equal(shown === "passed", good, `${what}: the Test Explorer shows ${String(shown)}`);
        assert.equal(inWords(spec.counts).split(", ").reduce((sum, part) => sum + Number(part.split(" ")[0]), 0), names.length, what);
    }
});

test("the status bar says for each mood what is the matter", () => {
    const text = (...names: (keyof typeof KINDS)[]): string => {
        const { mood, counts } = status([property("p", names.map((name) => KINDS[name]))]);
        return statusText({ mood, counts, errors: 0 });
    };
    assert.equal(text("proved", "proved", "violated as expected"), "$(pass) qnn 3");
    assert.equal(text("proved", "violated"), "$(error) qnn 1 of 2");
    assert.equal(text("proved", "proved, not expected"), "$(error) qnn 1 of 2");
    assert.equal(text("proved", "cancelled", "cancelled", "cancelled"), "$(question) qnn 1/4");
    assert.equal(text("proved", "timeout"), "$(question) qnn 1/2");
    assert.equal(text("proved", "stale"), "$(history) qnn 1/2");
    assert.equal(text("proved", "unverified"), "$(circle-outline) qnn 1/2");
    assert.equal(text("proved", "running", "queued", "violated"), "$(sync~spin) qnn 2/4 $(error) 1");
    assert.equal(text("proved", "error"), "$(error) qnn 1 of 2");
    assert.equal(statusText({ mood: "none", counts: counts(), errors: 0 }), "qnn");
    assert.equal(statusText({ mood: "error", counts: counts({ proved: 3 }), errors: 1 }), "$(error) qnn 1 error");
    assert.equal(statusText({ mood: "error", counts: counts({ proved: 3, violated: 1, unexpected: 1 }), errors: 2 }), "$(error) qnn 2 errors");
});

test("the counts are said to those who don't see the signs", () => {
    const standing = { mood: "error" as const, counts: counts({ proved: 1, violated: 2, unverified: 1, unknown: 4, cancelled: 3, unexpected: 2 }), errors: 1 };
    assert.equal(
        statusSpoken(standing),
        "1 proved, 2 violated, 1 unknown, 3 cancelled, 1 not verified; 2 not as expected; the spec has 1 error",
    );
    assert.equal(inWords(counts()), "no properties");
});

test("a verdict says who gave it, and a proof what it rests on", () => {
    const trust = { kind: "certificate", text: "a certificate of 12 nodes, checked" };
    assert.equal(
        provenance(instance("p", "proved", { trust, cached: true })),
        "by search, on a certificate of 12 nodes, checked, in 250 ms, remembered",
    );
    assert.equal(provenance(instance("p", "violated", { trust })), "by search, in 250 ms");
    assert.equal(provenance(instance("p", "unverified")), "");
});

test("a measure shows its value, and what is running how far it is", () => {
    const of = (text: string): InstanceStatus["measure"] => ({ text, found: null, bound: null, complete: false });
    assert.equal(standing(instance("m", "proved", { measure: of("= 1.25") })), "= 1.25");
    assert.equal(standing(instance("m", "timeout", { measure: of("0.55 … 0.58") })), "0.55 … 0.58, timed out");
    assert.equal(standing(instance("m", "timeout", { measure: of("") })), "timed out");
    assert.equal(answer(instance("p", "proved")), undefined);
    assert.equal(standing(instance("p", "violated", { asExpected: true, expected: "violated" })), "violated, as expected");
    assert.equal(standing(KINDS.cancelled), "cancelled");
    const now = { elapsed: 12, elapsedText: "12 s", remaining: 48, remainingText: "48 s", share: 0.375, found: null, bound: null, text: "0.55 … 0.58, 37 %" };
    const running = instance("m", "running", { progress: now });
    assert.equal(standing(running), "running, 0.55 … 0.58, 37 %, for 12 s, at most 48 s left");
    const late = instance("p", "running", { progress: { ...now, elapsed: 0.5, elapsedText: "500 ms", text: null } });
    assert.equal(progress(late), "for 500 ms, at most 48 s left");
    assert.equal(progress(instance("p", "running", { progress: { ...now, remaining: null, remainingText: null, text: null } })), "for 12 s");
    assert.equal(longestRunning([late, running, KINDS.proved]), running);
    const bar = (longest: InstanceStatus): string => statusText({ mood: "running", counts: counts({ proved: 1, running: 2 }), errors: 0, longest });
    assert.equal(bar(running), "$(sync~spin) qnn 1/3 · 0.55 … 0.58, 37 %, 12 s");
    assert.equal(bar(late), "$(sync~spin) qnn 1/3");
    assert.equal(progress(instance("p", "queued")), undefined);
});
