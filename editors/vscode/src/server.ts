/**
 * The server's process: finding, starting, stopping and asking it.
 *
 * Invariants: in an untrusted workspace no process is started; whatever was known is forgotten as soon as the server is gone, so that
 * nothing on the screen outlives what it is based on.
 */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import * as vscode from "vscode";
import {
    CloseAction,
    type CloseHandlerResult,
    CodeLensRequest,
    ConnectionError,
    ErrorAction,
    ErrorCodes,
    type ExecuteCommandSignature,
    ExecuteCommandRequest,
    LanguageClient,
    type LanguageClientOptions,
    LSPErrorCodes,
    ResponseError,
    type ServerOptions,
    State,
} from "vscode-languageclient/node";
import { bundledServer, serverPath } from "./paths";
import {
    type CreatedSpec, type CreateSpecArguments, EXPLAIN, type Explained, MODEL, type ModelFile, NETWORK, type NetworkArguments, type NetworkView, type Reported, type SamplePictures,
    SAMPLES, type SamplesArguments, type Shown, type Started, STATUS, type Status, type TensorFile, TENSORS, type TensorsArguments, TRACE, type Trace, type TraceArguments, VERDICTS, type Verdicts, type VerifyArguments,
} from "./protocol.generated";
import { type Ending, explain } from "./startFailure";

export type Health = "untrusted" | "stopped" | "starting" | "running" | "failed";

/** How long after the last news lenses are asked for again, in milliseconds. */
const LENSES = [1000, 4000];

/** How long a server may take to say its version, in milliseconds: generous, for a cold disk. */
const PATIENCE = 30_000;

/** A server that ends this often within this many milliseconds is not started again automatically. */
const MOST_DEATHS = 4;
const DEATHS_WITHIN = 180_000;

export class Server implements vscode.Disposable {
    health: Health = "stopped";
    /** Why it failed. */
    problem = "";
    readonly log = vscode.window.createOutputChannel("qnn", { log: true });

    private client: LanguageClient | undefined;
    private lenses: NodeJS.Timeout[] = [];
    /** When servers that ran ended by themselves. */
    private deaths: number[] = [];
    private work: Promise<void> = Promise.resolve();
    private readonly healthChanged = new vscode.EventEmitter<Health>();
    private readonly statusReceived = new vscode.EventEmitter<Status>();
    readonly onHealth = this.healthChanged.event;
    readonly onStatus = this.statusReceived.event;

    /** `intercept` may answer a command of a code lens itself; it returns `false` to let the server do it. */
    constructor(
        private readonly context: vscode.ExtensionContext,
        private readonly intercept: (command: string, args: unknown[]) => boolean,
    ) {}

    /** Starts the server if nothing forbids it; a running one is stopped first. */
    restart(): Promise<void> {
        this.deaths = [];
        // One after the other: two impatient clicks are two restarts, never two servers.
        this.work = this.work.then(() => this.end()).then(() => this.begin());
        return this.work;
    }

    stop(): Promise<void> {
        this.work = this.work.then(() => this.end());
        return this.work;
    }

    async dispose(): Promise<void> {
        await this.stop();
        this.log.dispose();
    }

    verify(selection: VerifyArguments & { uri: string }): Promise<Started | undefined> {
        return this.execute("qnn.verify", selection);
    }

    verifyAll(selection: VerifyArguments): Promise<unknown> {
        return this.execute("qnn.verifyAll", selection);
    }

    verifyFailed(selection: VerifyArguments): Promise<unknown> {
        return this.execute("qnn.verifyFailed", selection);
    }

    cancel(selection: VerifyArguments): Promise<unknown> {
        return this.execute("qnn.cancel", selection);
    }

    counterexample(of: { uri: string; instance?: string; property?: string }): Promise<Shown | null | undefined> {
        return this.execute("qnn.showCounterexample", of);
    }

    /** Makes a report of the verdicts as they are. */
    report(of: { uri: string; property?: string }): Promise<Reported | undefined> {
        return this.execute("qnn.report", of);
    }

    /** How all specs of the workspace stand; `undefined` if that can't be said now. */
    async verdicts(): Promise<Verdicts | undefined> {
        // An edit meanwhile makes the answer an error, and is no news.
        return this.health === "running" ? this.client?.sendRequest<Verdicts>(VERDICTS).catch(() => undefined) : undefined;
    }

    /** The page on an error's code. */
    explain(code: string): Promise<Explained | undefined> {
        return this.ask(EXPLAIN, { code });
    }

    /** What a model file holds. */
    model(uri: string): Promise<ModelFile | undefined> {
        return this.ask(MODEL, { uri });
    }

