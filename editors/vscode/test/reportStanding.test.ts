import assert from "node:assert/strict";
import { test } from "node:test";
import { fingerprint, outdated } from "../src/reportStanding";
import { inPanel } from "../src/reportPage";
import { type Spec, Store } from "../src/store";
import { instance, property, status } from "./samples";

/** The spec whose p and q are in these states. */
function spec(p: Parameters<typeof instance>[1], q: Parameters<typeof instance>[1]): Spec | undefined {
    const store = new Store();
    store.take(status([property("p", [instance("p", p)]), property("q", [instance("q", q)])]));
    return store.specs.get("file:///a.qnn");
}

test("a report of what is known needs no word; of anything else it gets one", () => {
    const made = fingerprint(spec("proved", "violated"), undefined);
    assert.equal(outdated(made, spec("proved", "violated"), undefined), undefined);
    for (const state of ["stale", "queued", "running", "unverified", "error"] as const) {
        const now = outdated(made, spec("proved", state), undefined);
        assert.match(now?.notice ?? "", /^This report is of an earlier text of the spec\. /, state);
        assert.equal(now?.settled, false, state);
    }
    for (const state of ["proved", "timeout", "unknown", "vacuous"] as const) {
        assert.equal(outdated(made, spec("proved", state), undefined)?.settled, true, `${state}: it is made anew`);
    }
    assert.match(outdated(made, undefined, undefined)?.notice ?? "", /closed/);
});

test("a report of one property does not care for others, and misses its own", () => {
    const made = fingerprint(spec("proved", "violated"), "p");
    assert.equal(outdated(made, spec("proved", "stale"), "p"), undefined);
    assert.equal(outdated(made, spec("stale", "violated"), "p")?.settled, false);
    assert.match(outdated(fingerprint(spec("proved", "proved"), "r") + "!", spec("proved", "proved"), "r")?.notice ?? "", /no r any more/);
});

test("the word stands at the top of the page, as text", () => {
    const page = "<html><head></head><body class=x><h1>Report</h1></body></html>";
    assert.match(inPanel(page, false, "a < b"), /<body class=x><style>[^]*<p class="qnn-notice" role="status">a &lt; b<\/p><h1>/);
    assert.doesNotMatch(inPanel(page, false), /qnn-notice/);
});
