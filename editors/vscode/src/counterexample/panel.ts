/**
 * The counterexample view's panel: one, beside the text, that follows what the server says of the instance that it shows.
 */

import * as vscode from "vscode";
import type { PropertyStatus, Shown, Trace } from "../protocol.generated";
import { rangeOf } from "../ranges";
import type { Server } from "../server";
import type { Change, Store } from "../store";
import { isActive, isFinal, stateInWords } from "../stateText";
import { page, roots } from "../webviewPage";
import { view, type View } from "./model";

/** What the page is told. */
export type ToPage = { type: "view"; view: View } | { type: "trace"; trace: Trace } | { type: "gone"; instance: string; others: string[]; text: string };

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
    /** Its layers, once they were asked for. */
    trace?: Promise<Trace | undefined>;
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
        const panel = vscode.window.createWebviewPanel(
            "qnn.counterexample",
            "Counterexample",
            { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
            { enableScripts: true, enableFindWidget: true, localResourceRoots: roots(this.context.extensionUri) },
        );
        panel.iconPath = vscode.Uri.joinPath(this.context.extensionUri, "icons", "qnn.svg");
        panel.onDidDispose(() => {
            this.panel = undefined;
            this.subject = undefined;
        });
        panel.webview.onDidReceiveMessage((said: unknown) => void this.hear(said));
        this.panel = panel;
        const styles = ["page.css", "counterexample.css"];
        panel.webview.html = page(panel.webview, this.context.extensionUri, { title: "Counterexample", script: "counterexample.js", styles, pictures: true });
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
        if (message.type === "view") void this.trace(subject);
    }

    /** Tells the page what the layers hold. */
    private async trace(subject: Subject): Promise<void> {
        const { uri, shown } = subject;
        // A stale counterexample is none of the text as it is: its layers are asked for when it is current.
        if (this.store.find(uri, shown.instance)?.instance.hasCounterexample !== true) return;
        subject.trace ??= this.server.trace({ uri, instance: shown.instance });
        const trace = await subject.trace;
        if (trace === undefined || this.subject !== subject) return;
        void this.panel?.webview.postMessage({ type: "trace", trace } satisfies ToPage);
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
