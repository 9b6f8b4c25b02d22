/** The scenarios: what a user does in the workbench, and what must be seen then. `e2e.ts` runs them. */

import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileScenarios } from "./fileScenarios";
import { networkScenarios } from "./networkScenarios";
import type { Options, Workbench } from "./workbench";

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

const MEASURES = `type T = uint<4>;
network double(x: T) -> uint<5> { (x * 2) as uint<5> }
measure most = maximize double(x) over x: T where x <= 7;
measure up_to(k in 1..4) = maximize double(x) over x: T where x <= k;
`;

/** What the system's loader says of a server whose library is not there. */
const BROKEN_SERVER = `#!/bin/sh
echo "$0: error while loading shared libraries: libz3.so.4: cannot open shared object file: No such file or directory" >&2
exit 127
`;

export interface Scenario {
    name: string;
    options: Partial<Options>;
    run: (workbench: Workbench) => Promise<void>;
}

export const scenarios: Scenario[] = [
    {
        name: "the digits from the first glance to the counterexample",
        options: { copy: digits },
        async run(w) {
            await w.file("digits.qnn");
            await w.told("robust", "98 proved").waitFor();
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
            // The hint tells the end of the run, too.
            await w.told("robust_with_four_bits", /✗.*\d\sviolated/).waitFor();
            // So do the lenses.
            await w.until("no lens offers to cancel what is over", async () => (await w.page.locator(".codelens-decoration", { hasText: "Cancel" }).count()) === 0);
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
        name: "an error's code leads to its page",
        options: { texts: { "wrong.qnn": SMALL.replace("x <= 3", "z <= 3") } },
        async run(w) {
            await w.file("wrong.qnn");
            await w.page.locator(".squiggly-error").first().waitFor();
            await w.until("it is an error", async () => (await w.icon()) === "error");
            await w.line(3, SMALL.split("\n")[2]?.indexOf("x <= 3") ?? 0);
            await w.page.keyboard.press("ArrowRight");
            const page = w.view().getByRole("heading", { level: 1 });
            const link = w.page.locator(".monaco-hover a.code-link", { hasText: /^E\d+$/ });
            await w.command("Show or Focus Hover");
            await link.waitFor();
            await w.screenshot("code");
            await w.press("the code", () => link.click({ timeout: 5000 }), page);
            await page.filter({ hasText: /^E\d+/ }).waitFor();
            await w.screenshot("explained");
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
            await w.told("large", "stale").waitFor();
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
            await w.until("how long it runs", async () => /qnn 1\/4 · (.*, )?\d+ s/.test((await w.status().textContent()) ?? ""));
            await w.clickLens("Cancel", async () => (await w.signs())[1] === "unknown");
            await w.until("no spinner", async () => (await w.page.locator(".statusbar .codicon-sync").count()) === 0);
            // What was cancelled looks like success nowhere.
            await w.until("a question", async () => (await w.icon()) === "question" && (await w.status().textContent())?.trim() === "qnn 1/4");
            await w.told("slow", "cancelled").waitFor();
            await w.told("slow", /[✓✗]/).waitFor({ state: "hidden" });
            await w.lens(/^Run/).waitFor();
            // Nor does anything go on behind it.
            const [server] = w.servers();
            assert.ok(server !== undefined);
            const spent = w.spent(server);
            await w.page.waitForTimeout(3000);
            assert.ok(w.spent(server) - spent < 0.5, `the solver went on: ${w.spent(server) - spent} s of 3`);

            await w.command("View: Show Testing");
            const spec = w.tests("slow.qnn");
            await spec.filter({ hasText: "1 proved, 3 cancelled" }).waitFor();
            await w.unfold(spec);
            const passed = ".codicon-testing-passed-icon";
            const quick = w.tests(/^quick: proved/);
            const slow = w.tests(/^slow: /);
            const none = async (): Promise<boolean> => (await spec.locator(passed).count()) + (await slow.locator(passed).count()) === 0;
            await w.until("only what is proved has passed", async () => (await quick.locator(passed).count()) === 1 && (await none()));
            // Rows are read out by their names.
            await w.until("names", async () => ((await slow.getAttribute("aria-label")) ?? "").startsWith("slow: 3 cancelled"));
            await w.screenshot("cancelled");
            const run = async (): Promise<void> => {
                await slow.hover({ timeout: 10_000 });
                await slow.getByRole("button", { name: "Run Test" }).click({ timeout: 10_000 });
            };
            await w.press("the test's button", run, async () => (await w.signs())[1] === "running");
            await w.tests(/^slow: .*running/).first().waitFor();
            await w.screenshot("tests");
            const cancel = w.page.locator(".part.sidebar .title-actions").getByRole("button", { name: "Cancel Test Run" });
            await w.press("the run's button", () => cancel.click({ timeout: 10_000 }), async () => (await w.signs())[1] === "unknown");
            await w.until("no test spins", async () => (await w.page.locator(".test-explorer .codicon-loading").count()) === 0);
            await w.until("nor has any passed but one", async () => (await quick.locator(passed).count()) === 1 && (await none()));
        },
    },
    {
        name: "a broken model file is told of, and mended by itself",
        options: { copy: digits },
        async run(w) {
            const model = path.join(w.workspace, "digits.npz");
            await w.file("digits.qnn");
            await w.told("robust", "98 proved").waitFor();
            await w.line(50);
            const bytes = readFileSync(model);
            writeFileSync(model, "not an archive");
            await w.until("what rests on it is proved no more", async () => {
                const signs = await w.signs();
                return signs.slice(0, 4).every((sign) => sign !== "proved") && signs.length === 5;
            });
            await w.told("robust", "98 proved").waitFor({ state: "hidden" });
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
        name: "a report says when it is of an earlier text, and follows the verdicts",
        options: { texts: { "small.qnn": SMALL } },
        async run(w) {
            await w.file("small.qnn");
            await w.until("verdicts", async () => (await w.signs()).join() === "proved,violated");
            await w.command("qnn: Open Report");
            const view = w.view();
            const notice = view.locator(".qnn-notice");
            await view.getByText("1 violated").first().waitFor();
            assert.equal(await notice.count(), 0);
            await w.line(4, 1);
            await w.page.keyboard.press("End");
            await w.page.keyboard.press("Backspace");
            await w.page.keyboard.press("Backspace");
            await w.page.keyboard.type("5;");
            await notice.filter({ hasText: "This report is of an earlier text of the spec." }).waitFor();
            await w.screenshot("report-earlier");
            await w.save();
            await w.until("a new verdict", async () => (await w.signs()).join() === "proved,proved");
            await view.getByText("1 violated").first().waitFor({ state: "hidden" });
            await w.until("no notice", async () => (await notice.count()) === 0);
            await w.screenshot("report-followed");
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
            await w.page.locator(".notification-toast", { hasText: "The setting qnn.server.path names /nowhere/qnn-lsp, and there is no such program. Empty" }).waitFor();
            assert.equal(await w.page.locator(".notification-toast").count(), 1);
            assert.deepEqual(await w.signs(), []);
            await w.screenshot("no-server");
            w.settings({ "qnn.server.path": "" });
            await w.until("verdicts", async () => (await w.signs()).join() === "proved,violated");
        },
    },
    {
        name: "a server that can't start says why, once",
        options: { texts: { "small.qnn": SMALL, "broken-server": BROKEN_SERVER }, settings: { "qnn.server.path": "${workspaceFolder}/broken-server" } },
        async run(w) {
            await w.file("small.qnn");
            const toasts = w.page.locator(".notification-toast");
            await toasts.filter({ hasText: "is no program that may be run" }).waitFor();
            assert.equal(await toasts.count(), 1);
            await w.command("Notifications: Clear All Notifications");
            chmodSync(path.join(w.workspace, "broken-server"), 0o755);
            await w.command("qnn: Restart Language Server");
            await toasts.filter({ hasText: "needs the library libz3.so.4, which this system does not have. It is a part of Z3" }).waitFor();
            await w.page.waitForTimeout(3000);
            assert.equal(await toasts.count(), 1);
            await w.screenshot("broken-server");
        },
    },
    {
        name: "a server that dies again and again is told of once",
        options: { texts: { "small.qnn": SMALL } },
        async run(w) {
            await w.file("small.qnn");
            for (let death = 0; death < 5; death++) {
                // Verdicts of the last server can be seen for a moment when the next one is there already.
                await w.settled("a server with verdicts", async () => {
                    const [servers, signs, icon] = [w.servers(), await w.signs(), await w.icon()];
                    return servers.length === 1 && signs.join() === "proved,violated" && !["", "loading", "sync", "debug-disconnect"].includes(icon);
                });
                const [server] = w.servers();
                assert.ok(server !== undefined);
                process.kill(server, "SIGKILL");
                await w.until("its end", () => !w.servers().includes(server));
            }
            await w.status().locator(".codicon-debug-disconnect").waitFor();
            await w.page.locator(".notification-toast", { hasText: "ended 5 times within 3 minutes" }).waitFor();
            assert.equal(await w.page.locator(".notification-toast").count(), 1);
            assert.deepEqual(await w.signs(), []);
        },
    },
    {
        name: "measures show their values",
        options: { texts: { "measure.qnn": MEASURES } },
        async run(w) {
            await w.file("measure.qnn");
            await w.until("verdicts", async () => (await w.status().textContent())?.trim() === "qnn 4");
            await w.told("most", "= 14").waitFor();
            await w.command("View: Show Testing");
            await w.unfold(w.tests("measure.qnn"));
            await w.tests(/^most: = 14/).waitFor();
            await w.unfold(w.tests(/^up_to: /));
            await w.tests(/^k = 2: = 4/).waitFor();
            await w.screenshot("measures");
        },
    },
    {
        name: "the Test Explorer keeps a spec that is closed, as outdated results",
        options: { texts: { "small.qnn": SMALL, "other.qnn": SMALL } },
        async run(w) {
            await w.file("small.qnn");
            await w.until("verdicts", async () => (await w.signs()).join() === "proved,violated");
            await w.command("View: Show Testing");
            await w.unfold(w.tests("small.qnn"));
            await w.tests(/^small: proved/).waitFor();
            await w.command("View: Close Editor");
            await w.tests(/^small: last proved/).waitFor();
            await w.tests("small.qnn: last 1 proved, 1 violated").waitFor();
            await w.until("outdated", async () => ((await w.tests(/^small: last/).getAttribute("aria-label")) ?? "").includes("outdated"));
            await w.screenshot("closed");
            // What was never opened is there as well, and all of the workspace is verified at once.
            await w.command("qnn: Verify All Specs of the Workspace");
            await w.tests("other.qnn: 1 proved, 1 violated").waitFor();
            await w.tests("small.qnn: 1 proved, 1 violated").waitFor();
        },
    },
    {
        name: "specs of several folders are told apart",
        options: { texts: { "one/small.qnn": SMALL, "two/small.qnn": SMALL }, folders: ["one", "two"] },
        async run(w) {
            await w.command("View: Show Testing");
            await w.tests("one/small.qnn").waitFor();
            await w.tests("two/small.qnn").waitFor();
            await w.screenshot("folders");
        },
    },
    {
        name: "keys, menus and settings",
        options: { texts: { "small.qnn": SMALL }, settings: { "qnn.verification.run": "never" } },
        async run(w) {
            await w.file("small.qnn");
            await w.until("it is read", async () => (await w.signs()).join() === "unverified,unverified");
            await w.until("nothing looks like success", async () => (await w.icon()) === "circle-outline");
            await w.line(3, 12);
            await w.page.keyboard.press("Control+k");
            await w.page.keyboard.press("v");
            await w.until("one verdict", async () => (await w.signs()).join() === "proved,unverified");
            assert.equal(await w.icon(), "circle-outline");
            await w.page.locator(".view-line", { hasText: "network" }).click({ button: "right", position: { x: 40, y: 8 } });
            const menu = w.page.locator(".context-view .monaco-menu");
            await menu.getByText("Verify Property at Cursor").waitFor();
            await menu.getByText("qnn", { exact: true }).hover();
            await menu.getByText("Verify All Specs of the Workspace").waitFor();
            await w.screenshot("menu");
            await menu.getByText("Verify Spec", { exact: true }).click();
            await w.until("verdicts", async () => (await w.signs()).join() === "proved,violated");
            await w.command("Preferences: Open Settings (UI)");
            await w.page.locator(".settings-editor .suggest-input-container .view-lines").first().click();
            await w.page.keyboard.type("qnn.verification.engine");
            await w.page.locator(".setting-item-enum", { hasText: "Engine" }).getByText("auto", { exact: true }).first().waitFor();
            await w.screenshot("settings");
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
                await w.page.locator(".tab", { hasText: /Walkthrough|Welcome/ }).click();
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
    ...fileScenarios,
    ...networkScenarios,
];
