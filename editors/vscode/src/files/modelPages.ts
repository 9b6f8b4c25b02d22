/** Model files as pages: what they hold, and by which kernels they can be verified. */

import * as vscode from "vscode";
import type { ModelFile, NetworkView } from "../protocol.generated";
import type { Server } from "../server";
import { FilePages, type Talk, type Waiting } from "./filePage";

/** What the page is told. */
export type ToPage = Waiting | { type: "model"; model: ModelFile } | { type: "kernel"; kernel: string; view: NetworkView | null };

/** What the page says. */
export type FromPage = { type: "createSpec"; kernel?: string } | { type: "showNetwork"; kernel: string };

export interface ModelCommands {
    createSpec: (model: vscode.Uri, kernel?: string) => Promise<void>;
    showNetwork: (model: vscode.Uri, kernel: string) => Promise<void>;
}

export class ModelPages extends FilePages<ToPage, FromPage> {
    constructor(
        context: vscode.ExtensionContext,
        server: Server,
        private readonly commands: ModelCommands,
    ) {
        super(context, server, "qnn.model", { title: "Model", script: "model.js", styles: ["page.css", "files.css"] });
    }

    protected async show({ uri, tell, current }: Talk<ToPage>): Promise<void> {
        const model = await this.server.model(uri.toString());
        if (model === undefined) return;
        tell({ type: "model", model });
        // One after the other: the likeliest kernel's answer is there first.
        for (const { name } of model.kernels) {
            if (!current()) return;
            const view = await this.server.network({ uri: uri.toString(), kernel: name });
            tell({ type: "kernel", kernel: name, view: view ?? null });
        }
    }

    protected async hear({ uri }: Talk<ToPage>, said: FromPage): Promise<void> {
        const kernel = typeof said.kernel === "string" ? said.kernel : undefined;
        if (said.type === "createSpec") await this.commands.createSpec(uri, kernel);
        else if (kernel !== undefined) await this.commands.showNetwork(uri, kernel);
    }
}
