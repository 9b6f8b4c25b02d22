/** Where VS Code enters: makes the parts and joins them. */

import * as vscode from "vscode";
import { register } from "./commands";
import { CounterexamplePanel } from "./counterexample/panel";
import { Explanations } from "./explanations";
import { createSpec } from "./files/createSpec";
import { ModelPages } from "./files/modelPages";
import { TensorPages } from "./files/tensorPages";
import { Gutter } from "./gutter";
import { Inspector } from "./inspector/view";
import { NetworkPanel } from "./network/panel";
import type { NetworkArguments } from "./protocol.generated";
import { Reports } from "./report";
import { Server } from "./server";
import { StatusBar } from "./statusBar";
import { type Change, Store } from "./store";
import { TestExplorer } from "./testExplorer";

let server: Server | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
    const store = new Store();
    const running = (server = new Server(context, (command, args) => {
        const of = args[0] as { uri: string; instance?: string; property?: string; code: string } | undefined;
        if (command === "qnn.showNetwork") {
            void networks.show(args[0] as NetworkArguments);
            return true;
        }
        const shows = { "qnn.showCounterexample": panel, "qnn.report": reports, "qnn.explain": explanations }[command];
        if (shows === undefined) return false;
        if (of !== undefined) void shows.show(of);
        return true;
    }));
    const panel = new CounterexamplePanel(context, running, store);
    const reports = new Reports(context, running, store);
    const explanations = new Explanations(running);
    const networks = new NetworkPanel(context, running);
    const models = new ModelPages(context, running, {
        createSpec: (model, kernel) => createSpec(running, model, kernel),
        showNetwork: (model, kernel) => networks.show({ uri: model.toString(), kernel }),
    });
    const inspector = new Inspector(context, running, store, panel);
    const gutter = new Gutter(context, store);
    const status = new StatusBar(running, store);
    const explorer = new TestExplorer(running, store);
    const changed = (change: Change): void => {
        explorer.changed(change);
        panel.changed(change);
        reports.changed(change);
        networks.changed(change);
        inspector.changed(change);
        gutter.draw(change.uri);
        status.draw();
    };
    context.subscriptions.push(
        running,
        panel,
        reports,
        explanations,
        networks,
        inspector,
        models,
        new TensorPages(context, running),
        gutter,
        status,
        explorer,
        running.onStatus((message) => {
            const change = store.take(message);
            if (change !== undefined) changed(change);
        }),
        running.onHealth((health) => {
            // What a server said that is gone counts for nothing.
            if (health !== "running") {
                for (const uri of store.clear()) changed({ uri, spec: undefined, structure: true, instances: [] });
            }
            else void explorer.list();
            status.draw();
        }),
        vscode.workspace.onDidGrantWorkspaceTrust(() => void running.restart()),
        vscode.workspace.onDidChangeConfiguration((event) => {
            // The client library tells the server of all other settings.
            if (event.affectsConfiguration("qnn.server")) void running.restart();
        }),
        register(running, store, explorer, panel, reports, networks),
    );
    status.draw();
    await running.restart();
}

export async function deactivate(): Promise<void> {
    await server?.stop();
}
