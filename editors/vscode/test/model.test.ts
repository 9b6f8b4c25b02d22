import assert from "node:assert/strict";
import { test } from "node:test";
import type { BarSection, PictureSection, TableSection } from "../src/counterexample/model";
import { change, entry, MOST_ROWS, signed, view, warning } from "../src/counterexample/model";
import type { CounterexampleStatus, VariableStatus } from "../src/protocol.generated";
import { IMAGE, instance, property } from "./samples";

function sections(counterexample: CounterexampleStatus): ReturnType<typeof view>["sections"] {
    return view(property("p", []), instance("p", "violated"), counterexample, []).sections;
}

const table = (all: ReturnType<typeof sections>): TableSection => {
    const found = all.find((s) => s.kind === "table");
    assert.ok(found);
    return found;
};

test("an image is shown before, after, and as amplified difference, and every pixel has its words", () => {
    const [first, second] = sections(IMAGE) as [PictureSection, BarSection];
    assert.equal(first.kind, "pictures");
    assert.equal(first.note, "ufixed<8, 3>, raw integers 0 to 255; 1 of 4 differs, by at most 1 lsb");
    assert.deepEqual(first.pictures.map((p) => p.caption), ["Original", "x", "Difference, full colour = 1 lsb"]);
    // Both on one scale, black to white: 0 to 16.
    assert.deepEqual(first.pictures[1]?.pixels, [0, 0, 0, 16, 16, 16, 32, 32, 32, 255, 255, 255]);
    assert.deepEqual(first.pictures[0]?.pixels.slice(9), [253, 253, 253]);
    assert.deepEqual(first.pictures[2]?.pixels.slice(6), [245, 245, 245, 214, 0, 0]);
    assert.deepEqual(first.cells.map((c) => c.text), [
        "0, unchanged",
        "1 (raw 8), unchanged",
        "2 (raw 16), unchanged",
        "15.875 (raw 127) → 16 (raw 128), +1 lsb",
    ]);
    assert.equal(second.kind, "bars");
});

test("outputs are bars from zero on one scale, with the greatest marked where the property asks for it", () => {
    const bars = sections(IMAGE)[1] as BarSection;
    assert.equal(bars.note, "argmax eight → three, label eight; fixed<4, 1>, raw integers -8 to 7");
    assert.deepEqual(bars.series, ["Original", "Counterexample"]);
    assert.deepEqual(bars.rows.map((r) => [r.label, ...r.bars.flatMap((b) => [b.value, b.raw, b.greatest])]), [
        ["three", "2.5", "5", false, "3.5", "7", true],
        ["eight", "3.5", "7", true, "-2.5", "-5", false],
    ]);
    // −2.5 to 3.5: zero lies at 2.5 / 6.
    assert.equal(bars.zero, 2.5 / 6);
    assert.deepEqual(bars.rows.map((r) => [r.bars[1]?.from, r.bars[1]?.to]), [[2.5 / 6, 1], [0, 2.5 / 6]]);
    const call = IMAGE.calls[0];
    assert.ok(call);
    const silent = sections({ ...IMAGE, calls: [{ ...call, asksArgmax: false, center: null }] })[1] as BarSection;
    assert.deepEqual(silent.series, ["Output"]);
    assert.equal(silent.note, "fixed<4, 1>, raw integers -8 to 7");
    assert.ok(silent.rows.every((r) => r.bars.length === 1 && r.bars[0]?.greatest === false));
});

test("a tie for the greatest output is told of, before and after", () => {
    const call = IMAGE.calls[0];
    assert.ok(call?.center);
    const output = { raw: [7, 7], values: ["3.5", "3.5"], argmax: 0, ties: [0, 1] };
    const bars = sections({ ...IMAGE, calls: [{ ...call, output }] })[1] as BarSection;
    assert.match(bars.note, /^argmax eight → three \(a tie of three, eight\), label eight; /);
    const before = sections({ ...IMAGE, calls: [{ ...call, center: output }] })[1] as BarSection;
    assert.match(before.note, /^argmax three \(a tie of three, eight\) → three, label eight; /);
});

test("a centre that is wrong before any change is told of, with the class that was wanted", () => {
    const call = IMAGE.calls[0];
    assert.ok(call);
    const note = (more: Partial<typeof call>): string => (sections({ ...IMAGE, calls: [{ ...call, ...more }] })[1] as BarSection).note;
    assert.match(note({ wrongBefore: true }), /^argmax eight → three, label eight, wrong before any change; /);
    assert.match(note({ label: { index: 0, text: "three", excluded: true } }), /^argmax eight → three, any class but three; /);
    assert.match(note({ label: null }), /^argmax eight → three; /);
});

test("two calls of one kind are seen on one scale, two of different kinds are not", () => {
    const call = IMAGE.calls[0];
    assert.ok(call);
    const of = (text: string, values: string[], more = {}): typeof call => ({
        ...call,
        text,
        center: null,
        asksArgmax: false,
        output: { raw: [], values, argmax: null, ties: [] },
        ...more,
    });
    const both = sections({ ...IMAGE, variables: [], calls: [of("f(a)", ["1", "0"]), of("f(b)", ["4", "2"])] }) as BarSection[];
    assert.equal(both.length, 1);
    assert.equal(both[0]?.title, "Outputs f(a), f(b)");
    assert.deepEqual(both[0].rows.map((r) => r.bars.map((b) => b.to)), [[0.25, 1], [0, 0.5]]);
    const apart = sections({ ...IMAGE, variables: [], calls: [of("f(a)", ["1", "0"]), of("g(a)", ["4", "2"], { format: "int<9>" })] });
    assert.equal(apart.length, 2);
});

