/** Scenarios of files that are no text: models and data. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { accessible } from "./axe";
import type { Scenario } from "./scenarios";
import type { Workbench } from "./workbench";

const at = (...names: string[]): string => path.resolve("../..", ...names);
const tiny = at("tests", "fixtures", "models", "tiny.tflite");
const digits = ["digits.npz", "test_images.npy", "test_labels.npy"].map((name) => at("examples", "digits", name));

const IMPORTS = `network tiny = import "tiny.tflite" { kernel = tflm };
property bounded = forall x: tiny.input: tiny(x)[0] <= 12;
`;

/** Opens a file as a page. What is opened before the workbench knows the extension is opened as a text, once more then. */
export async function opened(w: Workbench, name: string): Promise<void> {
    const text = w.page.locator(".monaco-editor-pane-placeholder, .monaco-editor[data-uri]").first();
    for (let tries = 1; ; tries++) {
        await w.file(name);
        for (let wait = 0; wait < 150; wait++) {
            if ((await w.page.locator("iframe.webview.ready").count()) > 0) return;
            if (tries < 10 && (await text.isVisible())) break;
            await w.page.waitForTimeout(200);
        }
        await w.command("View: Close Editor");
    }
}

const THEMES = ["Default Light Modern", "Default Dark Modern", "Default High Contrast", "Default High Contrast Light"];

export const fileScenarios: Scenario[] = [
    {
        name: "a model opens as a page, and its first spec has verdicts",
        options: { copy: [tiny] },
        async run(w) {
            await opened(w, "tiny.tflite");
            const view = w.view();
            await view.getByRole("heading", { name: "tiny.tflite" }).waitFor();
            await view.locator("main").getByText("It can be verified, bit for bit.").waitFor();
            // Every kernel was asked.
            await w.until("four kernels", async () => (await view.getByText("✓ yes").count()) === 4);
            assert.equal(await view.getByRole("row", { name: /^input x int8 \[1, 2\]/ }).count(), 1);
            assert.equal(await view.getByRole("row", { name: /FULLY_CONNECTED y/ }).count(), 1);
            await accessible(w, "tiny.tflite");
            await w.screenshot("model");
            await w.press("Create Spec", () => view.getByRole("button", { name: "Create Spec", exact: true }).click({ timeout: 5000 }), w.page.getByText("Which kernels run tiny.tflite?"));
            const rows = w.page.locator(".quick-input-list .monaco-list-row");
            assert.equal(await rows.count(), 4);
            await rows.filter({ hasText: "XNNPACK, which LiteRT runs by default" }).waitFor();
            await w.screenshot("model-kernels");
            await rows.filter({ hasText: "XNNPACK" }).click();
            await w.page.locator('.tab.active[data-resource-name="tiny.qnn"]').waitFor();
            assert.match(readFileSync(path.join(w.workspace, "tiny.qnn"), "utf8"), /import "tiny\.tflite" \{ kernel = xnnpack \};/);
            await w.until("verdicts", async () => (await w.signs()).includes("found"));
            await w.clickLens("Show witness", view.getByRole("heading", { name: "Witness" }));
            await w.screenshot("model-witness");
            // Another time the spec that is there is left alone.
            await w.command("qnn: Create Spec");
            await w.page.getByText("A spec for which model?").waitFor();
            await rows.first().click();
            await w.page.getByText("Which kernels run tiny.tflite?").waitFor();
            await w.page.keyboard.press("Enter");
            await w.page.locator('.tab.active[data-resource-name="tiny_2.qnn"]').waitFor();
        },
    },
    {
        name: "a model that can't be read says why, and is read once it can",
        options: { texts: { "broken.tflite": "no model" } },
        async run(w) {
            await opened(w, "broken.tflite");
            const view = w.view();
            await view.getByRole("heading", { name: "broken.tflite" }).waitFor();
            await view.locator(".warning").waitFor();
            assert.equal(await view.getByRole("button").count(), 0);
            await accessible(w, "broken.tflite");
            await w.screenshot("model-broken");
            writeFileSync(path.join(w.workspace, "broken.tflite"), readFileSync(tiny));
            await view.locator("main").getByText("It can be verified, bit for bit.").waitFor();
        },
    },
    {
        name: "a model that changes is verified again where it is imported",
        options: { copy: [tiny], texts: { "imports.qnn": IMPORTS } },
        async run(w) {
            await w.file("imports.qnn");
            await w.until("a verdict", async () => (await w.signs()).join() === "proved");
            const model = path.join(w.workspace, "tiny.tflite");
            const bytes = readFileSync(model);
            // The second layer's weights as `models/make.py` has them: the first neuron's are made large.
            const weights = bytes.indexOf(Buffer.from([40, 256 - 25, 10, 256 - 30, 55, 5]));
            assert.ok(weights > 0);
            bytes.writeInt8(127, weights);
            bytes.writeInt8(127, weights + 1);
            // A workbench that has just begun watches its files a moment later.
            const changed = async (): Promise<boolean> => (await w.signs()).join() === "violated";
            await w.press("a change of the model", () => { writeFileSync(model, bytes); return Promise.resolve(); }, changed);
            await w.screenshot("model-changed");
        },
    },
    ...THEMES.map((theme, i): Scenario => ({
        name: `data opens as tables and pictures (${theme})`,
        options: { copy: digits, settings: { "workbench.colorTheme": theme } },
        async run(w) {
            await opened(w, "test_images.npy");
            const view = w.view();
            await view.getByRole("img", { name: "sample 0, class " }).waitFor();
            assert.equal(await view.getByRole("img").count(), 60);
            await view.getByText("the classes by test_labels.npy").waitFor();
            await accessible(w, "test_images.npy");
            await view.getByRole("button", { name: "Next" }).click();
            await view.getByRole("img", { name: "sample 60, class " }).waitFor();
            await w.screenshot(`samples-${i}`);
            await w.file("digits.npz");
            await view.getByRole("row", { name: /^fc1\.weight float32 \[32, 64\]/ }).waitFor();
            await accessible(w, "digits.npz");
            await w.screenshot(`tensors-${i}`);
        },
    })),
];
