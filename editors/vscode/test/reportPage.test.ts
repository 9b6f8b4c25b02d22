/** The report in the colours of the theme. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inPanel } from "../src/reportPage";

const style = readFileSync("../../compiler/core/src/report/html/page.css", "utf8");
const page = `<html><head><style>${style}</style></head><body><code>(prefers-color-scheme: dark)</code></body></html>`;

test("the theme decides on the colours, not the system, and the text stays as it is", () => {
    const [head = "", body = ""] = inPanel(page, true).split("</head>");
    assert.match(head, /@media \(min-width: 0\) \{\s+:root/);
    assert.match(head, /color-scheme: dark;/);
    assert.doesNotMatch(head, /prefers-color-scheme/);
    assert.match(body, /<code>\(prefers-color-scheme: dark\)<\/code>/);
    const light = inPanel(page, false);
    assert.match(light, /@media \(max-width: 0\) \{\s+:root/);
    assert.match(light, /color-scheme: light;/);
    // What is undone of the panel's styles comes after the page's own.
    assert.ok(light.indexOf("var(--ink); font: inherit") > light.indexOf(style.slice(-40)));
});
