/** Positions of the protocol as VS Code's. */

import * as vscode from "vscode";
import type { PropertyStatus } from "./protocol.generated";

/** Where a property's name stands. */
export function rangeOf({ range: { start, end } }: PropertyStatus): vscode.Range {
    return new vscode.Range(start.line, start.character, end.line, end.character);
}
