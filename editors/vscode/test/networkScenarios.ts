/** Scenarios of the network view. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { accessible } from "./axe";
import { opened } from "./fileScenarios";
import type { Scenario } from "./scenarios";

const at = (...names: string[]): string => path.resolve("../..", ...names);
const digits = ["digits.qnn", "digits.npz", "deep.npz", "test_images.npy", "test_labels.npy"].map((name) => at("examples", "digits", name));
const tiny = at("tests", "fixtures", "models", "tiny.tflite");

const THEMES = ["Default Light Modern", "Default Dark Modern", "Default High Contrast"];

export const networkScenarios: Scenario[] = [
    ...THEMES.map((theme, i): Scenario => ({
        name: `a network's layers as a graph, with the text both ways (${theme})`,
        options: { copy: digits, settings: { "workbench.colorTheme": theme, "qnn.verification.run": "never" } },
        async run(w) {
            await w.file("digits.qnn");
            await w.until("it is read", async () => (await w.signs()).length > 0);
            await w.line(1);
            const view = w.view();
            await w.clickLens("Show layers", view.getByRole("heading", { name: /^digits</ }));
            const node = (index: number) => view.locator(`#node-${index}`);
            // input, x, dense, relu, h, dense, as.
            await w.until("seven nodes", async () => (await view.locator(".node").count()) === 7);
            assert.match((await node(4).getAttribute("aria-label")) ?? "", /^4: h, as ufixed<\d, \d>, .* neurons/);
            // A click leads to the text.
            await node(4).click();
            await view.getByRole("heading", { name: /^4: h, as/ }).waitFor();
            const text = readFileSync(path.join(w.workspace, "digits.qnn"), "utf8").split("\n");
            const line = text.findIndex((one) => /^\s*let h = /.test(one)) + 1;
            await w.until("the layer's place in the text", async () => (await w.page.locator(".active-line-number").first().textContent()) === String(line));
            // The arrow keys lead along the lines.
            await node(4).focus();
            await w.page.keyboard.press("ArrowDown");
            await view.getByRole("heading", { name: /^5: dense 32 → 10/ }).waitFor();
            // What a property speaks of makes ranges narrower.
            await view.getByLabel("Inputs", { exact: true }).selectOption({ index: 1 });
            await view.getByRole("columnheader", { name: "The inputs of the instance" }).waitFor();
            await accessible(w, (await view.getByRole("heading", { level: 1 }).textContent()) ?? "");
            await w.screenshot(`network-${i}`);
            if (i === 0) {
                await w.page.setViewportSize({ width: 760, height: 900 });
                await w.page.waitForTimeout(1000);
                await w.screenshot("network-narrow");
            }
        },
    })),
    {
        name: "the cursor marks its layer, and the view follows the text",
        options: { copy: digits, settings: { "qnn.verification.run": "never" } },
        async run(w) {
            await w.file("digits.qnn");
            await w.until("it is read", async () => (await w.signs()).length > 0);
            const lines = readFileSync(path.join(w.workspace, "digits.qnn"), "utf8").split("\n");
            const line = lines.findIndex((text) => /^\s*let h = /.test(text)) + 1;
            const view = w.view();
            await w.command("qnn: Show Network");
            await view.locator(".node").first().waitFor();
            await w.page.locator(".tab", { hasText: "digits.qnn" }).click();
            await w.line(line, 9);
            await w.until("the layer is marked", async () => ((await view.locator(".node.chosen").getAttribute("aria-label")) ?? "").startsWith("4: h"));
            // Another weight format, and the view tells the bits of it.
            await w.line(line, (lines[line - 1] ?? "").length + 1);
            await w.page.keyboard.type(" nonsense");
            await view.locator(".warning", { hasText: "This is of an earlier text." }).waitFor();
            await w.page.keyboard.press("Control+z");
            await view.locator(".warning", { hasText: "This is of an earlier text." }).waitFor({ state: "hidden" });
        },
    },
    {
        name: "an imported model's layers as a graph",
        options: { copy: [tiny] },
        async run(w) {
            await opened(w, "tiny.tflite");
            const view = w.view();
            await view.locator("main").getByText("It can be verified, bit for bit.").waitFor();
            await w.command("qnn: Show Network");
            const page = w.page.frameLocator("iframe.webview.ready >> nth=1").frameLocator("#active-frame");
            await page.locator(".node").nth(2).waitFor();
            assert.match((await page.locator("#node-1").getAttribute("aria-label")) ?? "", /^1: hidden, FULLY_CONNECTED, \[3\] 8 bits, sums \d+ of 32 bits, /);
            await accessible(w, "tiny.tflite");
            await w.screenshot("network-model");
        },
    },
    ...THEMES.map((theme, i): Scenario => ({
        name: `a counterexample layer by layer (${theme})`,
        options: { copy: digits, settings: { "workbench.colorTheme": theme, "qnn.verification.run": "never" } },
        async run(w) {
            await w.file("digits.qnn");
            const text = readFileSync(path.join(w.workspace, "digits.qnn"), "utf8").split("\n");
            await w.until("it is read", async () => (await w.signs()).length > 0);
            await w.line(text.findIndex((line) => line.startsWith("property fooled_with_four_bits")) + 1, 12);
            await w.command("qnn: Verify Property at Cursor");
            const view = w.view();
            await w.clickLens("Show counterexample", view.getByRole("heading", { name: "Counterexample" }));
            await view.getByRole("heading", { name: "Layer by layer" }).waitFor();
            const rows = view.locator("#layers tbody tr");
            await w.until("input and six layers", async () => (await rows.count()) === 7);
            await view.getByText(/^\d+ of 64 inputs differ\./).waitFor();
            await view.getByRole("button", { name: "Show h, as ufixed<4, 2>" }).click();
            await view.getByRole("heading", { name: "h, as ufixed<4, 2>" }).waitFor();
            await view.getByRole("group", { name: "Numbers of h, as ufixed<4, 2>" }).scrollIntoViewIfNeeded();
            await accessible(w, "Counterexample");
            await w.page.waitForTimeout(500);
            await w.screenshot(`trace-${i}`);
        },
    })),
    {
        name: "a question about a network is written by a code action, and has verdicts",
        options: { copy: digits, settings: { "qnn.verification.run": "never" } },
        async run(w) {
            await w.file("digits.qnn");
            const text = readFileSync(path.join(w.workspace, "digits.qnn"), "utf8").split("\n");
            await w.until("it is read", async () => (await w.signs()).length > 0);
            await w.line(text.findIndex((line) => line.startsWith("network digits")) + 1, 10);
            const menu = w.page.locator(".action-widget");
            await w.press("the key", () => w.page.keyboard.press("Control+."), menu);
            await menu.getByText("Sweep the bits of `digits`").waitFor();
            await w.screenshot("actions");
            // The first one, by the keyboard: what catches a click beside the menu lies over it.
            await menu.locator(".focused", { hasText: "Ask whether `digits<4>` is robust" }).waitFor();
            await w.page.keyboard.press("Enter");
            await w.line(text.length + 3, 12);
            await w.told("digits_is_robust", "not verified").waitFor();
            await w.command("qnn: Verify Property at Cursor");
            await w.told("digits_is_robust", /\d proved|violated/).waitFor();
        },
    },
    {
        name: "a view follows the cursor from property to property, unless it is pinned",
        options: { copy: digits, settings: { "qnn.verification.run": "never" } },
        async run(w) {
            await w.file("digits.qnn");
            const text = readFileSync(path.join(w.workspace, "digits.qnn"), "utf8").split("\n");
            const at = (name: string): number => text.findIndex((line) => line.startsWith(`property ${name}`)) + 1;
            await w.until("it is read", async () => (await w.signs()).length > 0);
            await w.command("qnn: Focus on Property at Cursor View");
            const view = w.view();
            const tab = w.page.locator(".tab", { hasText: "digits.qnn" });
            await tab.click();
            await w.line(at("fooled_with_four_bits"), 12);
            await view.getByRole("heading", { name: "fooled_with_four_bits", exact: true }).waitFor();
            await w.command("qnn: Verify Property at Cursor");
            await w.until("verdicts", async () => (await view.locator(".cell.passed").count()) === 2);
            await view.getByRole("button", { name: /i = 33.*, violated/ }).click();
            await view.getByRole("heading", { name: "fooled_with_four_bits(i = 33)" }).waitFor();
            await view.locator("dt", { hasText: "Decided" }).waitFor();
            await accessible(w, "fooled_with_four_bits");
            await w.screenshot("inspector");
            await view.getByRole("button", { name: "Pin" }).click();
            await view.locator('#pin[aria-pressed="true"]').waitFor();
            await tab.click();
            await w.line(at("robust("), 12);
            assert.equal(await view.getByRole("heading", { level: 1 }).textContent(), "fooled_with_four_bits");
            await view.getByRole("button", { name: "Pin" }).click();
            await view.locator('#pin[aria-pressed="false"]').waitFor();
            await tab.click();
            await w.line(at("robust_with_four_bits"), 12);
            await view.getByRole("heading", { name: "robust_with_four_bits", exact: true }).waitFor();
        },
    },
];
