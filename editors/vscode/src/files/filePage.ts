/**
 * A page about a file that is no text: a read-only editor that is drawn anew when the file, the server or its health changes.
 *
 * In: what the page is, and what it is told. Out: a provider of custom editors. Invariant: only the newest answers are shown, whatever order they come in.
 */

import * as vscode from "vscode";
import type { Server } from "../server";
import { type Page, page, roots } from "../webviewPage";

/** How long a file that is being written is left alone, in milliseconds. */
const PAUSE = 200;

/** What every page says and is told besides its own. */
export interface Waiting {
    type: "waiting";
    text: string;
}
export interface Ready {
    type: "ready";
}

export interface Talk<To> {
    uri: vscode.Uri;
    /** Tells the page something, unless something newer is being told. */
    tell: (message: To) => void;
    /** Whether nothing newer is being told. */
    current: () => boolean;
}

export abstract class FilePages<To, From extends { type: string }> implements vscode.CustomReadonlyEditorProvider, vscode.Disposable {
    private readonly redraw = new vscode.EventEmitter<void>();
    private readonly registered: vscode.Disposable[] = [];

    constructor(
        protected readonly context: vscode.ExtensionContext,
        protected readonly server: Server,
        view: string,
        private readonly page: Page,
    ) {
        const options = { webviewOptions: { retainContextWhenHidden: false, enableFindWidget: true }, supportsMultipleEditorsPerDocument: true };
        this.registered.push(
            vscode.window.registerCustomEditorProvider(view, this, options),
            server.onHealth(() => { this.redraw.fire(); }),
        );
    }

    dispose(): void {
        vscode.Disposable.from(...this.registered).dispose();
        this.redraw.dispose();
    }

    openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
        return { uri, dispose: () => undefined };
    }

    resolveCustomEditor(document: vscode.CustomDocument, panel: vscode.WebviewPanel): void {
        const { uri } = document;
        let question = 0;
        let later: NodeJS.Timeout | undefined;
        const draw = (): void => {
            const own = ++question;
            const current = (): boolean => own === question;
            const tell = (message: To | Waiting): void => {
                if (current()) void panel.webview.postMessage(message);
            };
            const silence = this.server.silence();
            if (silence === undefined) void this.show({ uri, tell, current });
            else tell({ type: "waiting", text: silence });
        };
        const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(vscode.Uri.joinPath(uri, ".."), uri.path.split("/").at(-1) ?? ""));
        const changed = (): void => {
            clearTimeout(later);
            later = setTimeout(draw, PAUSE);
        };
        const all = vscode.Disposable.from(
            watcher,
            watcher.onDidChange(changed),
            watcher.onDidCreate(changed),
            watcher.onDidDelete(changed),
            this.redraw.event(draw),
            panel.webview.onDidReceiveMessage((said: unknown) => {
                if (typeof said !== "object" || said === null) return;
                if ((said as { type: unknown }).type === "ready") draw();
                else {
                    const own = question;
                    const current = (): boolean => own === question;
                    const tell = (message: To): void => {
                        if (current()) void panel.webview.postMessage(message);
                    };
                    void this.hear({ uri, tell, current }, said as From);
                }
            }),
        );
        panel.onDidDispose(() => {
            question++;
            clearTimeout(later);
            all.dispose();
        });
        panel.webview.options = { enableScripts: true, localResourceRoots: roots(this.context.extensionUri) };
        panel.webview.html = page(panel.webview, this.context.extensionUri, this.page);
    }

    /** Tells the page what there is. */
    protected abstract show(talk: Talk<To>): Promise<void>;

    /** Hears what the page says. */
    protected abstract hear(talk: Talk<To>, said: From): Promise<void>;
}