    /** The tensors of a data file. */
    tensors(of: TensorsArguments): Promise<TensorFile | undefined> {
        return this.ask(TENSORS, of);
    }

    /** Samples of a data file as pictures. */
    samples(of: SamplesArguments): Promise<SamplePictures | undefined> {
        return this.ask(SAMPLES, of);
    }

    /** The layers of a network. */
    network(of: NetworkArguments): Promise<NetworkView | undefined> {
        return this.settled(NETWORK, of);
    }

    /** A counterexample layer by layer. */
    trace(of: TraceArguments): Promise<Trace | undefined> {
        return this.settled(TRACE, of);
    }

    /** An edit meanwhile makes the answer an error: then it is asked for again. */
    private async settled<T>(method: string, of: object): Promise<T | undefined> {
        for (let tries = 0; tries < 3 && this.health === "running"; tries++) {
            try {
                return await this.client?.sendRequest<T>(method, of);
            } catch (error) {
                if ((error as { code?: number }).code === LSPErrorCodes.ContentModified) continue;
                void this.complain(`qnn: ${message(error)}`);
                return undefined;
            }
        }
        return undefined;
    }

    /** Writes a first spec beside a model. */
    createSpec(of: CreateSpecArguments): Promise<CreatedSpec | undefined> {
        return this.execute("qnn.createSpec", of);
    }

    private async ask<T>(method: string, params: object): Promise<T | undefined> {
        try {
            return this.health === "running" ? await this.client?.sendRequest<T>(method, params) : undefined;
        } catch (error) {
            void this.complain(`qnn: ${message(error)}`);
            return undefined;
        }
    }

    /** Why nothing can be asked; `undefined` if something can. */
    silence(): string | undefined {
        const why: Record<Exclude<Health, "running">, string> = {
            untrusted: "In a workspace that is not trusted, no file is read.",
            stopped: "The language server is stopped.",
            starting: "The language server is starting …",
            failed: this.problem,
        };
        return this.health === "running" ? undefined : why[this.health];
    }

    clearCache(): Promise<{ removed: number } | undefined> {
        return this.execute("qnn.clearCache");
    }

    /** Asks the server; tells the user, and returns nothing, if it can't be asked or refuses. */
    private async execute<T>(command: string, argument?: object): Promise<T | undefined> {
        const client = this.client;
        if (client === undefined || this.health !== "running") {
            const why: Record<Exclude<Health, "failed">, string> = {
                untrusted: "nothing is verified in a workspace that is not trusted",
                stopped: "the language server is stopped",
                starting: "the language server is still starting",
                running: "the language server is gone",
            };
            void this.complain(this.health === "failed" ? this.problem : `qnn: ${why[this.health]}.`);
            return undefined;
        }
        try {
            const params = { command, arguments: argument === undefined ? [] : [argument] };
            return (await client.sendRequest(ExecuteCommandRequest.type, params)) as T;
        } catch (error) {
            if (this.client === client && !lost(error)) void this.complain(`qnn: ${message(error)}`);
            return undefined;
        }
    }

    private async complain(text: string): Promise<void> {
        const logs = "Show Logs";
        const restart = "Restart Server";
        const settings = "Open Setting";
        const choices: Partial<Record<Health, string[]>> = { failed: [restart, settings, logs], stopped: [restart, logs] };
        const choice = await vscode.window.showErrorMessage(text, ...(choices[this.health] ?? [logs]));
        if (choice === settings) await vscode.commands.executeCommand("workbench.action.openSettings", "qnn.server.path");
        if (choice === logs) this.log.show();
        if (choice === restart) await this.restart();
    }

    private setHealth(health: Health, problem = ""): void {
        this.health = health;
        this.problem = problem;
        this.healthChanged.fire(health);
    }

    /**
     * Visual Studio Code drops a refresh of lenses that is due when the editor loses the focus, and asks only when it has it again: until then, lenses would tell of a run
     * that is long over.
     */
    private lensesLater(client: LanguageClient): void {
        this.lenses.forEach(clearTimeout);
        this.lenses = LENSES.map((delay) =>
            setTimeout(() => {
                if (this.client !== client) return;
                const feature = client.getFeature(CodeLensRequest.method);
                const providers = vscode.workspace.textDocuments.map((document) => feature.getProvider(document));
                for (const provider of new Set(providers)) provider?.onDidChangeCodeLensEmitter.fire();
            }, delay),
        );
    }

    private async end(): Promise<void> {
        this.lenses.forEach(clearTimeout);
        const client = this.client;
        this.client = undefined;
        if (client === undefined) return;
        try {
            await client.dispose(5000);
        } catch (error) {
            this.log.warn(`The server did not end in order: ${message(error)}`);
        }
        this.setHealth("stopped");
    }

