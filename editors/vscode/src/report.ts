/**
 * Reports: the server's page in a panel beside the text, one for each spec or property that is reported.
 *
 * The page is self-contained, and its own policy forbids everything but its own style, pictures and the one script whose hash it names. A report
 * follows the verdicts: it is made anew once others are there, and as long as it is of an earlier text it says so.
 */

import { readFile, unlink } from "node:fs/promises";
import * as vscode from "vscode";
import { reportName } from "./paths";
import { inPanel } from "./reportPage";
import { fingerprint, outdated } from "./reportStanding";
import { message, type Server } from "./server";
import type { Change, Store } from "./store";

interface Of {
    uri: string;
    property?: string;
}

interface Open {
    of: Of;
    panel: vscode.WebviewPanel;
    html: string;
    name: string;
    /** The fingerprint of what it was made of. */
    made: string;
    notice: string | undefined;
    /** Whether another one is being made. */
    busy: boolean;
}

export class Reports implements vscode.Disposable {
    private readonly open = new Map<string, Open>();

    private readonly themes: vscode.Disposable;

    constructor(
        private readonly context: vscode.ExtensionContext,
        private readonly server: Server,
        private readonly store: Store,
    ) {
        this.themes = vscode.window.onDidChangeActiveColorTheme(() => {
            for (const open of this.open.values()) draw(open);
        });
    }

    dispose(): void {
        this.themes.dispose();
        for (const { panel } of this.open.values()) panel.dispose();
    }

    /** Shows what is known of a spec, or of one property. */
    async show(of: Of): Promise<void> {
        const options = { location: vscode.ProgressLocation.Window, title: "qnn: making the report" };
        const made = await vscode.window.withProgress(options, () => this.make(of));
        if (made === undefined) return;
        const name = reportName(of.uri, of.property);
        const key = JSON.stringify([of.uri, of.property]);
        const panel = this.open.get(key)?.panel ?? this.panel(key, name);
        const open = { of, panel, name, ...made, notice: undefined, busy: false };
        this.open.set(key, open);
        this.follow(open);
        draw(open);
        panel.reveal(undefined, true);
    }

    /** Follows what the server says. */
    changed(change: Change): void {
        for (const open of this.open.values()) if (open.of.uri === change.uri) this.follow(open);
    }

    private follow(open: Open): void {
        const standing = outdated(open.made, this.store.specs.get(open.of.uri), open.of.property);
        if (standing?.notice !== open.notice) {
            open.notice = standing?.notice;
            draw(open);
        }
        if (standing?.settled === true && !open.busy) void this.again(open);
    }

    private async again(open: Open): Promise<void> {
        open.busy = true;
        const made = await this.make(open.of);
        open.busy = false;
        // Closed meanwhile, or made anew by hand.
        if (![...this.open.values()].includes(open) || made === undefined) return;
        Object.assign(open, made, { notice: undefined });
        draw(open);
        this.follow(open);
    }

    private async make(of: Of): Promise<{ html: string; made: string } | undefined> {
        // What comes while the report is made may not be in it: then it is made once more.
        const made = fingerprint(this.store.specs.get(of.uri), of.property);
        const reported = await this.server.report(of);
        if (reported === undefined) return undefined;
        const file = vscode.Uri.parse(reported.uri).fsPath;
        try {
            const html = await readFile(file, "utf8");
            // The page is in here now; what is to be kept is saved where the user says.
            await unlink(file).catch(() => undefined);
            return { html, made };
        } catch (error) {
            void vscode.window.showErrorMessage(`qnn: the report could not be read: ${message(error)}`);
            return undefined;
        }
    }

    /** Saves the report whose panel is at hand to a file, and offers to open that in a browser. */
    async save(): Promise<void> {
        const [key, at] = [...this.open].find(([, { panel }]) => panel.active) ?? [];
        if (key === undefined || at === undefined) {
            void vscode.window.showInformationMessage("Open a report first.");
            return;
        }
        const [spec] = JSON.parse(key) as [string];
        const beside = vscode.Uri.joinPath(vscode.Uri.parse(spec), "..", `${at.name}.html`);
        const target = await vscode.window.showSaveDialog({ defaultUri: beside, filters: { HTML: ["html"] }, title: "Save Report" });
        if (target === undefined) return;
        await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(at.html));
        const browser = "Open in Browser";
        const choice = await vscode.window.showInformationMessage(`The report is in ${target.fsPath}.`, browser);
        if (choice === browser) await vscode.env.openExternal(target);
    }

    private panel(key: string, name: string): vscode.WebviewPanel {
        const panel = vscode.window.createWebviewPanel(
            "qnn.report",
            `Report: ${name}`,
            { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
            { enableScripts: true, enableFindWidget: true, localResourceRoots: [] },
        );
        panel.iconPath = vscode.Uri.joinPath(this.context.extensionUri, "icons", "qnn.svg");
        panel.onDidDispose(() => this.open.delete(key));
        return panel;
    }
}

function draw({ panel, html, notice }: Open): void {
    const { Dark, HighContrast } = vscode.ColorThemeKind;
    const kind = vscode.window.activeColorTheme.kind;
    panel.webview.html = inPanel(html, kind === Dark || kind === HighContrast, notice);
}
