/** How the spec at hand stands, in the status bar; and how the server does, if that is news. */

import * as vscode from "vscode";
import type { Counts } from "./protocol";
import type { Health, Server } from "./server";
import type { Store } from "./store";
import { mood, statusSpoken, statusText } from "./words";

export class StatusBar implements vscode.Disposable {
    private readonly item = vscode.window.createStatusBarItem("qnn.status", vscode.StatusBarAlignment.Left, 5);
    private readonly subscriptions: vscode.Disposable[];

    constructor(
        private readonly server: Server,
        private readonly store: Store,
    ) {
        this.item.name = "qnn: verdicts";
        const draw = (): void => {
            this.draw();
        };
        this.subscriptions = [vscode.window.onDidChangeActiveTextEditor(draw), vscode.languages.onDidChangeDiagnostics(draw)];
    }

    dispose(): void {
        for (const subscription of this.subscriptions) subscription.dispose();
        this.item.dispose();
    }

    draw(): void {
        const document = vscode.window.activeTextEditor?.document;
        if (document?.languageId !== "qnn") {
            this.item.hide();
            return;
        }
        const server = SERVER[this.server.health];
        this.item.backgroundColor = undefined;
        if (server !== undefined) {
            const tooltip = this.server.problem === "" ? server.tooltip : `${server.tooltip} ${this.server.problem}`;
            this.show(server.text, tooltip, tooltip, server.command);
            if (server.bad) this.item.backgroundColor = new vscode.ThemeColor("statusBarItem.errorBackground");
        } else {
            const spec = this.store.specs.get(document.uri.toString());
            if (spec === undefined) {
                this.show("$(loading~spin) qnn", "qnn reads the spec.", "qnn reads the spec", "qnn.actions");
            } else {
                const wrong = errors(document.uri);
                if (mood(spec.counts, wrong) === "bad") {
                    this.item.backgroundColor = new vscode.ThemeColor("statusBarItem.errorBackground");
                }
                const spoken = statusSpoken(spec.counts, wrong);
                this.show(statusText(spec.counts, wrong), tooltip(spec.counts, spoken), `qnn: ${spoken}`, "qnn.actions");
            }
        }
        this.item.show();
    }

    private show(text: string, tooltip: string | vscode.MarkdownString, spoken: string, command: string): void {
        this.item.text = text;
        this.item.tooltip = tooltip;
        this.item.command = command;
        this.item.accessibilityInformation = { label: spoken, role: "button" };
    }
}

/** What is shown instead of verdicts, since there can be none. */
const SERVER: Partial<Record<Health, { text: string; tooltip: string; command: string; bad: boolean }>> = {
    untrusted: {
        text: "$(shield) qnn",
        tooltip: "Nothing is verified in a workspace that is not trusted.",
        command: "workbench.trust.manage",
        bad: false,
    },
    starting: { text: "$(loading~spin) qnn", tooltip: "The language server is starting.", command: "qnn.showLogs", bad: false },
    stopped: {
        text: "$(debug-disconnect) qnn",
        tooltip: "The language server is stopped. Click to start it.",
        command: "qnn.restartServer",
        bad: true,
    },
    failed: {
        text: "$(debug-disconnect) qnn",
        tooltip: "The language server could not be started. Click to try again.",
        command: "qnn.restartServer",
        bad: true,
    },
};

/** The compiler's errors. Verdicts are diagnostics of another source. */
function errors(uri: vscode.Uri): number {
    const all = vscode.languages.getDiagnostics(uri);
    return all.filter(({ severity, source }) => severity === vscode.DiagnosticSeverity.Error && source === "qnn").length;
}

function tooltip(counts: Counts, spoken: string): vscode.MarkdownString {
    const text = new vscode.MarkdownString(undefined, true);
    text.isTrusted = { enabledCommands: ["qnn.verifySpec", "qnn.verifyFailedInSpec", "qnn.cancelAll"] };
    text.appendMarkdown(`**qnn**: ${spoken}\n\n`);
    const links = ["[$(play) Verify](command:qnn.verifySpec)"];
    if (counts.unexpected > 0) links.push("[$(refresh) Verify failed again](command:qnn.verifyFailedInSpec)");
    if (counts.running + counts.queued > 0) links.push("[$(stop) Cancel](command:qnn.cancelAll)");
    text.appendMarkdown(links.join(" · "));
    return text;
}
