/**
 * A real workbench: code-server with the packaged extension, driven through Chromium.
 *
 * In: a folder set up with code-server, a folder with the extension, a workspace. Out: a page. Everything that is written goes to a temporary folder,
 * which `close` removes.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, cpSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Browser, chromium, type FrameLocator, type Locator, type Page } from "playwright-core";

/** How long anything may take, in milliseconds: generous, for slow and busy machines. */
const PATIENCE = 120_000;

/** How often a workbench that does not come up is started anew: code-server gives its own processes ten seconds. Nothing of the extension has been tried by then. */
const STARTS = 5;

export interface Options {
    /** The folder with code-server in `node_modules`. */
    codeServer: string;
    /** The folder of extensions, with ours in it. */
    extensions: string;
    chromium: string;
    /** Where screenshots go. */
    screenshots: string;
    /** Files and folders that are copied into the workspace, with texts that are written there. */
    copy: string[];
    texts: Record<string, string>;
    settings?: Record<string, unknown>;
    trusted?: boolean;
    /** Folders of the workspace, which is one of several folders then. */
    folders?: string[];
}

/** Settings of every workbench. */
const USUAL = {
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": false,
    "editor.minimap.enabled": false,
    "editor.accessibilitySupport": "off",
    "files.autoSave": "off",
    "telemetry.telemetryLevel": "off",
    "security.workspace.trust.startupPrompt": "never",
    // A tooltip would lie over what is pressed next.
    "workbench.hover.delay": 600_000,
};

export class Workbench {
    private constructor(
        readonly page: Page,
        readonly workspace: string,
        private readonly options: Options,
        private readonly browser: Browser,
        private readonly server: ChildProcess,
        private readonly folder: string,
    ) {}

