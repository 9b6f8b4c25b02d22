/**
 * The page of a view: it may load its own script and style, and nothing else; what it is told is data, what it says is checked.
 */

import { randomBytes } from "node:crypto";
import * as vscode from "vscode";

export interface Page {
    title: string;
    /** The script in `dist`. */
    script: string;
    /** Styles in `media`. */
    styles: string[];
    /** Whether it shows pictures that it is sent. */
    pictures?: boolean;
}

/** The folders that a page loads from. */
export function roots(extension: vscode.Uri): vscode.Uri[] {
    return ["dist", "media"].map((name) => vscode.Uri.joinPath(extension, name));
}

export function page(webview: vscode.Webview, extension: vscode.Uri, { title, script, styles, pictures }: Page): string {
    const nonce = randomBytes(18).toString("base64");
    const at = (folder: string, name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(extension, folder, name)).toString();
    const images = pictures === true ? " img-src data:;" : "";
    const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src ${webview.cspSource};${images}`;
    const links = styles.map((style) => `<link rel="stylesheet" href="${at("media", style)}">`).join("\n");
    return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
${links}
<title>${title}</title>
</head>
<body>
<main id="main" aria-busy="true"></main>
<div id="said" class="spoken" role="status" aria-live="polite"></div>
<script nonce="${nonce}" src="${at("dist", script)}"></script>
</body>
</html>`;
}
