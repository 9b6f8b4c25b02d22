/** Signs beside properties, and marks in the overview ruler. */

import * as vscode from "vscode";
import type { State } from "./protocol.generated";
import { rangeOf } from "./ranges";
import type { Store } from "./store";

const STATES: State[] = [
    "running", "queued", "error", "violated", "vacuous", "timeout", "unknown", "stale", "unverified", "found", "none", "proved",
];

/** Only what asks for attention is marked in the ruler. */
const RULER: Partial<Record<State, string>> = {
    error: "testing.iconErrored",
    violated: "testing.iconFailed",
    vacuous: "testing.iconFailed",
    timeout: "testing.iconQueued",
    unknown: "testing.iconQueued",
};

export class Gutter implements vscode.Disposable {
    private types: Map<State, vscode.TextEditorDecorationType> | undefined;
    private readonly subscriptions: vscode.Disposable[];

    constructor(
        private readonly context: vscode.ExtensionContext,
        private readonly store: Store,
    ) {
        this.subscriptions = [
            vscode.window.onDidChangeVisibleTextEditors(() => {
                this.draw();
            }),
            vscode.workspace.onDidChangeConfiguration((event) => {
                if (!event.affectsConfiguration("qnn.gutterIcons")) return;
                this.clear();
                this.draw();
            }),
        ];
    }

    dispose(): void {
        this.clear();
        for (const subscription of this.subscriptions) subscription.dispose();
    }

    /** Draws the signs of one spec, or of all. */
    draw(uri?: string): void {
        if (!vscode.workspace.getConfiguration("qnn").get<boolean>("gutterIcons.enable", true)) return;
        const types = (this.types ??= this.create());
        for (const editor of vscode.window.visibleTextEditors) {
            const document = editor.document;
            if (document.languageId !== "qnn") continue;
            const name = document.uri.toString();
            if (uri !== undefined && name !== uri) continue;
            const spec = this.store.specs.get(name);
            // Signs move with the text. Positions of an earlier text would be wrong ones; those of this text are on their way.
            if (spec !== undefined && spec.documentVersion !== document.version) continue;
            for (const [state, type] of types) {
                const ranges = (spec?.properties ?? [])
                    .filter((property) => property.state === state)
                    .map(rangeOf);
                editor.setDecorations(type, ranges);
            }
        }
    }

    private create(): Map<State, vscode.TextEditorDecorationType> {
        const icon = (theme: string, state: State): vscode.Uri =>
            vscode.Uri.joinPath(this.context.extensionUri, "icons", "gutter", `${state}-${theme}.svg`);
        return new Map(
            STATES.map((state) => {
                const color = RULER[state];
                const type = vscode.window.createTextEditorDecorationType({
                    light: { gutterIconPath: icon("light", state) },
                    dark: { gutterIconPath: icon("dark", state) },
                    gutterIconSize: "contain",
                    ...(color === undefined
                        ? {}
                        : { overviewRulerColor: new vscode.ThemeColor(color), overviewRulerLane: vscode.OverviewRulerLane.Right }),
                });
                return [state, type];
            }),
        );
    }

    private clear(): void {
        for (const type of this.types?.values() ?? []) type.dispose();
        this.types = undefined;
    }
}
