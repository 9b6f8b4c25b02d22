/**
 * The server's process: finding, starting, stopping and asking it.
 *
 * Invariants: in an untrusted workspace no process is started; whatever was known is forgotten as soon as the server is gone, so that
 * nothing on the screen outlives what it is based on.
 */

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import * as vscode from "vscode";
import {
    CodeLensRequest,
    type ExecuteCommandSignature,
    ExecuteCommandRequest,
    LanguageClient,
    type LanguageClientOptions,
    type ServerOptions,
    State,
} from "vscode-languageclient/node";
import { serverPath } from "./paths";
import { type Reported, type Selection, type Shown, STATUS, type Status } from "./protocol";

export type Health = "untrusted" | "stopped" | "starting" | "running" | "failed";

/** How long after the last news lenses are asked for again, in milliseconds. */
const LENSES = [1000, 4000];

export class Server implements vscode.Disposable {
    health: Health = "stopped";
    /** Why it failed. */
    problem = "";
    readonly log = vscode.window.createOutputChannel("qnn", { log: true });

    private client: LanguageClient | undefined;
    private lenses: NodeJS.Timeout[] = [];
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

    verify(selection: Selection & { uri: string }): Promise<{ runs: number[]; jobs: number } | undefined> {
        return this.execute("qnn.verify", selection);
    }

    verifyAll(selection: Selection): Promise<unknown> {
        return this.execute("qnn.verifyAll", selection);
    }

    verifyFailed(selection: Selection): Promise<unknown> {
        return this.execute("qnn.verifyFailed", selection);
    }

    cancel(selection: Selection): Promise<unknown> {
        return this.execute("qnn.cancel", selection);
    }

    counterexample(of: { uri: string; instance?: string; property?: string }): Promise<Shown | null | undefined> {
        return this.execute("qnn.showCounterexample", of);
    }

    /** Makes a report of the verdicts as they are. */
    report(of: { uri: string; property?: string }): Promise<Reported | undefined> {
        return this.execute("qnn.report", of);
    }

    clearCache(): Promise<{ removed: number } | undefined> {
        return this.execute("qnn.clearCache");
    }

    /** Asks the server; tells the user, and returns nothing, if it can't be asked or refuses. */
    private async execute<T>(command: string, argument?: object): Promise<T | undefined> {
        const client = this.client;
        if (client === undefined || this.health !== "running") {
            const why: Record<Health, string> = {
                untrusted: "nothing is verified in a workspace that is not trusted",
                stopped: "the language server is stopped",
                starting: "the language server is still starting",
                failed: `the language server could not be started: ${this.problem}`,
                running: "the language server is gone",
            };
            void this.complain(`qnn: ${why[this.health]}.`);
            return undefined;
        }
        try {
            const params = { command, arguments: argument === undefined ? [] : [argument] };
            return (await client.sendRequest(ExecuteCommandRequest.type, params)) as T;
        } catch (error) {
            if (this.client === client) void this.complain(`qnn: ${message(error)}`);
            return undefined;
        }
    }

    private async complain(text: string): Promise<void> {
        const logs = "Show Logs";
        const restart = "Restart Server";
        const choices = this.health === "failed" || this.health === "stopped" ? [restart, logs] : [logs];
        const choice = await vscode.window.showErrorMessage(text, ...choices);
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
        const command = serverPath(
            {
                setting: configuration.get<string>("server.path", ""),
                extension: this.context.extensionPath,
                workspace: vscode.workspace.workspaceFolders?.[0]?.uri.fsPath,
                home: homedir(),
                platform: process.platform,
            },
            existsSync,
        );
        if (/[/\\]/.test(command) && !existsSync(command)) {
            this.failed(command, "there is no such file");
            return;
        }
        this.log.info(`Starting ${command}`);
        const level = configuration.get<string>("server.logLevel", "error");
        const serverOptions: ServerOptions = {
            command,
            args: ["--stdio"],
            options: { env: { ...process.env, QNN_LSP_LOG: level } },
        };
        const client = new LanguageClient("qnn", "qnn", serverOptions, this.clientOptions());
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
            this.failed(command, message(error));
        }
    }

    private failed(command: string, why: string): void {
        this.log.error(`${command} could not be started: ${why}`);
        this.setHealth("failed", why);
        void this.complain(`qnn: the language server ${command} could not be started: ${why}. The setting qnn.server.path can name another one.`);
    }

    private clientOptions(): LanguageClientOptions {
        return {
            documentSelector: [
                { scheme: "file", language: "qnn" },
                { scheme: "untitled", language: "qnn" },
            ],
            outputChannel: this.log,
            // Its own messages say what went wrong; a window for each failure to start is enough.
            initializationFailedHandler: () => false,
            initializationOptions: {
                ...(JSON.parse(JSON.stringify(vscode.workspace.getConfiguration("qnn"))) as object),
                clientShowsCounterexamples: true,
                clientShowsReports: true,
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

export function message(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}
