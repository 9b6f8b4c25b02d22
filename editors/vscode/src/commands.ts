/** The commands of the palette, menus and status bar. */

import * as vscode from "vscode";
import type { CounterexamplePanel } from "./counterexample/panel";
import { createSpec } from "./files/createSpec";
import type { NetworkPanel } from "./network/panel";
import type { PropertyStatus } from "./protocol.generated";
import { rangeOf } from "./ranges";
import type { Reports } from "./report";
import type { Server } from "./server";
import { counterexamples, propertyAt, type Store } from "./store";
import type { TestExplorer } from "./testExplorer";
import { inWords } from "./stateText";

const FIRST_SPEC = `//! A first spec: a network of two inputs and two outputs, and what must hold of it.

type Pixel = ufixed<8, 8>;            // unsigned, 8 bits, all of them after the point: 0/256 … 255/256
type Act   = ufixed<4, 2>;            // what a hidden neuron holds
type Score = fixed<6, 3>;             // signed, two's complement

network brighter(p: Pixel[2]) -> Score[2] {
    let h = relu(dense(p, [[2, -1], [-1, 2]], [0.5, 0.5])) as Act;
    dense(h, [[1, -0.5], [-0.5, 1]]) as Score
}

/// The left pixel is clearly the brighter one: is that ever mistaken?
property left_wins =
    forall p: Pixel[2] where p[0] >= p[1] + 0.25:
        argmax(brighter(p)) == 0;

/// Is it, for any difference at all? The rounding of Act has an answer.
property left_wins_always =
    forall p: Pixel[2] where p[0] > p[1]:
        strict_argmax(brighter(p)) == 0;

/// How wrong can the scores be, when the left pixel is no brighter?
measure mistake = maximize brighter(p)[0] - brighter(p)[1] over p: Pixel[2] where p[0] <= p[1];
`;

