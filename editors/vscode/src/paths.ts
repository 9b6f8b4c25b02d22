/** Where the server is, and what files are called. Pure but for the question whether a file exists. */

import * as path from "node:path";

export interface Places {
    /** The setting `qnn.server.path`. */
    setting: string;
    /** The extension's folder. */
    extension: string;
    /** The first folder of the workspace, if there is one. */
    workspace: string | undefined;
    home: string;
    platform: NodeJS.Platform;
}

/** The server to start: the setting's, else the bundled one, else whatever the PATH has. */
export function serverPath(places: Places, exists: (file: string) => boolean): string {
    const name = places.platform === "win32" ? "qnn-lsp.exe" : "qnn-lsp";
    const setting = places.setting.trim();
    if (setting !== "") {
        const expanded = setting
            .replace(/^~(?=[/\\]|$)/, () => places.home)
            .replaceAll("${workspaceFolder}", () => places.workspace ?? "");
        // A bare name is looked up in the PATH; anything else is a file, relative to the workspace.
        if (!/[/\\]/.test(expanded)) return expanded;
        return path.resolve(places.workspace ?? places.home, expanded);
    }
    const bundled = path.join(places.extension, "server", name);
    return exists(bundled) ? bundled : name;
}

/** A spec's name for people: relative to the workspace where it can be. */
export function shortName(file: string, folders: string[]): string {
    const folder = folders.find((candidate) => file.startsWith(candidate + path.sep));
    return folder === undefined ? path.basename(file) : path.relative(folder, file);
}

/** What a report is called, without its ending: the spec's name, and the property's if it is of one. */
export function reportName(uri: string, property?: string): string {
    const file = decodeURIComponent(uri.slice(uri.lastIndexOf("/") + 1));
    const spec = file.replace(/^untitled:/, "").replace(/\.qnn$/, "");
    return property === undefined ? spec : `${spec}-${property}`;
}
