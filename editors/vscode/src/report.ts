/**
 * Reports: the server's page in a panel beside the text, one for each spec or property that is reported.
 *
 * The page is self-contained, and its own policy forbids everything but its own style, pictures and the one script whose hash it names. A report is of the moment at which it was made:
 * it says so, and asking again makes another in the same panel.
 */

import { readFile, unlink } from "node:fs/promises";
import * as vscode from "vscode";
import { reportName } from "./paths";
import { inPanel } from "./reportPage";
import { message, type Server } from "./server";

interface Open {
    panel: vscode.WebviewPanel;
    html: string;
    name: string;
}

export class Reports implements vscode.Disposable {
    private readonly open = new Map<string, Open>();

    private readonly themes: vscode.Disposable;

    constructor(
        private readonly context: vscode.ExtensionContext,
        private readonly server: Server,
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
    async show(of: { uri: string; property?: string }): Promise<void> {
        const options = { location: vscode.ProgressLocation.Window, title: "qnn: making the report" };
        const made = await vscode.window.withProgress(options, () => this.server.report(of));
        if (made === undefined) return;
        const file = vscode.Uri.parse(made.uri).fsPath;
        let html: string;
        try {
            html = await readFile(file, "utf8");
        } catch (error) {
            void vscode.window.showErrorMessage(`qnn: the report could not be read: ${message(error)}`);
            return;
        }
        // The page is in here now; what is to be kept is saved where the user says.
        await unlink(file).catch(() => undefined);
        const name = reportName(of.uri, of.property);
        const key = JSON.stringify([of.uri, of.property]);
        const known = this.open.get(key);
        const panel = known?.panel ?? this.panel(key, name);
        const open = { panel, html, name };
        this.open.set(key, open);
        draw(open);
        panel.reveal(undefined, true);
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

function draw({ panel, html }: Open): void {
    const { Dark, HighContrast } = vscode.ColorThemeKind;
    const kind = vscode.window.activeColorTheme.kind;
    panel.webview.html = inPanel(html, kind === Dark || kind === HighContrast);
}
