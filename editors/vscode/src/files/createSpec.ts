/** A first spec beside a model: asks what it can't know, has the server write it, and opens it. */

import * as vscode from "vscode";
import type { Server } from "../server";

/** What a file of samples is called beside one of their classes. */
const SAMPLES_AND_LABELS: [string, string][] = [["images", "labels"], ["image", "label"], ["samples", "labels"], ["inputs", "labels"], ["x", "y"]];

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
    const inputs = await samples(uri);
    if (inputs === undefined) return;
    const created = await server.createSpec({ uri: uri.toString(), ...(chosen === undefined ? {} : { kernel: chosen }), ...inputs });
    if (created !== undefined) await vscode.window.showTextDocument(vscode.Uri.parse(created.uri));
}

/** The files of inputs and classes that the spec is to begin with; `undefined` if nothing is to be written. */
async function samples(model: vscode.Uri): Promise<{ samples?: string; labels?: string } | undefined> {
    const folder = vscode.Uri.joinPath(model, "..");
    const names = (await vscode.workspace.fs.readDirectory(folder)).filter(([name, type]) => type === vscode.FileType.File && name.endsWith(".npy")).map(([name]) => name);
    const classes = (name: string): string | undefined =>
        SAMPLES_AND_LABELS.map(([of, label]) => (of.length > 1 || name.startsWith(of) ? name.replace(of, label) : name)).find((label) => label !== name && names.includes(label));
    const labels = new Set(names.map(classes));
    const choices = names.filter((name) => !labels.has(name));
    if (choices.length === 0) return {};
    const none = "No inputs yet";
    const items = [
        ...choices.map((name) => {
            const label = classes(name);
            return label === undefined ? { label: name } : { label: name, description: `with the classes of ${label}` };
        }),
        { label: none, description: "the spec says how to add them" },
    ];
    const choice = (await vscode.window.showQuickPick(items, { title: "Inputs to start from", placeHolder: "Robustness is asked about each of them" }))?.label;
    if (choice === undefined) return undefined;
    if (choice === none) return {};
    const label = classes(choice);
    const of = (name: string): string => vscode.Uri.joinPath(folder, name).toString();
    return { samples: of(choice), ...(label === undefined ? {} : { labels: of(label) }) };
}
