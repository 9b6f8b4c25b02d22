/**
 * The counterexample view's panel: one, beside the text, that follows what the server says of the instance that it shows.
 *
 * The page may load its own script and style, and nothing else; what it is told is data, what it says is checked.
 */

import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import type { PropertyStatus, Shown } from "../protocol.generated";
import { rangeOf } from "../ranges";
import type { Server } from "../server";
import type { Change, Store } from "../store";
import { isActive, isFinal, stateInWords } from "../stateText";
import { view, type View } from "./model";

/** What the page is told. */
export type ToPage = { type: "view"; view: View } | { type: "gone"; instance: string; others: string[]; text: string };

/** What the page says. */
export type FromPage =
    | { type: "ready" }
    | { type: "show"; instance: string }
    | { type: "verify" }
    | { type: "reveal" }
    | { type: "copy" };

interface Subject {
    uri: string;
    property: PropertyStatus;
    shown: Shown;
}

export class CounterexamplePanel implements vscode.Disposable {
    private panel: vscode.WebviewPanel | undefined;
    private subject: Subject | undefined;
    /** The newest question wins, whatever order the answers come in. */
    private questions = 0;

    constructor(
        private readonly context: vscode.ExtensionContext,
        private readonly server: Server,
        private readonly store: Store,
    ) {}

    dispose(): void {
        this.panel?.dispose();
    }

    /** Shows an instance's counterexample, or the first one of a property. */
    async show(of: { uri: string; instance?: string; property?: string }): Promise<void> {
        const question = ++this.questions;
        const shown = await this.server.counterexample(of);
        if (question !== this.questions || shown === undefined) return;
        const found = shown && this.store.find(of.uri, shown.instance);
        if (shown === null || !found) {
            const name = of.instance ?? of.property ?? "This property";
            void vscode.window.showInformationMessage(`${name} has no counterexample to show.`);
            return;
        }
        this.subject = { uri: of.uri, property: found.property, shown };
        this.open();
        this.tell();
    }

    /** Follows what the server says. */
    changed(change: Change): void {
        const subject = this.subject;
        if (this.panel === undefined || change.uri !== subject?.uri) return;
        const name = subject.shown.instance;
        const told = change.instances.find(({ instance }) => instance.name === name)?.instance;
        const current = this.store.find(change.uri, name)?.instance;
        if (told !== undefined && isFinal(told.state) && told.hasCounterexample) {
            // Perhaps another counterexample than before.
            void this.refresh(subject);
        } else if (change.structure || told !== undefined || current === undefined) {
            this.tell();
        }
    }

    private async refresh(subject: Subject): Promise<void> {
        const question = ++this.questions;
        const shown = await this.server.counterexample({ uri: subject.uri, instance: subject.shown.instance });
        if (question !== this.questions || this.subject !== subject) return;
        const found = this.store.find(subject.uri, subject.shown.instance);
        if (shown !== undefined && shown !== null && found !== undefined) {
            this.subject = { uri: subject.uri, property: found.property, shown };
        }
        this.tell();
    }

    private open(): void {
        if (this.panel !== undefined) {
            this.panel.reveal(undefined, true);
            return;
        }
        const folder = (name: string): vscode.Uri => vscode.Uri.joinPath(this.context.extensionUri, name);
        const panel = vscode.window.createWebviewPanel(
            "qnn.counterexample",
            "Counterexample",
            { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
            { enableScripts: true, enableFindWidget: true, localResourceRoots: [folder("dist"), folder("media")] },
        );
        panel.iconPath = vscode.Uri.joinPath(folder("icons"), "qnn.svg");
        panel.onDidDispose(() => {
            this.panel = undefined;
            this.subject = undefined;
        });
        panel.webview.onDidReceiveMessage((said: unknown) => void this.hear(said));
        this.panel = panel;
        panel.webview.html = page(
            panel.webview,
            vscode.Uri.joinPath(folder("dist"), "counterexample.js"),
            vscode.Uri.joinPath(folder("media"), "counterexample.css"),
        );
    }

    private tell(): void {
        const { panel, subject } = this;
        if (panel === undefined || subject === undefined) return;
        const { uri, shown } = subject;
        const others = (this.store.specs.get(uri)?.properties ?? [])
            .flatMap((property) => property.instances)
            .filter((instance) => instance.hasCounterexample)
            .map((instance) => instance.name);
        const found = this.store.find(uri, shown.instance);
        panel.title = shown.instance;
        let message: ToPage;
        if (found === undefined) {
            message = { type: "gone", instance: shown.instance, others, text: "It is not in the spec any more, or the spec is closed." };
        } else if (isFinal(found.instance.state) && !found.instance.hasCounterexample) {
            message = { type: "gone", instance: shown.instance, others, text: `It has no counterexample now: ${stateInWords(found.instance)}.` };
        } else {
            message = { type: "view", view: view(found.property, found.instance, shown.counterexample, others) };
        }
        void panel.webview.postMessage(message);
    }

    private async hear(said: unknown): Promise<void> {
        const subject = this.subject;
        if (typeof said !== "object" || said === null || subject === undefined) return;
        const message = said as FromPage;
        switch (message.type) {
            case "ready":
                this.tell();
                break;
            case "show":
                if (typeof message.instance === "string") await this.show({ uri: subject.uri, instance: message.instance });
                break;
            case "verify": {
                const instance = this.store.find(subject.uri, subject.shown.instance)?.instance;
                if (instance !== undefined && !isActive(instance.state)) {
                    await this.server.verify({ uri: subject.uri, instances: [instance.name], force: true });
                }
                break;
            }
            case "reveal": {
                const property = this.store.find(subject.uri, subject.shown.instance)?.property ?? subject.property;
                const uri = vscode.Uri.parse(subject.uri);
                await vscode.window.showTextDocument(uri, { selection: rangeOf(property), viewColumn: vscode.ViewColumn.One });
                break;
            }
            case "copy":
                await vscode.env.clipboard.writeText(subject.shown.text);
                vscode.window.setStatusBarMessage("Counterexample copied", 3000);
                break;
        }
    }
}

function page(webview: vscode.Webview, script: vscode.Uri, style: vscode.Uri): string {
    const nonce = randomBytes(18).toString("base64");
    const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src ${webview.cspSource};`;
    return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${webview.asWebviewUri(style).toString()}">
<title>Counterexample</title>
</head>
<body>
<main id="main" aria-busy="true"></main>
<div id="said" class="spoken" role="status" aria-live="polite"></div>
<script nonce="${nonce}" src="${webview.asWebviewUri(script).toString()}"></script>
</body>
</html>`;
}
