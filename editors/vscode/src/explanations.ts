/**
 * The pages on error codes: texts of the scheme `qnn-error`, shown as rendered Markdown.
 *
 * A diagnostic's code leads to `qnn-error:E0402`, the command *Explain* names the code; either way the server has the page.
 */

import * as vscode from "vscode";
import type { Server } from "./server";

const SCHEME = "qnn-error";

export class Explanations implements vscode.Disposable {
    private readonly subscriptions: vscode.Disposable[];

    constructor(server: Server) {
        this.subscriptions = [
            vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
                provideTextDocumentContent: async (uri) => (await server.explain(uri.path))?.text ?? "",
            }),
            // A link opens the text in an editor; the page takes its place.
            vscode.window.onDidChangeActiveTextEditor((editor) => {
                if (editor?.document.uri.scheme === SCHEME) void replace(editor.document.uri);
            }),
        ];
    }

    dispose(): void {
        for (const subscription of this.subscriptions) subscription.dispose();
    }

    /** Shows the page on a code. */
    async show({ code }: { code: string }): Promise<void> {
        await preview(vscode.Uri.from({ scheme: SCHEME, path: code }));
    }
}

async function replace(uri: vscode.Uri): Promise<void> {
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
    const shown = tabs.filter((tab) => tab.input instanceof vscode.TabInputText && tab.input.uri.toString() === uri.toString());
    await vscode.window.tabGroups.close(shown);
    await preview(uri);
}

async function preview(uri: vscode.Uri): Promise<void> {
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.languages.setTextDocumentLanguage(document, "markdown");
    await vscode.commands.executeCommand("markdown.showPreviewToSide", uri);
}