export function register(
    server: Server,
    store: Store,
    explorer: TestExplorer,
    panel: CounterexamplePanel,
    reports: Reports,
    networks: NetworkPanel,
): vscode.Disposable {
    /** The spec that was at hand last: from the walkthrough, or a report, that one is meant. */
    let last = vscode.window.activeTextEditor?.document;
    const followed = vscode.window.onDidChangeActiveTextEditor((editor) => {
        if (editor?.document.languageId === "qnn") last = editor.document;
    });
    /** The editor of the spec at hand. */
    const editor = async (): Promise<vscode.TextEditor | undefined> => {
        const active = vscode.window.activeTextEditor;
        if (active?.document.languageId === "qnn") return active;
        const open = vscode.workspace.textDocuments.filter((document) => document.languageId === "qnn");
        const document = open.find((candidate) => candidate === last) ?? (open.length === 1 ? open[0] : undefined);
        if (document !== undefined) return vscode.window.showTextDocument(document);
        void vscode.window.showInformationMessage("Open a .qnn file first.");
        return undefined;
    };
    /** The spec that a menu was opened on, else the one at hand. */
    const uri = async (argument: unknown): Promise<string | undefined> => {
        if (!(argument instanceof vscode.Uri) || !argument.path.endsWith(".qnn")) return (await editor())?.document.uri.toString();
        const of = argument.toString();
        if (!(await explorer.read(argument))) void vscode.window.showInformationMessage(`${argument.fsPath} could not be read.`);
        return of;
    };
    /** The property at the cursor. */
    const here = async (): Promise<{ uri: string; property: PropertyStatus } | undefined> => {
        const at = await editor();
        if (at === undefined) return undefined;
        const of = at.document.uri.toString();
        const property = propertyAt(store.specs.get(of), at.selection.active.line);
        if (property === undefined) void vscode.window.showInformationMessage("This spec has no property yet.");
        return property === undefined ? undefined : { uri: of, property };
    };

    const commands: Record<string, (argument?: unknown) => unknown> = {
        "qnn.verifyProperty": async () => {
            const at = await here();
            return at && server.verify({ uri: at.uri, property: at.property.name, force: true });
        },
        "qnn.verifySpec": async (argument) => {
            const of = await uri(argument);
            return of && server.verifyAll({ uri: of });
        },
        "qnn.verifyAllSpecs": () => server.verifyAll({}),
        "qnn.verifyWorkspace": () => explorer.verifyWorkspace(),
        "qnn.verifyFailedInSpec": async (argument) => {
            const of = await uri(argument);
            return of && server.verifyFailed({ uri: of });
        },
        "qnn.cancelProperty": async () => {
            const at = await here();
            return at && server.cancel({ uri: at.uri, property: at.property.name });
        },
        "qnn.cancelAll": () => server.cancel({}),
        "qnn.openCounterexample": async (argument) => {
            // From the Test Explorer's menus, an item or a message of one is given.
            const item = (argument as { test?: vscode.TestItem } | undefined)?.test ?? (argument as vscode.TestItem | undefined);
            const leaf = item === undefined ? undefined : explorer.leaf(item);
            if (leaf !== undefined) {
                await panel.show(leaf.instance === undefined ? { uri: leaf.uri, property: leaf.property } : { uri: leaf.uri, instance: leaf.instance });
                return;
            }
            const at = await here();
            if (at === undefined) return;
            const instance = await pick(at.property, store.specs.get(at.uri)?.properties ?? []);
            if (instance !== undefined) await panel.show({ uri: at.uri, instance });
        },
        "qnn.goToProperty": async (argument) => {
            const leaf = argument === undefined ? undefined : explorer.leaf(argument as vscode.TestItem);
            if (leaf === undefined) return;
            const property = store.specs.get(leaf.uri)?.properties.find((candidate) => candidate.name === leaf.property);
            await vscode.window.showTextDocument(vscode.Uri.parse(leaf.uri), property === undefined ? {} : { selection: rangeOf(property) });
        },
        "qnn.openReport": async (argument) => {
            const of = await uri(argument);
            return of && reports.show({ uri: of });
        },
        "qnn.saveReport": () => reports.save(),
        "qnn.openNetwork": async (argument) => {
            const model = modelAt(argument);
            if (model !== undefined) {
                await networks.show({ uri: model.toString() });
                return;
            }
            const of = await uri(argument);
            if (of !== undefined) await networks.show({ uri: of, network: networkAt(of) });
        },
        "qnn.newSpecOfModel": async (argument) => {
            const chosen = modelAt(argument) ?? (await pickModel());
            if (chosen !== undefined) await createSpec(server, chosen);
        },
        "qnn.actions": () => actions(store, panel),
        "qnn.restartServer": () => server.restart(),
        "qnn.showLogs": () => {
            server.log.show();
        },
        "qnn.clearStore": async () => {
            const clear = "Clear";
            const sure = await vscode.window.showWarningMessage(
                "Forget all verdicts that qnn remembers?",
                { modal: true, detail: "The command line shares them. They will be computed again when they are needed." },
                clear,
            );
            if (sure !== clear) return;
            const result = await server.clearCache();
            if (result !== undefined) void vscode.window.showInformationMessage(`qnn has forgotten ${result.removed} verdicts.`);
        },
        "qnn.newSpec": async () => {
            const document = await vscode.workspace.openTextDocument({ language: "qnn", content: FIRST_SPEC });
            await vscode.window.showTextDocument(document);
        },
        "qnn.openWalkthrough": () => vscode.commands.executeCommand("workbench.action.openWalkthrough", "qnn.qnn#qnn.start"),
    };
    const registered = Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run));
    return vscode.Disposable.from(followed, ...registered);
}

const MODELS = ["tflite", "onnx"];

/** The model file that a menu was opened on, else the one that is looked at. */
function modelAt(argument: unknown): vscode.Uri | undefined {
    const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
    const at = argument instanceof vscode.Uri ? argument : input instanceof vscode.TabInputCustom ? input.uri : undefined;
    return at !== undefined && MODELS.some((ending) => at.path.toLowerCase().endsWith(`.${ending}`)) ? at : undefined;
}

