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
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { libraries, verifies } from "./package";
import { type Scenario, scenarios } from "./scenarios";
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

const names = process.argv.slice(2);
if (process.platform === "linux" && names.length === 0) {
    const extension = readdirSync(options.extensions).find((name) => name.startsWith("qnn.qnn-"));
    const server = path.join(options.extensions, extension ?? "", "server", "qnn-lsp");
    libraries(server);
    const covered = await verifies(server);
    console.log(`ok      the packaged server verifies by the Z3 that is in the package${covered ? ", where the system has none" : " (the system's could not be covered)"}`);
}
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
