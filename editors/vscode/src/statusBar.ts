/** How the spec at hand stands, in the status bar; and how the server does, if that is news. */

import * as vscode from "vscode";
import type { Health, Server } from "./server";
import type { Spec, Store } from "./store";
import { longestRunning, progress, statusSpoken, statusText } from "./stateText";

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
                const longest = longestRunning(spec.properties.flatMap(({ instances }) => instances));
                const wrong = errors(document.uri);
                const mood = wrong > 0 && spec.mood !== "running" ? "error" : spec.mood;
                const standing = { mood, counts: spec.counts, errors: wrong, longest };
                if (mood === "failed" || mood === "error") {
                    this.item.backgroundColor = new vscode.ThemeColor("statusBarItem.errorBackground");
                } else if (mood === "undecided") {
                    this.item.backgroundColor = new vscode.ThemeColor("statusBarItem.warningBackground");
                }
                const spoken = statusSpoken(standing);
                this.show(statusText(standing), tooltip(spec, spoken), `qnn: ${spoken}`, "qnn.actions");
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

/** The runs that are told of in the tooltip. */
const MOST_RUNNING = 8;

function tooltip(spec: Spec, spoken: string): vscode.MarkdownString {
    const text = new vscode.MarkdownString(undefined, true);
    text.isTrusted = { enabledCommands: ["qnn.verifySpec", "qnn.verifyFailedInSpec", "qnn.cancelAll"] };
    text.appendMarkdown("**qnn**: ");
    text.appendText(spoken);
    const running = spec.properties.flatMap(({ instances }) => instances).filter(({ state }) => state === "running");
    for (const instance of running.slice(0, MOST_RUNNING)) {
        text.appendMarkdown("\n\n");
        text.appendText(`${instance.name}: ${progress(instance) ?? "running"}`);
    }
    const links = ["[$(play) Verify](command:qnn.verifySpec)"];
    const { counts } = spec;
    if (counts.unexpected + counts.error + counts.timeout + counts.unknown > 0) links.push("[$(refresh) Verify failed again](command:qnn.verifyFailedInSpec)");
    if (spec.active) links.push("[$(stop) Cancel](command:qnn.cancelAll)");
    text.appendMarkdown(`\n\n${links.join(" · ")}`);
    return text;
}
