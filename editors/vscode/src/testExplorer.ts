/**
 * The Test Explorer: specs as roots, properties below them, the instances of a family below these.
 *
 * Specs that are not open are listed by their files and are opened when they are unfolded or run; one that is closed keeps its rows, whose results are
 * outdated then. Verdicts that come by themselves, on saving for instance, are shown as well: a run of their own stands for them.
 *
 * Invariants: a run ends when the server says that nothing is active, or is gone. Every row's outcome follows from its mood. How an item stands is
 * part of its label: screen readers are told a description instead of the name.
 */

import * as vscode from "vscode";
import { placeName } from "./paths";
import type { InstanceStatus, PropertyStatus } from "./protocol.generated";
import type { Server } from "./server";
import { outcome, type Outcome, Waiting } from "./settle";
import type { Change, Spec, Store } from "./store";
import { inWords, provenance, standing } from "./stateText";

/** Instances of a family that are listed at most; all are verified. */
const MOST_INSTANCES = 2000;
/** Specs of the workspace that are listed at most. */
const MOST_SPECS = 1000;
/** How long a spec may take to be read when it is run from the explorer, in milliseconds. */
const PATIENCE = 30_000;
/** How long after a change what is not open is listed anew, in milliseconds. */
const QUIET = 1500;

interface Leaf {
    uri: string;
    property: string;
    /** `undefined` for a family, of which all instances are meant. */
    instance: string | undefined;
}

interface Asked {
    run: vscode.TestRun;
    waiting: Waiting;
}

export class TestExplorer implements vscode.Disposable {
    private readonly controller = vscode.tests.createTestController("qnn", "qnn");
    private readonly profile: vscode.TestRunProfile;
    private readonly leaves = new WeakMap<vscode.TestItem, Leaf>();
    /** By spec, the item of each instance. */
    private readonly items = new Map<string, Map<string, vscode.TestItem>>();
    /** What the explorer was last told of an instance, lest old results be told as new ones. */
    private readonly told = new Map<string, string>();
    private readonly asked = new Set<Asked>();
    private readonly changes = new vscode.EventEmitter<string>();
    /** By spec, the run that shows verification that was not begun in the explorer. */
    private readonly own = new Map<string, vscode.TestRun>();
    /** By spec that is not open, what was last listed of it. */
    private readonly listed = new Map<string, string>();
    /** The specs whose results are all shown as outdated, since some are. */
    private readonly outdated = new Set<string>();
    private listing: NodeJS.Timeout | undefined;
    private readonly subscriptions: vscode.Disposable[] = [];

    constructor(
        private readonly server: Server,
        private readonly store: Store,
    ) {
        this.profile = this.controller.createRunProfile(
            "Verify",
            vscode.TestRunProfileKind.Run,
            (request) => this.run(request),
            true,
        );
        this.controller.resolveHandler = (item) => (item === undefined ? this.discover() : this.open(item));
        this.controller.refreshHandler = () => this.discover();
        const watcher = vscode.workspace.createFileSystemWatcher("**/*.qnn");
        this.subscriptions.push(
            watcher,
            watcher.onDidCreate((uri) => {
                this.root(uri);
            }),
            watcher.onDidChange(() => {
                this.listLater();
            }),
            watcher.onDidDelete((uri) => {
                if (!this.store.specs.has(uri.toString())) this.controller.items.delete(uri.toString());
            }),
        );
    }

    dispose(): void {
        clearTimeout(this.listing);
        for (const { run } of this.asked) run.end();
        for (const run of this.own.values()) run.end();
        for (const subscription of this.subscriptions) subscription.dispose();
        this.changes.dispose();
        this.controller.dispose();
    }

    /** What an item of the explorer stands for. */
    leaf(item: vscode.TestItem): Leaf | undefined {
        return this.leaves.get(item);
    }

    /** Shows what a notification changed. */
    changed(change: Change): void {
        if (change.spec === undefined) {
            this.close(change.uri);
            this.listed.delete(change.uri);
            this.listLater();
        } else if (change.structure || !this.items.has(change.uri)) this.build(change.spec);
        for (const asked of [...this.asked]) {
            asked.waiting.changed(change);
            this.finish(asked);
        }
        if (change.spec !== undefined) this.mirror(change.spec, change);
        this.changes.fire(change.uri);
    }

    /** Lists anew once things are quiet: a spec was closed, or changed on disk. */
    private listLater(): void {
        clearTimeout(this.listing);
        this.listing = setTimeout(() => void this.list(), QUIET);
    }

    // ---- Items

    private async discover(): Promise<void> {
        for (const uri of await vscode.workspace.findFiles("**/*.qnn", undefined, MOST_SPECS)) this.root(uri);
        await this.list();
    }

