/**
 * The packaged extension in a real workbench, as a user meets it.
 *
 * Usage: npm run test:e2e [NAME…]; only the scenarios whose names contain one of NAMEs. It needs
 *   QNN_WORKBENCH  a folder that tests/workbench/setup has made (target/workbench by default)
 *   QNN_VSIX       the extension (qnn-PLATFORM.vsix by default, as `build` makes it)
 *   CHROMIUM       a Chromium (/usr/bin/chromium by default)
 * and says what is missing instead of failing. Screenshots are left in screenshots/.
 */

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { entry, install, type Options, Workbench } from "./workbench";

const vsix = path.resolve(process.env.QNN_VSIX ?? `qnn-${process.platform}-${process.arch}.vsix`);
const options: Options = {
    codeServer: path.resolve(process.env.QNN_WORKBENCH ?? "../../target/workbench"),
    extensions: mkdtempSync(path.join(tmpdir(), "qnn-extensions-")),
    chromium: process.env.CHROMIUM ?? "/usr/bin/chromium",
    screenshots: path.resolve("screenshots"),
    copy: [],
    texts: {},
};
process.once("exit", () => {
    rmSync(options.extensions, { recursive: true, force: true, maxRetries: 5 });
});
const absent = [entry(options), vsix, options.chromium].filter((file) => !existsSync(file));
if (absent.length > 0) {
    console.log(`skipped: there is no ${absent.join(", no ")}`);
    process.exit(0);
}
await install(vsix, options);

const examples = path.resolve("../../examples");
const digits = ["digits.qnn", "digits.npz", "deep.npz", "test_images.npy", "test_labels.npy"].map((name) => path.join(examples, "digits", name));
const students = ["students.qnn", "students.npz", "everyone.npy"].map((name) => path.join(examples, "students", name));

/** Bit-vectors of four layers: nothing that is decided while anybody waits. */
const SLOW = `use "digits.qnn";

property quick = forall x in ball(test[0].image, 1 lsb): argmax(digits<8>(x)) == test[0].label;

#[engine(smt)]
#[timeout(600s)]
property slow(i in 0..3) =
    forall x in ball(test[i].image, 24 lsb) where valid(x):
        argmax(deep<8>(x)) == argmax(deep<6>(x));
`;

const SMALL = `type T = uint<4>;
network double(x: T) -> uint<4> { (x * 2) as uint<4> }
property small = forall x: T where x <= 3: double(x) <= 6;
property large = forall x: T: double(x) <= 14;
`;

interface Scenario {
    name: string;
    options: Partial<Options>;
    run: (workbench: Workbench) => Promise<void>;
}

