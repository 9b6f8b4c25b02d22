/** What the view of the property at the cursor shows. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspected } from "../src/inspector/model";
import type { NetworkView } from "../src/protocol.generated";
import { instance, property } from "./samples";

const of = (i: number, bits: number) => ({ parameters: [{ name: "i", text: String(i) }, { name: "bits", text: String(bits) }] });

test("a family of two parameters is a grid, whose holes are empty", () => {
    const all = [instance("p(0, 4)", "proved", of(0, 4)), instance("p(0, 6)", "violated", of(0, 6)), instance("p(1, 4)", "timeout", of(1, 4)), instance("p(2, 4)", "stale", of(2, 4))];
    const { grid, chosen } = inspected("file:///a.qnn", property("p", all), undefined, undefined);
    assert.deepEqual([grid?.rowName, grid?.columnName, grid?.columns], ["i", "bits", ["4", "6"]]);
    assert.deepEqual(grid?.rows.map(({ name, cells }) => [name, ...cells.map((cell) => cell?.text ?? null)]), [["0", "✓", "✗"], ["1", "?", null], ["2", "⟳", null]]);
    // What is wrong is looked at first.
    assert.equal(chosen?.name, "p(0, 6)");
    assert.equal(inspected("file:///a.qnn", property("p", all), "p(1, 4)", undefined).chosen?.name, "p(1, 4)");
});

test("an answer of an earlier text is not shown as if it were current", () => {
    const measure = { text: "= 1.25", found: null, bound: null, complete: true };
    const cells = (state: "proved" | "stale") => inspected("file:///a.qnn", property("m", [instance("m", state, { measure })]), undefined, undefined).list.map(({ text }) => text);
    assert.deepEqual([cells("proved"), cells("stale")], [["= 1.25"], ["⟳"]]);
});

test("what is undecided says on what engines split, and nothing of another instance", () => {
    const neurons = { all: 32, fixed: 3, stable: 28, atLeast: 4, atGreatest: 0 };
    const network = { instance: "p", layers: [{ name: "h", operation: "as T", within: { neurons } }, { name: "", operation: "relu", within: { neurons: { ...neurons, stable: 32 } } }] } as unknown as NetworkView;
    const facts = (name: string, state: "timeout" | "proved") => new Map(inspected("file:///a.qnn", property(name, [instance(name, state)]), undefined, network).chosen?.facts);
    assert.equal(facts("p", "timeout").get("Splits"), "unstable neurons, on which engines split: h: 4 of 32");
    assert.equal(facts("q", "timeout").get("Splits"), undefined);
    assert.equal(facts("p", "proved").get("Splits"), undefined);
});