    static async open(options: Options): Promise<Workbench> {
        const folder = mkdtempSync(path.join(tmpdir(), "qnn-workbench-"));
        const at = (name: string): string => path.join(folder, name);
        const workspace = at("workspace");
        mkdirSync(workspace);
        mkdirSync(at("home"));
        mkdirSync(options.screenshots, { recursive: true });
        for (const file of options.copy) cpSync(file, path.join(workspace, path.basename(file)), { recursive: true });
        for (const [name, text] of Object.entries(options.texts)) {
            mkdirSync(path.dirname(path.join(workspace, name)), { recursive: true });
            writeFileSync(path.join(workspace, name), text);
        }
        const several = at("several.code-workspace");
        if (options.folders !== undefined) {
            writeFileSync(several, JSON.stringify({ folders: options.folders.map((folder) => ({ path: path.join(workspace, folder) })) }));
        }
        const opened = options.folders === undefined ? `folder=${encodeURIComponent(workspace)}` : `workspace=${encodeURIComponent(several)}`;
        const env = { ...process.env, XDG_CACHE_HOME: at("cache"), XDG_CONFIG_HOME: at("config"), HOME: at("home") };
        const trust = options.trusted === false ? [] : ["--disable-workspace-trust"];
        const quiet = ["--disable-telemetry", "--disable-update-check"];
        for (let start = 1; ; start++) {
            const user = at(`user-${start}`);
            mkdirSync(path.join(user, "User"), { recursive: true });
            writeFileSync(path.join(user, "User", "settings.json"), JSON.stringify({ ...USUAL, ...options.settings }));
            const port = await freePort();
            const bound = ["--auth", "none", "--bind-addr", `127.0.0.1:${port}`];
            const folders = ["--user-data-dir", user, "--extensions-dir", options.extensions];
            const log = openSync(at(`log-${start}`), "w");
            const server = spawn(process.execPath, [entry(options), ...bound, ...folders, ...quiet, ...trust, workspace], {
                env,
                stdio: ["ignore", log, log],
            });
            closeSync(log);
            let browser: Browser | undefined;
            try {
                browser = await chromium.launch({ executablePath: options.chromium, args: ["--no-sandbox", "--disable-gpu"], timeout: PATIENCE });
                const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
                context.setDefaultTimeout(PATIENCE);
                const page = await context.newPage();
                await until(page, "an answer", async () => {
                    if (server.exitCode !== null) throw new Error(`code-server ended: ${readFileSync(at(`log-${start}`), "utf8")}`);
                    return (await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined))?.ok === true;
                });
                await page.goto(`http://127.0.0.1:${port}/?${opened}`);
                await page.waitForSelector(".monaco-workbench .part.statusbar");
                await page.waitForSelector(".explorer-folders-view, .explorer-empty-view, .monaco-workbench .sidebar .split-view-view");
                return new Workbench(page, workspace, options, browser, server, folder);
            } catch (error) {
                await browser?.close();
                await ended(server);
                if (start === STARTS) {
                    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
                    throw error;
                }
                console.log(`the workbench did not come up, once more: ${String(error)}`);
            }
        }
    }

    async close(): Promise<void> {
        await this.browser.close();
        await ended(this.server);
        rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
    }

    async screenshot(name: string): Promise<void> {
        await this.page.screenshot({ path: path.join(this.options.screenshots, `${name}.png`) });
    }

    /** Sets the workspace's settings. */
    settings(some: Record<string, unknown>): void {
        const folder = path.join(this.workspace, ".vscode");
        mkdirSync(folder, { recursive: true });
        writeFileSync(path.join(folder, "settings.json"), JSON.stringify(some));
    }

    /** Opens a file of the workspace. */
    async file(name: string): Promise<void> {
        await this.page.keyboard.press("Control+p");
        const input = this.page.locator(".quick-input-widget input[type=text]");
        await input.fill(name);
        await this.page.locator(".quick-input-list .monaco-list-row", { hasText: path.basename(name) }).first().waitFor();
        await this.page.keyboard.press("Enter");
        await this.page.locator(`.tab.active[data-resource-name="${path.basename(name)}"]`).waitFor();
    }

    /** Runs a command of the palette. */
    async command(title: string): Promise<void> {
        const row = this.page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first();
        // The palette knows an extension's commands only after a while, and does not look again.
        for (let tries = 1; ; tries++) {
            await this.page.keyboard.press("F1");
            const input = this.page.locator(".quick-input-widget input[type=text]");
            try {
                // What opens at the same moment takes the focus, and the palette closes.
                await input.waitFor({ timeout: 5000 });
                await input.fill(`>${title}`, { timeout: 5000 });
                await row.waitFor({ timeout: 5000 });
                break;
            } catch (error) {
                if (tries === 10) throw error;
                await this.page.keyboard.press("Escape");
            }
        }
        await this.page.keyboard.press("Enter");
    }

    /** Puts the cursor into a line, counted from 1. */
    async line(line: number, column = 1): Promise<void> {
        await this.page.keyboard.press("Control+g");
        const input = this.page.locator(".quick-input-widget input[type=text]");
        await input.waitFor();
        await input.fill(`:${line}:${column}`);
        await this.page.locator(".quick-input-list .monaco-list-row", { hasText: `line ${line}` }).first().waitFor();
        await this.page.keyboard.press("Enter");
        await input.waitFor({ state: "hidden" });
        // What has been scrolled into view shows the commands of an earlier answer for a moment.
        await this.page.waitForTimeout(1000);
    }

    async save(): Promise<void> {
        await this.page.keyboard.press("Control+s");
    }

    /** The line of a property, with how it stands at its end. */
    told(property: string, text: string | RegExp): Locator {
        return this.page.locator(".view-line", { hasText: new RegExp(`(property|measure)\\s${property}\\b`) }).filter({ hasText: text });
    }

    /** The rows of the Test Explorer. */
    tests(text?: string | RegExp): Locator {
        const rows = this.page.locator(".test-explorer .monaco-list-row");
        return text === undefined ? rows : rows.filter({ hasText: text });
    }

    /** The icon of the status bar's item. */
    async icon(): Promise<string> {
        const of = (await this.status().locator(".codicon").first().getAttribute("class", { timeout: 10_000 }).catch(() => null)) ?? "";
        return /codicon-([a-z-]+)/.exec(of)?.[1] ?? "";
    }

    /** A code lens with a text. */
    lens(text: string | RegExp): Locator {
        return this.page.locator(".codelens-decoration a, .codelens-decoration span", { hasText: text }).first();
    }

    /**
     * Clicks a code lens until it has had its effect. Verdicts that come in replace the lenses, and Visual Studio Code drops a click whose press was on one and whose
     * release on the next.
     */
    clickLens(text: string, effect: Locator | (() => Promise<boolean>)): Promise<void> {
        return this.press(`the lens "${text}"`, () => this.lens(text).click({ timeout: 10_000 }), effect);
    }

    /** Does something until it has had its effect: lists, too, are drawn anew under the mouse. */
    async press(what: string, act: () => Promise<void>, effect: Locator | (() => Promise<boolean>)): Promise<void> {
        const had = typeof effect === "function" ? effect : () => effect.isVisible();
        const end = Date.now() + PATIENCE;
        for (let press = 1; !(await had()); press++) {
            if (Date.now() > end) throw new Error(`in vain: ${press - 1} presses of ${what}`);
            if (press > 1) console.log(`        press ${press} of ${what}`);
            await act().catch(() => undefined);
            for (let wait = 0; wait < 100 && !(await had()); wait++) await this.page.waitForTimeout(100);
        }
    }

    /** Unfolds a row of the Test Explorer. */
    async unfold(row: Locator): Promise<void> {
        const act = async (): Promise<void> => {
            await row.click({ timeout: 10_000 });
            await this.page.keyboard.press("ArrowRight");
        };
        await this.press("a row", act, async () => (await row.getAttribute("aria-expanded", { timeout: 10_000 }).catch(() => null)) === "true");
    }

    /** The text of the status bar's item, without icons. */
    status(): Locator {
        return this.page.locator('[id="qnn.qnn.qnn.status"], .statusbar-item[id*="qnn.status"]').first();
    }

    /** The gutter's signs that are seen now, by states, from the top. */
    async signs(): Promise<string[]> {
        return this.page.evaluate(() =>
            [...document.querySelectorAll<HTMLElement>(".cgmr")]
                .map((sign) => ({ top: sign.getBoundingClientRect().top, image: decodeURIComponent(getComputedStyle(sign).backgroundImage) }))
                .sort((a, b) => a.top - b.top)
                .map(({ image }) => /gutter\/([a-z]+)-(?:light|dark)\.svg/.exec(image)?.[1] ?? "")
                .filter((state) => state !== ""),
        );
    }

    /** Waits until something is so, and stays so for a second: for what lags behind what the test itself has done. */
    async settled(what: string, holds: () => Promise<boolean>): Promise<void> {
        let since = Date.now();
        await this.until(what, async () => {
            if (!(await holds())) since = Date.now();
            return Date.now() - since >= 1000;
        });
    }

    /** Waits until something is so. */
    until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
        return until(this.page, what, holds);
    }

    /** The servers that the extension has started to speak with: not those that were only asked for their version. */
    servers(): number[] {
        return readdirSync("/proc")
            .filter((name) => /^\d+$/.test(name))
            .map(Number)
            .filter((pid) => {
                try {
                    const ours = readlinkSync(`/proc/${pid}/exe`).startsWith(this.options.extensions);
                    return ours && readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes("--stdio");
                } catch {
                    return false;
                }
            });
    }

    /** The seconds of processor time that a process has had. */
    spent(pid: number): number {
        const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
        return (Number(fields[11]) + Number(fields[12])) / 100;
    }

    /** The page within the counterexample view. */
    view(): FrameLocator {
        return this.page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
    }
}