    /** Lists how the specs stand that are not open. */
    async list(): Promise<void> {
        for (const status of (await this.server.verdicts())?.specs ?? []) {
            if (this.store.specs.has(status.uri)) continue;
            const known = JSON.stringify(status.properties.map((property) => property.instances.map(({ name, state }) => [name, state])));
            if (this.listed.get(status.uri) === known) continue;
            this.listed.set(status.uri, known);
            this.build(status);
            this.mirror(status, { uri: status.uri, spec: status, structure: true, instances: all(status) });
            this.close(status.uri);
        }
    }

    private root(uri: vscode.Uri): vscode.TestItem {
        const id = uri.toString();
        const known = this.controller.items.get(id);
        if (known !== undefined) return known;
        const item = this.controller.createTestItem(id, place(uri), uri);
        item.canResolveChildren = true;
        this.controller.items.add(item);
        return item;
    }

    /** Lists all specs of the workspace, and verifies them. */
    async verifyWorkspace(): Promise<void> {
        await this.discover();
        await vscode.commands.executeCommand("workbench.view.testing.focus");
        await this.run(new vscode.TestRunRequest(undefined, undefined, this.profile));
    }

    /** Has the server read a spec that is not open; whether it could. */
    async read(uri: vscode.Uri): Promise<boolean> {
        await this.open(this.root(uri));
        return this.store.specs.has(uri.toString());
    }

    /** Opens the text of the spec that an item is of, which makes the server tell of it. */
    private async open(item: vscode.TestItem): Promise<void> {
        const of = this.leaf(item)?.uri ?? item.id;
        if (item.uri === undefined || this.store.specs.has(of) || this.server.health !== "running") return;
        item.busy = true;
        try {
            const told = this.until(of);
            await vscode.workspace.openTextDocument(item.uri);
            await told;
        } catch (error) {
            item.error = error instanceof Error ? error.message : String(error);
        } finally {
            item.busy = false;
        }
    }