    private async begin(): Promise<void> {
        if (!vscode.workspace.isTrusted) {
            this.setHealth("untrusted");
            return;
        }
        this.setHealth("starting");
        const configuration = vscode.workspace.getConfiguration("qnn");
        const places = {
            setting: configuration.get<string>("server.path", ""),
            extension: this.context.extensionPath,
            workspace: vscode.workspace.workspaceFolders?.[0]?.uri.fsPath,
            home: homedir(),
            platform: process.platform,
        };
        const command = serverPath(places, existsSync);
        const bundled = bundledServer(places);
        const attempt = {
            command,
            chosen: places.setting.trim() !== "",
            bundled: { path: bundled, exists: existsSync(bundled) },
            platform: `${process.platform}-${process.arch}`,
        };
        // What can't even say its version is told of once, in words; the client library would start it five times and show what it got.
        const ending = await tried(command);
        if (ending !== undefined) {
            this.failed(explain(attempt, ending), ending.stderr);
            return;
        }
        this.log.info(`Starting ${command}`);
        const level = configuration.get<string>("server.logLevel", "error");
        const serverOptions: ServerOptions = {
            command,
            args: ["--stdio"],
            options: { env: { ...process.env, QNN_LSP_LOG: level } },
        };
        const client: LanguageClient = new LanguageClient("qnn", "qnn", serverOptions, this.clientOptions(() => {
            if (this.client === client) this.died();
        }));
        this.client = client;
        client.onNotification(STATUS, (status: Status) => {
            if (this.client !== client) return;
            this.statusReceived.fire(status);
            this.lensesLater(client);
        });
        client.onDidChangeState(({ newState }) => {
            if (this.client !== client) return;
            if (newState === State.Running) this.setHealth("running");
            else if (newState === State.Starting) this.setHealth("starting");
            else this.setHealth("stopped");
        });
        try {
            await client.start();
        } catch (error) {
            if (this.client === client) this.client = undefined;
            this.failed(explain(attempt, { stderr: message(error), code: null }), "");
        }
    }

    private failed(why: string, said: string): void {
        this.log.error(said === "" ? why : `${why}\n${said}`);
        this.setHealth("failed", why);
        void this.complain(why);
    }

    /** A server that ran is gone: another one takes over, unless they die like flies. */
    private died(): void {
        if (this.health !== "running") return;
        const now = Date.now();
        this.deaths = [...this.deaths.filter((time) => now - time < DEATHS_WITHIN), now];
        if (this.deaths.length <= MOST_DEATHS) {
            this.log.warn("The server is gone; another one is started.");
            this.work = this.work.then(() => this.end()).then(() => this.begin());
        } else {
            this.failed(`The language server ended ${this.deaths.length} times within ${DEATHS_WITHIN / 60_000} minutes and is not started again by itself; the log has its last words.`, "");
        }
    }

    private clientOptions(died: () => void): LanguageClientOptions {
        return {
            documentSelector: [
                { scheme: "file", language: "qnn" },
                { scheme: "untitled", language: "qnn" },
            ],
            outputChannel: this.log,
            // What is wrong is told of once, here: not by the client library as well.
            initializationFailedHandler: () => false,
            errorHandler: {
                error: () => ({ action: ErrorAction.Continue, handled: true }),
                closed: (): CloseHandlerResult => {
                    died();
                    return { action: CloseAction.DoNotRestart, handled: true };
                },
            },
            initializationOptions: {
                ...(JSON.parse(JSON.stringify(vscode.workspace.getConfiguration("qnn"))) as object),
                clientShowsCounterexamples: true,
                clientShowsReports: true,
                clientExplains: true,
                clientShowsNetworks: true,
                clientOpensSpecs: true,
                markdownImages: true,
            },
            middleware: {
                executeCommand: async (command: string, args: unknown[], next: ExecuteCommandSignature): Promise<unknown> => {
                    if (this.intercept(command, args)) return undefined;
                    return next(command, args) as Promise<unknown>;
                },
            },
        };
    }
}

/** Has a server say its version; `undefined` if it can. */
function tried(command: string): Promise<Ending | undefined> {
    return new Promise((resolve) => {
        execFile(command, ["--version"], { timeout: PATIENCE }, (error, _stdout, stderr) => {
            if (error === null) resolve(undefined);
            else if (typeof error.code === "string") resolve({ error: error.code, stderr, code: null });
            else resolve({ stderr, code: error.code ?? null });
        });
    });
}

/** Whether a request has failed because the server is gone, which is told of where its end is noticed. */
function lost(error: unknown): boolean {
    return error instanceof ConnectionError || (error instanceof ResponseError && error.code === ErrorCodes.PendingResponseRejected);
}

export function message(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}
