/**
 * The view of the property at the cursor: it follows the cursor and the verdicts, unless it is pinned or paused.
 *
 * In: the store of statuses, the cursor. Out: what the page is told. Invariant: a pinned view follows its property's verdicts, a paused one nothing.
 */

import * as vscode from "vscode";
import type { CounterexamplePanel } from "../counterexample/panel";
import type { NetworkView } from "../protocol.generated";
import { rangeOf } from "../ranges";
import type { Server } from "../server";
import { type Change, propertyAt, type Store } from "../store";
import { page, roots } from "../webviewPage";
import { first, type Inspected, inspected } from "./model";

/** What the page is told. */
export type ToPage = { type: "property"; shown: Inspected; pinned: boolean; paused: boolean } | { type: "nothing"; text: string };

/** What the page says. */
export type FromPage = { type: "ready" | "pin" | "reveal" } | { type: "pause"; paused: boolean } | { type: "choose" | "verify" | "cancel" | "counterexample"; instance: string };

export class Inspector implements vscode.WebviewViewProvider, vscode.Disposable {
    private view: vscode.WebviewView | undefined;
    private at: { uri: string; property: string } | undefined;
    private chosen: string | undefined;
    private network: NetworkView | undefined;
    private asked = "";
    private pinned = false;
    private paused = false;
    private readonly registered: vscode.Disposable;

    constructor(
        private readonly context: vscode.ExtensionContext,
        private readonly server: Server,
        private readonly store: Store,
        private readonly counterexamples: CounterexamplePanel,
    ) {
        this.registered = vscode.Disposable.from(
            vscode.window.registerWebviewViewProvider("qnn.property", this),
            vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => { this.follow(textEditor); }),
            vscode.window.onDidChangeActiveTextEditor((editor) => { if (editor !== undefined) this.follow(editor); }),
        );
    }

    dispose(): void {
        this.registered.dispose();
    }

    resolveWebviewView(view: vscode.WebviewView): void {
        this.view = view;
        view.webview.options = { enableScripts: true, localResourceRoots: roots(this.context.extensionUri) };
        view.webview.onDidReceiveMessage((said: unknown) => void this.hear(said));
        view.onDidDispose(() => { this.view = undefined; });
        view.webview.html = page(view.webview, this.context.extensionUri, { title: "Property at cursor", script: "inspector.js", styles: ["page.css", "inspector.css"] });
    }

    /** Follows what the server says. */
    changed(change: Change): void {
        if (this.at === undefined) {
            const editor = vscode.window.activeTextEditor;
            if (editor !== undefined) this.follow(editor);
        } else if (change.uri === this.at.uri) this.tell();
    }

    private follow(editor: vscode.TextEditor): void {
        if (this.pinned || this.paused || editor.document.languageId !== "qnn") return;
        const uri = editor.document.uri.toString();
        const property = propertyAt(this.store.specs.get(uri), editor.selection.active.line);
        if (property === undefined || (this.at?.uri === uri && this.at.property === property.name)) return;
        this.at = { uri, property: property.name };
        this.chosen = undefined;
        this.tell();
    }

    private tell(pausing = false): void {
        const { view, at } = this;
        if (view === undefined || this.paused) return;
        const property = at && this.store.specs.get(at.uri)?.properties.find(({ name }) => name === at.property);
        if (at === undefined || property === undefined) {
            const text = at === undefined ? "Put the cursor into a property of a spec." : `${at.property} is not in the spec any more, or the spec is closed.`;
            void view.webview.postMessage({ type: "nothing", text } satisfies ToPage);
            return;
        }
        const { pinned } = this;
        const shown = inspected(at.uri, property, this.chosen, this.network);
        void view.webview.postMessage({ type: "property", shown, pinned, paused: pausing } satisfies ToPage);
        const instance = property.instances.find(({ name }) => name === shown.chosen?.name) ?? first(property.instances);
        if (instance !== undefined && (instance.mood === "undecided" || instance.mood === "running")) void this.ask(at.uri, instance.name);
    }

    /** Asks once for what the layers hold over an instance's inputs. */
    private async ask(uri: string, instance: string): Promise<void> {
        const question = `${uri} ${String(this.store.specs.get(uri)?.documentVersion)} ${instance}`;
        if (question === this.asked) return;
        this.asked = question;
        const network = await this.server.network({ uri, instance });
        if (network === undefined || question !== this.asked) return;
        this.network = network;
        this.tell();
    }

    private async hear(said: unknown): Promise<void> {
        if (typeof said !== "object" || said === null) return;
        const message = said as FromPage;
        const { at } = this;
        switch (message.type) {
            case "ready": {
                const editor = vscode.window.activeTextEditor;
                if (editor !== undefined) this.follow(editor);
                this.tell();
                return;
            }
            case "pin":
                this.pinned = !this.pinned;
                break;
            case "pause":
                // What is paused is told once more, so that it shows that it is.
                this.paused = false;
                if (message.paused) this.tell(true);
                this.paused = message.paused;
                if (!this.paused) {
                    const editor = vscode.window.activeTextEditor;
                    if (editor !== undefined) this.follow(editor);
                    this.tell();
                }
                return;
            default:
                break;
        }
        if (at === undefined) return;
        switch (message.type) {
            case "choose":
                this.chosen = message.instance;
                break;
            case "verify":
                await this.server.verify({ uri: at.uri, instances: [message.instance], force: true });
                break;
            case "cancel":
                await this.server.cancel({ uri: at.uri, instances: [message.instance] });
                break;
            case "counterexample":
                await this.counterexamples.show({ uri: at.uri, instance: message.instance });
                break;
            case "reveal": {
                const property = this.store.specs.get(at.uri)?.properties.find(({ name }) => name === at.property);
                if (property !== undefined) await vscode.window.showTextDocument(vscode.Uri.parse(at.uri), { selection: rangeOf(property), viewColumn: vscode.ViewColumn.One });
                break;
            }
            default:
                break;
        }
        this.tell();
    }
}
