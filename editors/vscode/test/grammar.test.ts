/**
 * The TextMate grammar: scopes asserted line by line in `test/grammar/scopes.qnn`, and the shipped examples scanned as a whole.
 *
 * In the file of scopes, a comment line `//  ^^^ scope` says what the text above the carets is; `!scope` says what it is not.
 */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";
import oniguruma from "vscode-oniguruma";
import textmate, { type IGrammar, type IToken } from "vscode-textmate";

const require = createRequire(import.meta.url);

async function load(): Promise<IGrammar> {
    await oniguruma.loadWASM(readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm")));
    const registry = new textmate.Registry({
        onigLib: Promise.resolve({
            createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
            createOnigString: (text) => new oniguruma.OnigString(text),
        }),
        loadGrammar: (scope) => {
            assert.equal(scope, "source.qnn");
            const file = "syntaxes/qnn.tmLanguage.json";
            return Promise.resolve(textmate.parseRawGrammar(readFileSync(file, "utf8"), file));
        },
    });
    const grammar = await registry.loadGrammar("source.qnn");
    assert.ok(grammar);
    return grammar;
}

const grammar = await load();

interface Line {
    text: string;
    tokens: IToken[];
    depth: number;
}

function scan(text: string): Line[] {
    let stack = textmate.INITIAL;
    return text.split(/\r?\n/).map((line) => {
        const result = grammar.tokenizeLine(line, stack);
        stack = result.ruleStack;
        return { text: line, tokens: result.tokens, depth: stack.depth };
    });
}

test("scopes are as the file of scopes says", () => {
    const lines = readFileSync("test/grammar/scopes.qnn", "utf8").split("\n");
    const code = lines.filter((line) => !/^\/\/ *\^/.test(line));
    const scanned = scan(code.join("\n"));
    let at = -1;
    let claims = 0;
    for (const line of lines) {
        const claim = /^\/\/( *)(\^+) (!?)(\S+)$/.exec(line);
        if (claim === null) {
            at++;
            continue;
        }
        const [, before = "", carets = "", not, scope = ""] = claim;
        const start = before.length + 2;
        for (let column = start; column < start + carets.length; column++) {
            const token = scanned[at]?.tokens.find((t) => t.startIndex <= column && column < t.endIndex);
            const has = token?.scopes.includes(scope) ?? false;
            const place = `\n${scanned[at]?.text ?? ""}\n${line}\n${token?.scopes.join(" ") ?? "nothing there"}`;
            assert.equal(has, not === "", place);
        }
        claims++;
    }
    assert.ok(claims > 60, `${claims} claims`);
});

const KEYWORDS =
    "type enum const dataset network params let def property find measure forall exists where in and or not as use maximize minimize largest such that over from raw true false lsb import".split(" ");

// Names elsewhere, and coloured where their clauses stand.
const SOMETIMES = ["tensor", "column", "within", "share", "average", "of", "packed"];

test("in the shipped examples every keyword, number, text and comment is one, and all blocks end", () => {
    const examples = path.resolve("../../examples");
    assert.ok(existsSync(examples), "the examples are beside the extension's folder");
    const files = readdirSync(examples, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".qnn"));
    assert.ok(files.length >= 3);
    for (const file of files) {
        const lines = scan(readFileSync(path.join(examples, file), "utf8"));
        assert.equal(lines.at(-1)?.depth, 1, `${file}: a block or text is still open at the end`);
        lines.forEach(({ text, tokens }, number) => {
            const within = (index: number, scope: RegExp): boolean =>
                tokens.some((t) => t.startIndex <= index && index < t.endIndex && t.scopes.some((s) => scope.test(s)));
            const comment = /^((?:[^"/]|"(?:\\.|[^"])*"|\/(?!\/))*)\/\//.exec(text);
            const end = comment === null ? text.length : (comment[1]?.length ?? 0);
            if (comment !== null) assert.ok(within(end, /^comment\.line/), `${file}:${number + 1}: the comment`);
            for (const { 0: word, index } of text.slice(0, end).matchAll(/(?<![\w.])[A-Za-z_]\w*|\b\d[\d_]*(\.\d+)?\b/g)) {
                if (within(index, /^string/)) continue;
                const place = `${file}:${number + 1}: ${word}`;
                assert.ok(!within(index, /^comment/), place);
                if (/^\d/.test(word)) assert.ok(within(index, /^constant\.numeric/), place);
                else if (KEYWORDS.includes(word)) assert.ok(within(index, /^(keyword|storage|constant\.language)/), place);
                else if (!SOMETIMES.includes(word)) assert.ok(!within(index, /^(keyword|storage)/), place);
            }
        });
    }
});