    /** Resolves when the server has told of a spec, or never will. */
    private async until(uri: string): Promise<void> {
        if (this.store.specs.has(uri)) return;
        let heard: vscode.Disposable | undefined;
        let timer: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
            heard = this.changes.event((changed) => {
                if (changed === uri) resolve();
            });
            timer = setTimeout(resolve, PATIENCE);
        });
        heard?.dispose();
        clearTimeout(timer);
    }

    private build(spec: Spec): void {
        const uri = vscode.Uri.parse(spec.uri);
        const root = this.root(uri);
        root.error = undefined;
        root.canResolveChildren = false;
        const items = new Map<string, vscode.TestItem>();
        const children = spec.properties.map((property) => {
            const id = `${spec.uri}#${property.name}`;
            const item = root.children.get(id) ?? this.controller.createTestItem(id, property.name, uri);
            entitle(item, property.name, inProperty(property));
            // Without a range: VS Code would draw its own sign over ours, and it has none for what is stale, timed out or vacuous.
            item.sortText = String(property.range.start.line).padStart(8, "0");
            this.leaves.set(item, { uri: spec.uri, property: property.name, instance: undefined });
            const only = property.instances[0];
            if (!property.family && only !== undefined) {
                items.set(only.name, item);
                this.leaves.set(item, { uri: spec.uri, property: property.name, instance: only.name });
                item.children.replace([]);
            } else {
                const listed = property.instances.slice(0, MOST_INSTANCES);
                item.children.replace(listed.map((instance, at) => this.instance(spec, property, instance, at, item, items)));
            }
            return item;
        });
        root.children.replace(children);
        this.items.set(spec.uri, items);
        for (const key of this.told.keys()) {
            const [of, name] = split(key);
            if (of === spec.uri && !items.has(name)) this.told.delete(key);
        }
    }

    private instance(
        spec: Spec,
        property: PropertyStatus,
        instance: InstanceStatus,
        at: number,
        parent: vscode.TestItem,
        items: Map<string, vscode.TestItem>,
    ): vscode.TestItem {
        const id = `${spec.uri}#${instance.name}`;
        const label = nameOf(instance);
        const item = parent.children.get(id) ?? this.controller.createTestItem(id, label, parent.uri);
        entitle(item, label, standing(instance));
        item.sortText = String(at).padStart(8, "0");
        items.set(instance.name, item);
        this.leaves.set(item, { uri: spec.uri, property: property.name, instance: instance.name });
        return item;
    }

    /** A spec is closed, or the server is gone: its rows stay, and nothing that they tell is current. */
    private close(uri: string): void {
        this.items.delete(uri);
        this.outdated.delete(uri);
        this.forget(uri);
        this.own.get(uri)?.end();
        this.own.delete(uri);
        const root = this.controller.items.get(uri);
        if (root === undefined) return;
        // Only what is in a file can be opened again.
        if (root.uri?.scheme !== "file") {
            this.controller.items.delete(uri);
            return;
        }
        this.controller.invalidateTestResults(root);
        if (root.children.size > 0) past(root);
        else root.canResolveChildren = true;
    }

    private forget(uri: string): void {
        for (const key of [...this.told.keys()]) if (split(key)[0] === uri) this.told.delete(key);
    }

    // ---- Verdicts that come by themselves

    private mirror(spec: Spec, change: Change): void {
        const items = this.items.get(spec.uri);
        const root = this.controller.items.get(spec.uri);
        if (items === undefined || root?.uri === undefined) return;
        entitle(root, place(root.uri), inWords(spec.counts));
        for (const { property, instance } of change.instances) {
            const item = items.get(instance.name);
            if (item === undefined) continue;
            if (property.family) entitle(item, nameOf(instance), standing(instance));
            const own = root.children.get(`${spec.uri}#${property.name}`);
            if (own !== undefined) entitle(own, property.name, inProperty(property));
        }
        const fingerprint = (instance: InstanceStatus): string => [instance.mood, instance.state, instance.run, instance.key].join(" ");
        const again = spec.mood !== "stale" && this.outdated.delete(spec.uri);
        if (again) this.forget(spec.uri);
        const told = again ? all(spec) : change.instances;
        const news = told.filter(({ instance }) => {
            if (!items.has(instance.name)) return false;
            const key = join(spec.uri, instance.name);
            const now = fingerprint(instance);
            if (this.told.get(key) === now) return false;
            this.told.set(key, now);
            // The run that was asked for tells it.
            return ![...this.asked].some(({ waiting }) => waiting.uri === spec.uri && waiting.has(instance.name));
        });
        const results = news.filter(({ instance }) => outcome(instance) !== "skipped");
        if (results.length > 0 || (news.length > 0 && this.own.has(spec.uri))) {
            const run = this.own.get(spec.uri) ?? this.begin(spec.uri, results.flatMap(({ instance }) => items.get(instance.name) ?? []));
            this.own.set(spec.uri, run);
            for (const { instance } of news) {
                const item = items.get(instance.name);
                if (item !== undefined) report(run, item, instance, outcome(instance));
            }
        }
        if (!spec.active) {
            this.own.get(spec.uri)?.end();
            this.own.delete(spec.uri);
        }
        if (spec.mood === "stale") {
            // The explorer's parents look like the rest of their children: with one that is outdated so are all, until nothing is.
            this.controller.invalidateTestResults(root);
            this.outdated.add(spec.uri);
        } else {
            for (const { instance } of news) {
                const item = items.get(instance.name);
                if (item !== undefined && (instance.mood === "stale" || instance.mood === "none")) this.controller.invalidateTestResults(item);
            }
        }
    }

    private begin(uri: string, items: vscode.TestItem[]): vscode.TestRun {
        // As a continuous run it opens no view by itself.
        const request = new vscode.TestRunRequest(items, undefined, undefined, true);
        const run = this.controller.createTestRun(request, place(vscode.Uri.parse(uri)), false);
        run.token.onCancellationRequested(() => void this.server.cancel({ uri }));
        return run;
    }

    // ---- Runs that the explorer is asked for

    private async run(request: vscode.TestRunRequest): Promise<void> {
        const run = this.controller.createTestRun(request);
        const selected = request.include ?? this.roots();
        // A spec that is not open tells what it consists of once it is.
        for (const item of selected) await this.open(item);
        const excluded = new Set((request.exclude ?? []).flatMap((item) => this.names(item)).map(({ uri, name }) => join(uri, name)));
        const bySpec = new Map<string, Set<string>>();
        for (const { uri, name } of selected.flatMap((item) => this.names(item))) {
            if (excluded.has(join(uri, name))) continue;
            const names = bySpec.get(uri) ?? new Set<string>();
            bySpec.set(uri, names.add(name));
        }
        // A selection is verified again; a run of everything verifies only what has no current verdict.
        const force = request.include !== undefined;
        const work = [...bySpec].map(([uri, names]) => this.ask(run, uri, names, force));
        if (work.length === 0) run.end();
        await Promise.all(work);
    }

    private async ask(
        run: vscode.TestRun,
        uri: string,
        names: Set<string>,
        force: boolean,
    ): Promise<void> {
        const token = run.token;
        const instances = (this.store.specs.get(uri)?.properties ?? []).flatMap((p) => p.instances).filter((i) => names.has(i.name));
        const waiting = new Waiting(uri, instances, (instance, result) => {
            const name = typeof instance === "string" ? instance : instance.name;
            const item = this.items.get(uri)?.get(name);
            if (item === undefined) return;
            if (typeof instance === "string") run.skipped(item);
            else report(run, item, instance, result);
        });
        const asked = { run, waiting };
        this.asked.add(asked);
        for (const name of names) {
            const item = this.items.get(uri)?.get(name);
            if (item !== undefined) run.enqueued(item);
        }
        const cancelled = token.onCancellationRequested(() => void this.server.cancel({ uri, instances: [...names] }));
        const result = await this.server.verify({ uri, instances: [...names], force });
        if (token.isCancellationRequested) void this.server.cancel({ uri, instances: [...names] });
        waiting.answered(result?.runs, this.store.specs.get(uri));
        this.finish(asked);
        await new Promise<void>((resolve) => {
            const over = (): void => {
                if (this.asked.has(asked)) return;
                heard.dispose();
                resolve();
            };
            const heard = this.changes.event(over);
            over();
        });
        cancelled.dispose();
    }

    /** Ends a run of which nothing is waiting any more. */
    private finish(asked: Asked): void {
        if (!asked.waiting.done || !this.asked.delete(asked)) return;
        if (![...this.asked].some((other) => other.run === asked.run)) asked.run.end();
    }

    private roots(): vscode.TestItem[] {
        const all: vscode.TestItem[] = [];
        this.controller.items.forEach((item) => all.push(item));
        return all;
    }

    /** The instances that an item stands for. */
    private names(item: vscode.TestItem): { uri: string; name: string }[] {
        const leaf = this.leaf(item);
        const uri = leaf?.uri ?? item.id;
        if (leaf?.instance !== undefined) return [{ uri, name: leaf.instance }];
        const properties = (this.store.specs.get(uri)?.properties ?? []).filter((p) => leaf === undefined || p.name === leaf.property);
        return properties.flatMap((property) => property.instances.map((instance) => ({ uri, name: instance.name })));
    }
}

