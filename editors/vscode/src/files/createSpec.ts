/** A first spec beside a model: asks what it can't know, has the server write it, and opens it. */

import * as vscode from "vscode";
import type { SampleFile } from "../protocol.generated";
import type { Server } from "../server";

export async function createSpec(server: Server, uri: vscode.Uri, kernel?: string): Promise<void> {
    const name = uri.path.split("/").at(-1) ?? "";
    const silence = server.silence();
    if (silence !== undefined) {
        void vscode.window.showInformationMessage(`qnn: ${silence}`);
        return;
    }
    const model = await server.model(uri.toString());
    if (model === undefined) return;
    if (model.problem !== null) {
        void vscode.window.showErrorMessage([model.problem.message, model.problem.help ?? ""].join(" ").trim());
        return;
    }
    const kernels = model.kernels.map((choice) => ({ label: choice.name, detail: choice.summary.replaceAll("`", "") }));
    const chosen =
        kernel ??
        (kernels.length <= 1
            ? kernels[0]?.label
            : (await vscode.window.showQuickPick(kernels, { title: `Which kernels run ${name}?`, placeHolder: "Other kernels compute other integers of the same file" }))?.label);
    if (chosen === undefined && !model.floats) return;
    const inputs = await chosenSamples(uri, model.samples);
    if (inputs === undefined) return;
    const created = await server.createSpec({ uri: uri.toString(), ...(chosen === undefined ? {} : { kernel: chosen }), ...inputs });
    if (created !== undefined) await vscode.window.showTextDocument(vscode.Uri.parse(created.uri));
}

/** The files of inputs and classes that the spec is to begin with; `undefined` if nothing is to be written. */
async function chosenSamples(model: vscode.Uri, files: SampleFile[]): Promise<{ samples?: string; labels?: string } | undefined> {
    if (files.length === 0) return {};
    const none = "No inputs yet";
    const items = [
        ...files.map(({ name, labels }) => (labels === null ? { label: name } : { label: name, description: `with the classes of ${labels}` })),
        { label: none, description: "the spec says how to add them" },
    ];
    const choice = (await vscode.window.showQuickPick(items, { title: "Inputs to start from", placeHolder: "Robustness is asked about each of them" }))?.label;
    if (choice === undefined) return undefined;
    if (choice === none) return {};
    const of = (name: string): string => vscode.Uri.joinPath(model, "..", name).toString();
    const labels = files.find(({ name }) => name === choice)?.labels ?? null;
    return { samples: of(choice), ...(labels === null ? {} : { labels: of(labels) }) };
}
