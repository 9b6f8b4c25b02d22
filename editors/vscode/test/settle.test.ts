import assert from "node:assert/strict";
import { test } from "node:test";
import type { InstanceStatus, Status } from "../src/protocol.generated";
import { outcome, Waiting } from "../src/settle";
import { Store } from "../src/store";
import { instance, property, status } from "./samples";

/** A request for p and q, with what it was told. */
function request(first: InstanceStatus[] = [instance("p", "unverified"), instance("q", "unverified")]): {
    waiting: Waiting;
    told: string[];
    say: (...instances: InstanceStatus[]) => void;
    take: (message: Status) => void;
    store: Store;
} {
    const store = new Store();
    store.take(status(first.map((i) => property(i.name, [i]))));
    const told: string[] = [];
    const waiting = new Waiting("file:///a.qnn", first, (of, result) => told.push(`${typeof of === "string" ? of : of.name} ${result}`));
    const take = (message: Status): void => {
        const change = store.take(message);
        if (change !== undefined) waiting.changed(change);
    };
    const say = (...instances: InstanceStatus[]): void => {
        take(status(instances.map((i) => property(i.name, [i]))));
    };
    return { waiting, told, say, take, store };
}
const spec = (r: ReturnType<typeof request>): Parameters<Waiting["answered"]>[1] => r.store.specs.get("file:///a.qnn");

test("each instance gets one outcome, and the request is done", () => {
    const r = request();
    r.waiting.answered([7], spec(r));
    r.say(instance("p", "running", { run: 7 }), instance("q", "queued", { run: 7 }));
    r.say(instance("p", "proved", { run: 7 }), instance("q", "running", { run: 7 }));
    assert.equal(r.waiting.done, false);
    r.say(instance("p", "proved", { run: 7 }), instance("q", "violated", { run: 7 }));
    assert.deepEqual(r.told, ["p started", "q enqueued", "p passed", "q started", "q failed"]);
    assert.equal(r.waiting.done, true);
});

test("notifications that come before the answer count", () => {
    const r = request();
    r.say(instance("p", "running", { run: 7 }), instance("q", "queued", { run: 7 }));
    r.say(instance("p", "proved", { run: 7 }), instance("q", "stale", { run: 7 }));
    r.waiting.answered([7], spec(r));
    assert.deepEqual(r.told, ["p started", "q enqueued", "p passed", "q skipped"]);
    assert.equal(r.waiting.done, true);
});

test("an answer that comes before the notifications ends nothing", () => {
    const r = request();
    r.waiting.answered([7], spec(r));
    // What the spec was like before the run began.
    r.say(instance("p", "unverified"), instance("q", "unverified"));
    assert.equal(r.waiting.done, false);
    r.say(instance("p", "proved", { run: 7 }), instance("q", "proved", { run: 7 }));
    assert.equal(r.waiting.done, true);
});

test("an earlier verdict is not this run's", () => {
    const r = request([instance("p", "violated", { run: 3 })]);
    r.waiting.answered([7], spec(r));
    r.say(instance("p", "violated", { run: 3 }));
    assert.deepEqual(r.told, []);
    r.say(instance("p", "proved", { run: 7 }));
    assert.deepEqual(r.told, ["p passed"]);
});

test("what needs no run is told as it stands", () => {
    const r = request([instance("p", "proved")]);
    r.waiting.answered([], spec(r));
    assert.deepEqual(r.told, ["p passed"]);
});

test("no spinner survives: refused, edited, gone, closed", () => {
    const refused = request();
    refused.waiting.answered(undefined, spec(refused));
    assert.deepEqual(refused.told, ["p skipped", "q skipped"]);

    const edited = request();
    edited.waiting.answered([7], spec(edited));
    edited.say(instance("p", "running", { run: 7 }), instance("q", "running", { run: 7 }));
    edited.say(instance("p", "stale", { run: 7 }));
    assert.deepEqual(edited.told.slice(2), ["p skipped", "q skipped"]);

    const closed = request();
    closed.waiting.answered([7], spec(closed));
    closed.say(instance("p", "running", { run: 7 }), instance("q", "running", { run: 7 }));
    closed.take(status([], { documentVersion: null }));
    assert.deepEqual(closed.told.slice(2), ["p skipped", "q skipped"]);
    assert.ok(refused.waiting.done && edited.waiting.done && closed.waiting.done);
});

test("outcomes: only what is as expected passes, and what was cancelled is not skipped over", () => {
    assert.equal(outcome(instance("p", "proved")), "passed");
    assert.equal(outcome(instance("p", "violated", { expected: "violated", asExpected: true })), "passed");
    assert.equal(outcome(instance("p", "proved", { expected: "violated", asExpected: false })), "failed");
    assert.equal(outcome(instance("p", "violated")), "failed");
    assert.equal(outcome(instance("p", "vacuous")), "failed");
    assert.equal(outcome(instance("p", "timeout")), "errored");
    assert.equal(outcome(instance("p", "unknown", { cancelled: true })), "errored");
    assert.equal(outcome(instance("p", "stale", { verdict: "proved" })), "skipped");
});