async function until(page: Page, what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const end = Date.now() + PATIENCE;
    while (!(await holds())) {
        if (Date.now() > end) throw new Error(`in vain: ${what}`);
        await page.waitForTimeout(50);
    }
}

/** Ends a process that was started here. */
async function ended(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = new Promise<void>((resolve) => child.once("exit", () => { resolve(); }));
    child.kill();
    const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
    await exit;
    clearTimeout(timer);
}

/** Installs an extension into the folder of extensions. */
export async function install(vsix: string, options: Pick<Options, "codeServer" | "extensions">): Promise<void> {
    const user = mkdtempSync(path.join(tmpdir(), "qnn-workbench-"));
    const folders = ["--user-data-dir", user, "--extensions-dir", options.extensions];
    const env = { ...process.env, XDG_CONFIG_HOME: user };
    const child = spawn(process.execPath, [entry(options), ...folders, "--install-extension", vsix], { env, stdio: ["ignore", "ignore", "inherit"] });
    const code = await new Promise<number | null>((resolve, reject) => {
        child.once("error", reject);
        child.once("exit", resolve);
    });
    rmSync(user, { recursive: true, force: true, maxRetries: 5 });
    if (code !== 0) throw new Error(`the extension could not be installed: exit code ${String(code)}`);
}

/** What Node runs of code-server. */
export function entry(options: Pick<Options, "codeServer">): string {
    return path.join(options.codeServer, "node_modules/code-server/out/node/entry.js");
}

function freePort(): Promise<number> {
    return new Promise((resolve, reject) => {
        const server = createServer();
        server.once("error", reject);
        server.listen(0, "127.0.0.1", () => {
            const address = server.address();
            server.close(() => {
                if (address !== null && typeof address === "object") resolve(address.port);
                else reject(new Error("no port is free"));
            });
        });
    });
}
