/**
 * The network view: the layers of a network as a graph, beside the text, that follows the text and the cursor.
 *
 * In: the server's answers to `qnn/network`. Out: what the page is told. Invariants: of several questions the newest answer is shown; a click on a layer
 * leads to its place in the text, and the cursor in the text marks its layer.
 */

import * as vscode from "vscode";
import type { NetworkArguments, NetworkView, PlaceInText } from "../protocol.generated";
import type { Server } from "../server";
import type { Change } from "../store";
import { page, roots } from "../webviewPage";
import { layerAt } from "./layerAt";

/** How long typing must pause before the view is drawn anew, in milliseconds. */
const PAUSE = 300;

/** What the page is told. */
export type ToPage = { type: "network"; view: NetworkView } | { type: "cursor"; layer: number | null } | { type: "outdated"; text: string };

/** What the page says. */
export type FromPage =
    | { type: "ready" }
    | { type: "network"; network: string }
    | { type: "instance"; instance: string | null }
    | { type: "reveal"; layer: number | null };

export class NetworkPanel implements vscode.Disposable {
    private panel: vscode.WebviewPanel | undefined;
    private of: NetworkArguments | undefined;
    private view: NetworkView | undefined;
    private questions = 0;
    /** Where the view itself has put the cursor, which chooses no layer: that is chosen already. */
    private put: vscode.Position | undefined;
    private later: NodeJS.Timeout | undefined;
    private readonly followed: vscode.Disposable;

    constructor(
        private readonly context: vscode.ExtensionContext,
        private readonly server: Server,
    ) {
        this.followed = vscode.Disposable.from(
            vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => { this.mark(textEditor); }),
            vscode.workspace.onDidChangeTextDocument(({ document }) => { this.edited(document.uri.toString()); }),
        );
    }

    dispose(): void {
        clearTimeout(this.later);
        this.followed.dispose();
        this.panel?.dispose();
    }

    /** Shows a network of a spec or of a model file. */
    async show(of: NetworkArguments): Promise<void> {
        const question = ++this.questions;
        const silence = this.server.silence();
        if (silence !== undefined) {
            void vscode.window.showInformationMessage(`qnn: ${silence}`);
            return;
        }
        const view = await this.server.network(of);
        if (view === undefined || question !== this.questions) return;
        // What is shown is asked for again when the text changes: not whatever network is the first one then.
        this.of = of.network == null && view.problem === null ? { ...of, network: view.name.replace(/<.*/, "") } : of;
        this.view = view;
        this.open();
        this.tell();
    }

    /** Follows what the server says of a spec. */
    changed(change: Change): void {
        // Instances come and go with the text, and with the files that it names.
        if (change.structure && change.uri === this.of?.uri) this.again();
    }

    private edited(uri: string): void {
        if (uri === this.of?.uri) this.again();
    }

    private again(): void {
        clearTimeout(this.later);
        this.later = setTimeout(() => void this.refresh(), PAUSE);
    }

    private async refresh(): Promise<void> {
        const { of, panel } = this;
        if (of === undefined || panel === undefined || this.server.silence() !== undefined) return;
        const question = ++this.questions;
        const view = await this.server.network(of);
        if (view === undefined || question !== this.questions) return;
        if (view.problem !== null && this.view?.problem === null) {
            // What was drawn is still worth looking at, but it is of an earlier text.
            void panel.webview.postMessage({ type: "outdated", text: `This is of an earlier text. ${view.problem.message}` } satisfies ToPage);
            return;
        }
        this.view = view;
        this.tell();
    }

    private open(): void {
        if (this.panel !== undefined) {
            this.panel.reveal(undefined, true);
            return;
        }
        const options = { enableScripts: true, enableFindWidget: true, localResourceRoots: roots(this.context.extensionUri) };
        const panel = vscode.window.createWebviewPanel("qnn.network", "Network", { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true }, options);
        panel.iconPath = vscode.Uri.joinPath(this.context.extensionUri, "icons", "qnn.svg");
        panel.onDidDispose(() => {
            this.panel = undefined;
            this.of = undefined;
            this.view = undefined;
        });
        panel.webview.onDidReceiveMessage((said: unknown) => void this.hear(said));
        this.panel = panel;
        panel.webview.html = page(panel.webview, this.context.extensionUri, { title: "Network", script: "network.js", styles: ["page.css", "network.css"] });
    }

    private tell(): void {
        const { panel, view } = this;
        if (panel === undefined || view === undefined) return;
        panel.title = `Network: ${view.name}`;
        void panel.webview.postMessage({ type: "network", view } satisfies ToPage);
        const editor = vscode.window.visibleTextEditors.find(({ document }) => document.uri.toString() === view.uri);
        if (editor !== undefined) this.mark(editor);
    }

    /** Marks the layer that the cursor stands in. */
    private mark(editor: vscode.TextEditor): void {
        const { panel, view } = this;
        if (panel === undefined || editor.document.uri.toString() !== view?.uri) return;
        if (this.put?.isEqual(editor.selection.active) === true) return;
        this.put = undefined;
        const layer = layerAt(view, editor.selection.active.line, editor.selection.active.character);
        void panel.webview.postMessage({ type: "cursor", layer } satisfies ToPage);
    }

    private async hear(said: unknown): Promise<void> {
        const { of, view } = this;
        if (typeof said !== "object" || said === null || of === undefined || view === undefined) return;
        const message = said as FromPage;
        switch (message.type) {
            case "ready":
                this.tell();
                break;
            case "network":
                await this.show({ uri: of.uri, network: message.network });
                break;
            case "instance":
                // Without its integers: an instance may apply the network with others.
                await this.show({ ...of, network: view.name.replace(/<.*/, ""), instance: message.instance });
                break;
            case "reveal":
                await this.reveal(message.layer === null ? view.place : (view.layers[message.layer]?.place ?? null));
                break;
        }
    }

    private async reveal(place: PlaceInText | null): Promise<void> {
        if (place === null) return;
        const { start, end } = place.range;
        const uri = vscode.Uri.parse(place.uri);
        const shown = vscode.window.visibleTextEditors.find(({ document }) => document.uri.toString() === uri.toString());
        const from = (this.put = new vscode.Position(start.line, start.character));
        const options = { selection: new vscode.Range(from, from), preserveFocus: true, viewColumn: shown?.viewColumn ?? vscode.ViewColumn.One };
        const editor = await vscode.window.showTextDocument(uri, options);
        // With the cursor at the beginning: the text would be scrolled to the end of what is long.
        editor.selection = new vscode.Selection(new vscode.Position(end.line, end.character), from);
    }
}
