import assert from "node:assert/strict";
import { test } from "node:test";
import { counterexamples, propertyAt, Store } from "../src/store";
import { instance, property, status } from "./samples";

const names = (store: Store): string[] =>
    (store.specs.get("file:///a.qnn")?.properties ?? []).flatMap((p) => p.instances.map((i) => `${i.name} ${i.state}`));

test("a partial status replaces properties and merges instances by name", () => {
    const store = new Store();
    store.take(status([property("p", [instance("p(1)", "queued"), instance("p(2)", "queued")]), property("q", [instance("q", "proved")])]));
    const change = store.take(status([property("p", [instance("p(2)", "violated")], { detail: "new" })], { complete: false }));
    assert.deepEqual(names(store), ["p(1) queued", "p(2) violated", "q proved"]);
    assert.equal(store.specs.get("file:///a.qnn")?.properties[0]?.detail, "new");
    assert.equal(change?.structure, false);
    assert.deepEqual(change.instances.map((i) => i.instance.name), ["p(2)"]);
});

test("a complete status forgets what it does not mention", () => {
    const store = new Store();
    store.take(status([property("p", [instance("p", "proved")]), property("q", [instance("q", "proved")])]));
    assert.equal(store.take(status([property("q", [instance("q", "stale")])]))?.structure, true);
    assert.deepEqual(names(store), ["q stale"]);
});

test("what is old, of another version, or partial without a whole is not believed", () => {
    const store = new Store();
    const old = status([property("p", [instance("p", "proved")])]);
    store.take(status([property("p", [instance("p", "stale")])]));
    assert.equal(store.take(old), undefined);
    assert.equal(store.take(status([property("p", [instance("p", "proved")])], { version: 1 })), undefined);
    assert.equal(store.take(status([property("r", [instance("r", "proved")])], { complete: false, uri: "file:///b.qnn" })), undefined);
    assert.deepEqual(names(store), ["p stale"]);
});

test("a closed spec, and everything once the server is gone, is forgotten", () => {
    const store = new Store();
    store.take(status([property("p", [instance("p", "proved")])]));
    assert.equal(store.take(status([], { documentVersion: null }))?.spec, undefined);
    assert.equal(store.specs.size, 0);
    store.take(status([property("p", [instance("p", "proved")])]));
    assert.deepEqual(store.clear(), ["file:///a.qnn"]);
    assert.equal(store.specs.size, 0);
    // Another server counts from the beginning.
    assert.ok(store.take(status([property("p", [instance("p", "proved")])], { sequence: 0 })));
});

test("a spec without properties is known, not closed", () => {
    const store = new Store();
    assert.deepEqual(store.take(status([]))?.spec?.properties, []);
});

test("the property at the cursor is the one around it, else the next, else the last", () => {
    const at = (line: number, end: number): { itemRange: ReturnType<typeof property>["itemRange"] } => ({
        itemRange: { start: { line, character: 0 }, end: { line: end, character: 1 } },
    });
    const store = new Store();
    store.take(status([property("p", [instance("p", "proved")], at(2, 4)), property("q", [instance("q", "proved")], at(8, 9))]));
    const spec = store.specs.get("file:///a.qnn");
    assert.deepEqual([0, 2, 4, 6, 9, 20].map((line) => propertyAt(spec, line)?.name), ["p", "p", "p", "q", "q", "q"]);
    assert.equal(propertyAt(undefined, 0), undefined);
});

test("a property without a counterexample leads to those that nobody expects, else to any", () => {
    const shown = (name: string, asExpected: boolean) => instance(name, "violated", { hasCounterexample: true, asExpected });
    const [own, bad, fine, none] = [
        property("own", [shown("own", true)]),
        property("bad", [shown("bad", false)]),
        property("fine", [shown("fine", true)]),
        property("none", [instance("none", "proved")]),
    ];
    const of = (p: typeof own, spec: (typeof own)[]): string[] => counterexamples(p, spec).map((i) => i.name);
    assert.deepEqual(of(own, [own, bad, none]), ["own"]);
    assert.deepEqual(of(none, [own, bad, none]), ["bad"]);
    assert.deepEqual(of(none, [own, fine, none]), ["own", "fine"]);
    assert.deepEqual(of(none, [none]), []);
});
