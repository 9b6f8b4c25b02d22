/** Positions of the protocol as VS Code's. */

import * as vscode from "vscode";
import type { Property } from "./protocol";

/** Where a property's name stands. */
export function rangeOf({ range: { start, end } }: Property): vscode.Range {
    return new vscode.Range(start.line, start.character, end.line, end.character);
}
