/** What package.json promises, and the files that it names. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

interface Manifest {
    contributes: {
        commands: { command: string }[];
        menus: Record<string, { command?: string; submenu?: string }[]>;
        submenus: { id: string }[];
        keybindings: { command: string; key: string; mac: string }[];
        configurationDefaults: Record<string, Record<string, unknown>>;
        configuration: { properties: Record<string, { default: unknown; description?: string; markdownDescription?: string }> }[];
        walkthroughs: { steps: { description: string; media: { markdown: string } }[] }[];
    };
    devDependencies: Record<string, string>;
}

const text = (file: string): string => readFileSync(file, "utf8");
const manifest = JSON.parse(text("package.json")) as Manifest;
const contributed = manifest.contributes.commands.map((c) => c.command);

test("every command that is offered is there, and none takes a name of the server's", () => {
    const source = text("src/commands.ts");
    const registered = [...source.matchAll(/^ {8}"(qnn\.\w+)":/gm)].map((m) => m[1] ?? "");
    assert.deepEqual([...registered].sort(), [...contributed].sort());
    const servers = ["verify", "verifyAll", "verifyFailed", "cancel", "showCounterexample", "report", "explain", "showNetwork", "createSpec", "status", "clearCache"];
    for (const name of servers) assert.ok(!contributed.includes(`qnn.${name}`), name);
    const links = manifest.contributes.walkthroughs.flatMap((w) => w.steps.flatMap((s) => [...s.description.matchAll(/command:(qnn\.\w+)/g)]));
    const items = Object.values(manifest.contributes.menus).flat();
    for (const { submenu } of items) if (submenu !== undefined) assert.ok(manifest.contributes.submenus.some(({ id }) => id === submenu), submenu);
    const keys = manifest.contributes.keybindings;
    assert.equal(new Set(keys.map(({ key }) => key)).size, keys.length, "one command a key");
    const readme = text("README.md");
    for (const { key } of keys) assert.ok(readme.includes(`\`${key.split(" ").map((part) => part.replace(/\b\w/g, (c) => c.toUpperCase())).join(" ")}\``), `README.md says nothing of ${key}`);
    const used = [...[...items, ...keys].flatMap((m) => m.command ?? []), ...links.map((m) => m[1] ?? "")];
    for (const name of used) assert.ok(contributed.includes(name), name);
});

test("every state has its sign, light and dark", () => {
    const states = ["running", "queued", "error", "violated", "vacuous", "timeout", "unknown", "stale", "unverified", "found", "none", "proved"];
    for (const state of states) for (const theme of ["light", "dark"]) assert.ok(existsSync(`icons/gutter/${state}-${theme}.svg`), `${state}-${theme}`);
});

test("the files that are named exist, and settings are described and documented", () => {
    for (const [file] of text("package.json").matchAll(/(?<=")(\.\/)?(icons|syntaxes|walkthrough)\/[^"]+(?=")/g)) assert.ok(existsSync(file), file);
    const readme = text("README.md");
    for (const section of manifest.contributes.configuration) {
        for (const [name, setting] of Object.entries(section.properties)) {
            assert.ok((setting.description ?? setting.markdownDescription ?? "").endsWith("."), name);
            assert.ok(readme.includes(`\`${name}\``), `README.md says nothing of ${name}`);
        }
    }
});

test("versions are pinned, and the lock names no registry", () => {
    for (const [name, version] of Object.entries(manifest.devDependencies)) assert.match(version, /^\d+\.\d+\.\d+$/, name);
    assert.doesNotMatch(text("package-lock.json"), /"resolved"|registry\./);
});

test("no line's hints are cut before the verdict", () => {
    assert.equal(manifest.contributes.configurationDefaults["[qnn]"]?.["editor.inlayHints.maximumLength"], 0);
});

test("snippets come once, from the server", () => {
    assert.ok(!("snippets" in manifest.contributes) && !existsSync("snippets"));
});