/** A model file of the workspace. */
async function pickModel(): Promise<vscode.Uri | undefined> {
    const all = await vscode.workspace.findFiles(`**/*.{${MODELS.join(",")}}`, "**/node_modules/**", 1000);
    if (all.length === 0) {
        void vscode.window.showInformationMessage("The workspace has no .tflite or .onnx file.");
        return undefined;
    }
    const items = all.map((uri) => ({ label: vscode.workspace.asRelativePath(uri), uri }));
    return (await vscode.window.showQuickPick(items, { title: "A spec for which model?" }))?.uri;
}

/** The network whose declaration or name the cursor stands in; `null` for the spec's first one. */
function networkAt(uri: string): string | null {
    const editor = vscode.window.visibleTextEditors.find(({ document }) => document.uri.toString() === uri);
    if (editor === undefined) return null;
    const { document, selection } = editor;
    const declared = (line: number): string | undefined => /^\s*network\s+(\w+)/.exec(document.lineAt(line).text)?.[1];
    const names = new Set(Array.from({ length: document.lineCount }, (_, line) => declared(line)));
    const word = document.getWordRangeAtPosition(selection.active);
    const named = word === undefined ? undefined : document.getText(word);
    if (named !== undefined && names.has(named)) return named;
    for (let line = selection.active.line; line >= 0; line--) {
        const name = declared(line);
        if (name !== undefined) return name;
        // Beyond the end of another item.
        if (line < selection.active.line && /^(property|measure|find|dataset|type|enum|const|def)\b/.test(document.lineAt(line).text)) return null;
    }
    return null;
}

/** Of a property's counterexamples the one to show; where it has none, of the spec's: the unexpected ones before all others. */
async function pick(property: PropertyStatus, spec: PropertyStatus[]): Promise<string | undefined> {
    const all = counterexamples(property, spec);
    if (all.length === 0) {
        void vscode.window.showInformationMessage("There is no counterexample to show.");
        return undefined;
    }
    if (all.length === 1) return all[0]?.name;
    const items = all.map((instance) => ({ label: instance.name, description: instance.counterexample?.summary ?? instance.detail }));
    return (await vscode.window.showQuickPick(items, { title: "Counterexamples", matchOnDescription: true }))?.label;
}

interface Action extends vscode.QuickPickItem {
    run?: () => unknown;
}

/** What can be done now, with the counterexamples of the spec at hand. */
async function actions(store: Store, panel: CounterexamplePanel): Promise<void> {
    const uri = vscode.window.activeTextEditor?.document.uri.toString() ?? "";
    const spec = store.specs.get(uri);
    const command = (label: string, name: string): Action => ({ label, run: () => vscode.commands.executeCommand(name) });
    const items: Action[] = [command("$(run-all) Verify this spec", "qnn.verifySpec")];
    if (spec !== undefined && ["failed", "error", "undecided"].includes(spec.mood)) items.push(command("$(refresh) Verify again what failed", "qnn.verifyFailedInSpec"));
    if (spec?.active === true) items.push(command("$(debug-stop) Cancel verification", "qnn.cancelAll"));
    if (spec !== undefined) items.push(command("$(graph) Open the report", "qnn.openReport"));
    const shown = (spec?.properties ?? []).flatMap((p) => p.instances).filter((instance) => instance.hasCounterexample);
    if (shown.length > 0) items.push({ label: "Counterexamples and witnesses", kind: vscode.QuickPickItemKind.Separator });
    for (const instance of shown.slice(0, 200)) {
        items.push({
            label: `${instance.asExpected === false ? "$(error)" : "$(pass)"} ${instance.name}`,
            description: instance.counterexample?.summary ?? instance.detail,
            run: () => panel.show({ uri, instance: instance.name }),
        });
    }
    items.push(
        { label: "Server", kind: vscode.QuickPickItemKind.Separator },
        command("$(output) Show logs", "qnn.showLogs"),
        command("$(debug-restart) Restart the language server", "qnn.restartServer"),
        command("$(trash) Clear the cache of verdicts", "qnn.clearStore"),
    );
    const title = spec === undefined ? "qnn" : `qnn: ${inWords(spec.counts)}`;
    const choice = await vscode.window.showQuickPick(items, { title, matchOnDescription: true });
    await choice?.run?.();
}