function vector(name: string, values: number[], more: Partial<VariableStatus> = {}): VariableStatus {
    return { name, shape: [values.length], labels: [null], format: "uint<4>", limits: [0, 15], raw: values, values: values.map(String), center: null, picture: null, ...more };
}

test("variables of one kind share a table, and what differs is marked", () => {
    const labels = [["gender", "lunch"]];
    const t = table(sections({ summary: "", variables: [vector("a", [0, 1], { labels }), vector("b", [1, 1], { labels })], calls: [] }));
    assert.equal(t.title, "Inputs a, b");
    assert.deepEqual(t.head, ["Entry", "a", "b", "Raw, a", "Raw, b"]);
    assert.deepEqual(t.rows, [
        { cells: ["gender", "0", "1", "0", "1"], changed: true },
        { cells: ["lunch", "1", "1", "1", "1"], changed: false },
    ]);
});

test("a vector near its centre is a table with differences", () => {
    const center = { raw: [3, 5], values: ["3", "5"], difference: [1, -2] };
    const t = table(sections({ summary: "", variables: [vector("x", [4, 3], { center })], calls: [] }));
    assert.equal(t.note, "uint<4>, raw integers 0 to 15; 2 of 2 differ, by at most 2 lsb");
    assert.deepEqual(t.rows.map((r) => r.cells), [["0", "3", "4", "+1", "3", "4"], ["1", "5", "3", "−2", "5", "3"]]);
});

test("integers that no number holds keep all their digits", () => {
    const raw = ["9223372036854775807", "-9223372036854775808"];
    const center = { raw: ["9223372036854775806", 0], values: ["a", "b"], difference: [1, "-9223372036854775808"] };
    const t = table(sections({ summary: "", variables: [{ ...vector("x", [0, 0], { center, limits: [raw[1] ?? 0, raw[0] ?? 0] }), raw, values: ["c", "d"] }], calls: [] }));
    assert.match(t.note, /raw integers -9223372036854775808 to 9223372036854775807; 2 of 2 differ, by at most 9223372036854775808 lsb/);
    assert.deepEqual(t.rows.map((r) => r.cells.slice(3)), [["+1", "9223372036854775806", raw[0]], ["−9223372036854775808", "0", raw[1]]]);
});

test("long tables keep what differs, and say what they leave out", () => {
    const values = Array.from({ length: MOST_ROWS + 10 }, () => 1);
    const difference = values.map((_, i) => (i === MOST_ROWS + 5 ? 1 : 0));
    const center = { raw: values, values: values.map(String), difference };
    const t = table(sections({ summary: "", variables: [vector("x", values, { center })], calls: [] }));
    assert.equal(t.rows.length, MOST_ROWS);
    assert.equal(t.omitted, 10);
    assert.equal(t.rows[0]?.cells[0], String(MOST_ROWS + 5));
});

test("a single number is a row without a name", () => {
    const t = table(sections({ summary: "", variables: [vector("n", [3], { shape: [], labels: [] })], calls: [] }));
    assert.deepEqual([t.head, t.rows[0]?.cells], [["n", "Raw, n"], ["3", "3"]]);
});

test("the server says what is a picture, whatever the shape", () => {
    const kinds = (more: Partial<VariableStatus>): string[] => sections({ summary: "", variables: [vector("x", [1, 2, 3, 4], more)], calls: [] }).map((s) => s.kind);
    const grid = { shape: [2, 2], labels: [null, null] };
    assert.deepEqual(kinds({ ...grid, picture: null }), ["table"]);
    assert.deepEqual(kinds({ ...grid, picture: { height: 2, width: 2, channels: 1 } }), ["pictures"]);
    assert.deepEqual(kinds({ picture: { height: 1, width: 4, channels: 1 } }), ["pictures"]);
});

test("colour images keep their colours, and their greatest difference", () => {
    const raw = [255, 0, 0, 255, 0, 0];
    const center = { raw: [255, 0, 0, 254, 0, 0], values: ["255", "0", "0", "254", "0", "0"], difference: [0, 0, 0, 1, 0, 0] };
    const variable: VariableStatus = { name: "x", shape: [3, 1, 2], labels: [null, null, null], format: "uint<8>", limits: [0, 255], raw, values: raw.map(String), center, picture: { height: 1, width: 2, channels: 3 } };
    const p = sections({ summary: "", variables: [variable], calls: [] })[0] as PictureSection;
    assert.deepEqual(p.pictures[1]?.pixels, [255, 0, 0, 0, 255, 0]);
    assert.deepEqual(p.pictures[2]?.pixels, [245, 245, 245, 214, 0, 0]);
    assert.equal(p.cells[1]?.text, "red 0, unchanged; green 254 → 255, +1 lsb; blue 0, unchanged");
});

test("entries are called by their axes' names", () => {
    const layout = { shape: [2, 3], labels: [["a", "b"], null], format: null, limits: null };
    assert.deepEqual([0, 2, 3, 5].map((i) => entry(layout, i)), ["a, 0", "a, 2", "b, 0", "b, 2"]);
});

test("a counterexample of an earlier text says so", () => {
    assert.equal(warning(instance("p", "violated")), undefined);
    for (const state of ["stale", "running", "queued", "unverified"] as const) {
        assert.match(warning(instance("p", state)) ?? "", /^This is of an earlier text of the spec\. ./);
    }
});

test("signs, and the least difference is seen beside the greatest", () => {
    assert.deepEqual([3, 0, -3].map(signed), ["+3", "0", "−3"]);
    assert.notDeepEqual(change(1, 100_000), change(0, 100_000));
});