const scenarios: Scenario[] = [
    {
        name: "the digits from the first glance to the counterexample",
        options: { copy: digits },
        async run(w) {
            await w.file("digits.qnn");
            await w.lens("98 proved").waitFor();
            await w.until("all is decided", async () => (await w.status().textContent())?.trim() === "qnn 178");
            await w.line(50);
            await w.until("signs", async () => (await w.signs()).join() === "proved,proved,proved,proved,proved");

            const view = w.view();
            await w.clickLens("Show counterexample", view.getByRole("heading", { name: "Counterexample" }));
            await w.until("three pictures", async () => (await view.locator("canvas").count()) === 3);
            assert.equal(await view.locator("table.bars tbody tr").count(), 10);
            assert.equal(await view.locator(".winner").count(), 2);
            // The pictures are read out by keyboard.
            await view.locator(".frame").first().focus();
            await w.page.keyboard.press("n");
            assert.match((await view.locator("output").textContent()) ?? "", /^Row \d, column \d: .* → .* lsb$/);
            await view.getByRole("button", { name: "Next" }).click();
            await w.until("the next one is shown", async () => (await w.page.title()).includes("i = 33"));
            // Nothing of the page is forbidden to itself.
            await view.getByRole("button", { name: "Previous" }).click();
            await w.until("the first one is shown again", async () => (await w.page.title()).includes("i = 31"));
            await w.command("View: Toggle Primary Side Bar Visibility");
            await w.page.waitForTimeout(1000);
            await w.screenshot("counterexample");
        },
    },
    {
        name: "a wider radius breaks some of a family, and the Test Explorer shows which",
        options: { copy: digits },
        async run(w) {
            await w.file("digits.qnn");
            await w.until("all is decided", async () => (await w.status().textContent())?.trim() === "qnn 178");
            const line = "    forall x in ball(test[i].image, 1 lsb) where valid(x):";
            await w.line(47, line.indexOf("1 lsb") + 2);
            await w.page.keyboard.press("Backspace");
            await w.page.keyboard.type("2");
            await w.until("it is stale, the others are not", async () => (await w.signs()).slice(0, 4).join() === "proved,stale,proved,proved");
            await w.save();
            await w.until("some are violated", async () => (await w.signs()).slice(0, 4).join() === "proved,violated,proved,proved");
            await w.command("View: Show Testing");
            const rows = w.page.locator(".test-explorer .monaco-list-row");
            await w.unfold(rows.filter({ hasText: "digits.qnn" }));
            await w.unfold(rows.filter({ hasText: "robust_with_four_bits" }));
            await w.until("instances of either kind", async () =>
                (await rows.locator(".codicon-testing-passed-icon").count()) > 5 && (await rows.locator(".codicon-testing-failed-icon").count()) > 2);
            // Lenses and hints tell the end of the run, too.
            await w.lens(/✗ \d+ proved · \d violated · \d+ ms/).waitFor();
            await rows.filter({ hasText: "violated" }).last().scrollIntoViewIfNeeded();
            await w.page.waitForTimeout(1000);
            await w.screenshot("family");
        },
    },
    {
        name: "an error is underlined while the rest keeps its verdicts, and goes with its cause",
        options: { texts: { "small.qnn": SMALL } },
        async run(w) {
            await w.file("small.qnn");
            await w.until("verdicts", async () => (await w.signs()).join() === "proved,violated");
            await w.line(3, 1);
            await w.page.keyboard.press("End");
            // The unexpected verdict is underlined as well.
            const underlined = w.page.locator(".squiggly-error");
            await w.until("a verdict is a problem", async () => (await underlined.count()) === 1);
            await w.page.keyboard.press("Enter");
            await w.page.keyboard.type("property broken = forall x: T double(x) <= 15;");
            await w.until("the error is another", async () => (await underlined.count()) === 2);
            await w.until("its sign, and nobody else's", async () => (await w.signs()).join() === "proved,error,violated");
            await w.until("the status bar says so", async () => (await w.status().textContent())?.trim() === "qnn 1 error");
            await w.screenshot("error");
            await w.page.keyboard.press("Shift+Home");
            await w.page.keyboard.press("Delete");
            await w.until("it goes with its cause", async () => (await underlined.count()) === 1);
            await w.until("signs as before", async () => (await w.signs()).join() === "proved,violated");
        },
    },
    {
        name: "what changes is stale at once, and gets a verdict on saving",
        options: { texts: { "small.qnn": SMALL } },
        async run(w) {
            await w.file("small.qnn");
            await w.until("verdicts", async () => (await w.signs()).join() === "proved,violated");
            await w.line(4, 1);
            await w.page.keyboard.press("End");
            // `<= 14;` becomes `<= 15;`, which is all that a uint<4> can be.
            await w.page.keyboard.press("Backspace");
            await w.page.keyboard.press("Backspace");
            await w.page.keyboard.type("5;");
            await w.until("the changed one is stale, the other is not", async () => (await w.signs()).join() === "proved,stale");
            await w.lens("stale").waitFor();
            await w.screenshot("stale");
            await w.save();
            await w.until("a new verdict", async () => (await w.signs()).join() === "proved,proved");
        },
    },
    {
        name: "a long run is cancelled, from its lens and from the Test Explorer",
        options: { copy: digits, texts: { "slow.qnn": SLOW } },
        async run(w) {
            await w.file("slow.qnn");
            await w.until("running beside decided", async () => (await w.signs()).join() === "proved,running");
            // What stands at the end of the line follows.
            await w.page.locator(".view-line", { hasText: "property quick" }).filter({ hasText: "✓ proved" }).waitFor();
            await w.screenshot("running");
            await w.clickLens("Cancel", async () => (await w.signs())[1] === "unknown");
            await w.until("no spinner", async () => (await w.page.locator(".statusbar .codicon-sync").count()) === 0);
            // Nor does anything go on behind it.
            const [server] = w.servers();
            assert.ok(server !== undefined);
            const spent = w.spent(server);
            await w.page.waitForTimeout(3000);
            assert.ok(w.spent(server) - spent < 0.5, `the solver went on: ${w.spent(server) - spent} s of 3`);

            await w.command("View: Show Testing");
            const row = w.page.locator(".test-explorer .monaco-list-row", { hasText: "slow.qnn" });
            await w.unfold(row);
            const test = w.page.locator(".test-explorer .monaco-list-row", { hasText: /^slow/ }).nth(1);
            const run = async (): Promise<void> => {
                await test.hover({ timeout: 10_000 });
                await test.getByRole("button", { name: "Run Test" }).click({ timeout: 10_000 });
            };
            await w.press("the test's button", run, async () => (await w.signs())[1] === "running");
            await w.screenshot("tests");
            const cancel = w.page.locator(".part.sidebar .title-actions").getByRole("button", { name: "Cancel Test Run" });
            await w.press("the run's button", () => cancel.click({ timeout: 10_000 }), async () => (await w.signs())[1] === "unknown");
            await w.until("no test spins", async () => (await w.page.locator(".test-explorer .codicon-loading").count()) === 0);
        },
    },
    {
        name: "a broken model file is told of, and mended by itself",
        options: { copy: digits },
        async run(w) {
            const model = path.join(w.workspace, "digits.npz");
            await w.file("digits.qnn");
            await w.lens("98 proved").waitFor();
            await w.line(50);
            const bytes = readFileSync(model);
            writeFileSync(model, "not an archive");
            await w.until("what rests on it is proved no more", async () => {
                const signs = await w.signs();
                return signs.slice(0, 4).every((sign) => sign !== "proved") && signs.length === 5;
            });
            await w.lens("98 proved").waitFor({ state: "hidden" });
            await w.screenshot("broken-model");
            writeFileSync(model, bytes);
            await w.until("verdicts are back", async () => (await w.signs()).join() === "proved,proved,proved,proved,proved");
        },
    },
    {
        name: "tables for inputs that are no pictures, in a light theme",
        options: { copy: students, settings: { "workbench.colorTheme": "Default Light Modern" } },
        async run(w) {
            await w.file("students.qnn");
            await w.line(42);
            const view = w.view();
            await w.clickLens("Show counterexample", view.getByRole("heading", { name: "Inputs a, b" }));
            assert.deepEqual(await view.locator("tr.changed th").allTextContents(), ["gender"]);
            await view.getByRole("heading", { name: "Outputs student<6>(a), student<6>(b)" }).waitFor();
            await w.screenshot("table");
        },
    },
    {
        name: "a report of the verdicts as they are, of a property and of the spec",
        options: { texts: { "small.qnn": SMALL } },
        async run(w) {
            await w.file("small.qnn");
            await w.until("verdicts", async () => (await w.signs()).join() === "proved,violated");
            const view = w.view();
            await w.clickLens("Report", view.getByRole("heading", { name: "Verification report: small.qnn" }));
            await view.getByRole("heading", { name: /\bsmall\b/ }).last().waitFor();
            await w.screenshot("report");
            assert.equal(await w.page.locator(".tab", { hasText: "Report: small-small" }).count(), 1);
            // In the theme's colours, whatever the system's are.
            const colours = await view.locator("body").evaluate((body) => [getComputedStyle(body).color, getComputedStyle(body).backgroundColor]);
            assert.deepEqual(colours, ["rgb(230, 233, 236)", "rgb(20, 24, 29)"]);
            await w.command("View: Close Editor");
            await w.until("the text alone", async () => (await w.page.locator(".tab", { hasText: "Report" }).count()) === 0);
            await w.file("small.qnn");
            await w.command("qnn: Open Report");
            await w.until("of all", async () => (await w.page.locator(".tab", { hasText: /^Report: small$/ }).count()) === 1);
            await view.getByRole("heading", { name: /\blarge\b/ }).first().waitFor();
        },
    },
    {
        name: "nothing outlives a server that dies, and another takes over",
        options: { texts: { "small.qnn": SMALL } },
        async run(w) {
            await w.file("small.qnn");
            await w.until("verdicts", async () => (await w.signs()).join() === "proved,violated");
            const [server, ...others] = w.servers();
            assert.ok(server !== undefined && others.length === 0);
            process.kill(server, "SIGKILL");
            await w.until("another server", () => w.servers().some((pid) => pid !== server));
            await w.until("verdicts again", async () => (await w.signs()).join() === "proved,violated");
            const successor = w.servers();
            await w.command("qnn: Restart Language Server");
            await w.until("a third server", () => w.servers().length === 1 && w.servers()[0] !== successor[0]);
            await w.until("verdicts once more", async () => (await w.signs()).join() === "proved,violated");
        },
    },
    {
        name: "a server that is not there is told of, and one that is can be chosen then",
        options: { texts: { "small.qnn": SMALL }, settings: { "qnn.server.path": "/nowhere/qnn-lsp" } },
        async run(w) {
            await w.file("small.qnn");
            await w.status().locator(".codicon-debug-disconnect").waitFor();
            await w.page.locator(".notification-toast", { hasText: "/nowhere/qnn-lsp could not be started" }).waitFor();
            assert.equal(await w.page.locator(".notification-toast").count(), 1);
            assert.deepEqual(await w.signs(), []);
            await w.screenshot("no-server");
            w.settings({ "qnn.server.path": "" });
            await w.until("verdicts", async () => (await w.signs()).join() === "proved,violated");
        },
    },
    {
        name: "a spec that was never saved, from the walkthrough",
        options: {},
        async run(w) {
            await w.command("qnn: Open Walkthrough");
            await w.page.getByText("qnn in five minutes").first().waitFor();
            await w.screenshot("walkthrough");
            await w.command("qnn: New First Spec");
            await w.until("it is read", async () => (await w.signs()).length === 3);
            await w.command("qnn: Verify Spec");
            await w.until("verdicts", async () => (await w.signs()).join() === "proved,violated,proved");
            // On with the walkthrough, whose buttons are about the spec that it has made.
            const step = async (title: string, button: string): Promise<void> => {
                await w.page.locator(".tab", { hasText: "Walkthrough" }).click();
                await w.page.locator(".getting-started-step", { hasText: title }).first().click();
                await w.page.getByRole("button", { name: button }).click();
            };
            const spec = w.page.locator(".tab.active", { hasText: "A first spec" });
            await step("See verdicts", "Verify the spec");
            await spec.waitFor();
            await step("Look at a counterexample", "Show the counterexample");
            await w.view().getByRole("heading", { name: "Input p" }).waitFor();
            await spec.waitFor();
            assert.equal(await w.page.locator(".notification-toast").count(), 0);
            await w.screenshot("first");
        },
    },
    {
        name: "without trust there are colours and nothing else",
        options: { texts: { "small.qnn": SMALL }, trusted: false },
        async run(w) {
            await w.file("small.qnn");
            await w.status().locator(".codicon-shield").waitFor();
            await w.until("colours", async () => (await w.page.locator(".view-line span span[class*='mtk']").count()) > 10);
            assert.deepEqual(w.servers(), []);
            assert.deepEqual(await w.signs(), []);
            await w.screenshot("untrusted");
        },
    },
];

