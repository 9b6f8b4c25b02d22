import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, inWords, mood, provenance, seconds, statusSpoken, statusText } from "../src/words";
import { counts, instance } from "./samples";

test("only a spec of which everything is final and as expected looks like success", () => {
    assert.equal(mood(counts({ proved: 3 }), 0), "good");
    assert.equal(mood(counts({ proved: 2, violated: 1 }), 0), "good", "a violation that is expected");
    for (const [what, some] of Object.entries({
        violated: { proved: 3, violated: 1, unexpected: 1 },
        timeout: { proved: 3, timeout: 1, unexpected: 1 },
        stale: { proved: 3, stale: 1 },
        unverified: { proved: 3, unverified: 1 },
        queued: { proved: 3, queued: 1 },
        nothing: {},
    })) {
        assert.notEqual(mood(counts(some), 0), "good", what);
        assert.doesNotMatch(statusText(counts(some), 0), /\$\(pass\)/, what);
    }
    assert.equal(mood(counts({ proved: 3 }), 1), "bad", "an error beside what is proved");
    assert.equal(mood(counts(), 1), "bad");
    assert.equal(statusText(counts({ proved: 3 }), 1), "$(error) qnn 1 error");
    assert.equal(statusText(counts({ proved: 3, violated: 1, unexpected: 1 }), 2), "$(error) qnn 2 errors");
});

test("the status bar counts, and says it to those who don't see it", () => {
    assert.equal(statusText(counts({ proved: 3 }), 0), "$(pass) qnn 3");
    assert.equal(statusText(counts({ proved: 3, violated: 1, unexpected: 1 }), 0), "$(error) qnn 1 of 4");
    assert.equal(statusText(counts({ proved: 3, stale: 1 }), 0), "$(history) qnn 3/4");
    assert.equal(statusText(counts({ proved: 1, running: 1, queued: 2, violated: 1, unexpected: 1 }), 0), "$(sync~spin) qnn 2/5 $(error) 1");
    assert.equal(statusText(counts(), 0), "qnn");
    assert.equal(
        statusSpoken(counts({ proved: 1, violated: 2, unverified: 1, unexpected: 1 }), 1),
        "1 proved, 2 violated, 1 not verified; 1 not as expected; the spec has 1 error",
    );
    assert.equal(inWords(counts()), "no properties");
});

test("times read well at every size", () => {
    assert.deepEqual(
        [0, -1, NaN, 0.0001, 0.0042, 0.0123, 0.25, 1, 9.94, 9.96, 59.4, 59.6, 60, 125.2, 3600].map(seconds),
        ["0 s", "0 s", "0 s", "1 ms", "4 ms", "0.012 s", "0.25 s", "1 s", "9.9 s", "10 s", "59 s", "1 min", "1 min", "2 min 5 s", "60 min"],
    );
});

test("a verdict says who gave it, and a proof what it rests on", () => {
    const trust = { kind: "certificate", text: "a certificate of 12 nodes, checked" };
    assert.equal(
        provenance(instance("p", "proved", { trust, cached: true })),
        "by search, on a certificate of 12 nodes, checked, in 0.25 s, remembered",
    );
    assert.equal(provenance(instance("p", "violated", { trust })), "by search, in 0.25 s");
    assert.equal(provenance(instance("p", "unverified")), "");
});

test("a measure's answer claims no more than is known", () => {
    const one = { exact: "1", text: "1", value: 1 };
    const more = { exact: "3/2", text: "1.5", value: 1.5 };
    const of = (found: typeof one | null, bound: typeof one | null, complete = false): string | undefined =>
        answer(instance("m", "timeout", { measure: { found, bound, complete } }));
    assert.equal(of(one, one, true), "1");
    assert.equal(of(one, more), "between 1 and 1.5");
    assert.equal(of(more, one), "between 1 and 1.5", "of a minimum");
    assert.equal(of(one, null), "1 is attained");
    assert.equal(of(null, more), "not beyond 1.5");
    assert.equal(of(null, null), undefined);
    assert.equal(answer(instance("p", "proved")), undefined);
});