function all(spec: Spec): Change["instances"] {
    return spec.properties.flatMap((property) => property.instances.map((instance) => ({ property, instance })));
}

/** What an item's label is made of. */
const titles = new WeakMap<vscode.TestItem, { name: string; stands: string }>();

/** Names an item, with how it stands. */
function entitle(item: vscode.TestItem, name: string, stands: string): void {
    titles.set(item, { name, stands });
    const label = stands === "" ? name : `${name}: ${stands}`;
    if (item.label !== label) item.label = label;
}

/** Says that how an item and all below it stand is no longer so. */
function past(item: vscode.TestItem): void {
    const title = titles.get(item);
    if (title !== undefined && title.stands !== "") item.label = `${title.name}: last ${title.stands}`;
    item.children.forEach(past);
}

/** How a property stands: a family by its counts, a single one as its instance does. */
function inProperty(property: PropertyStatus): string {
    const only = property.instances[0];
    return property.family || only === undefined ? inWords(property.counts) : standing(only);
}

/** An instance's name below its family's. */
function nameOf(instance: InstanceStatus): string {
    return instance.parameters.map(({ name, text }) => `${name} = ${text}`).join(", ") || instance.name;
}

/** A spec's name: with its folder's where the workspace has several. */
function place(uri: vscode.Uri): string {
    const folders = vscode.workspace.workspaceFolders ?? [];
    return placeName(uri.scheme === "untitled" ? uri.path : uri.fsPath, folders.map((folder) => ({ name: folder.name, path: folder.uri.fsPath })));
}

function report(run: vscode.TestRun, item: vscode.TestItem, instance: InstanceStatus, result: Outcome): void {
    const took = instance.time * 1000;
    switch (result) {
        case "enqueued":
            run.enqueued(item);
            break;
        case "started":
            run.started(item);
            break;
        case "passed":
            run.passed(item, took);
            break;
        case "skipped":
            run.skipped(item);
            break;
        case "failed":
            run.failed(item, said(instance), took);
            break;
        case "errored":
            run.errored(item, said(instance), took);
            break;
    }
}

function said(instance: InstanceStatus): vscode.TestMessage {
    const lines = [instance.detail, instance.counterexample?.summary, provenance(instance)];
    const text = new vscode.TestMessage(lines.filter((line) => line !== undefined && line !== "").join("\n"));
    // Without a location: VS Code would write it across the line once more, over the verdict that stands there.
    if (instance.hasCounterexample) text.contextValue = "counterexample";
    return text;
}

function join(uri: string, name: string): string {
    return `${uri}\n${name}`;
}

function split(key: string): [string, string] {
    const at = key.indexOf("\n");
    return [key.slice(0, at), key.slice(at + 1)];
}