const names = process.argv.slice(2);
const chosen = scenarios.filter((s) => names.length === 0 || names.some((name) => s.name.includes(name)));
if (chosen.length === 0) throw new Error(`no scenario's name contains ${names.join(" or ")}`);
/** What went wrong, if something did. */
async function attempt(scenario: Scenario, picture: string): Promise<unknown> {
    const settings = { "workbench.colorTheme": "Default Dark Modern", ...scenario.options.settings };
    let workbench: Workbench | undefined;
    const problems: string[] = [];
    try {
        workbench = await Workbench.open({ ...options, ...scenario.options, settings });
        workbench.page.on("console", (message) => {
            if (message.text().includes("Content Security Policy")) problems.push(message.text());
        });
        await scenario.run(workbench);
        assert.deepEqual(problems, []);
        return undefined;
    } catch (error) {
        await workbench?.screenshot(picture);
        return error instanceof Error ? (error.stack ?? error.message) : error;
    } finally {
        await workbench?.close();
    }
}

let failures = 0;
for (const scenario of chosen) {
    const begun = Date.now();
    // A workbench can lose a click or a key on a busy machine; what is broken is broken twice.
    for (const last of [false, true]) {
        const problem = await attempt(scenario, `failure-${failures + 1}`);
        if (problem === undefined) {
            console.log(`ok      ${scenario.name} (${((Date.now() - begun) / 1000).toFixed(0)} s)`);
            break;
        }
        if (last) failures++;
        console.log(`${last ? "FAILED" : "again "}  ${scenario.name}`);
        console.log(problem);
    }
}
console.log(failures === 0 ? `all ${chosen.length} scenarios are ok` : `${failures} of ${chosen.length} scenarios failed`);
process.exit(failures === 0 ? 0 : 1);
