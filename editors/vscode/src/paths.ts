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

/** Where the extension's own server belongs. */
export function bundledServer({ extension, platform }: Places): string {
    return path.join(extension, "server", programName(platform));
}

function programName(platform: NodeJS.Platform): string {
    return platform === "win32" ? "qnn-lsp.exe" : "qnn-lsp";
}

/** The server to start: the setting's, else the bundled one, else whatever the PATH has. */
export function serverPath(places: Places, exists: (file: string) => boolean): string {
    const setting = places.setting.trim();
    if (setting !== "") {
        const expanded = setting
            .replace(/^~(?=[/\\]|$)/, () => places.home)
            .replaceAll("${workspaceFolder}", () => places.workspace ?? "");
        // A bare name is looked up in the PATH; anything else is a file, relative to the workspace.
        if (!/[/\\]/.test(expanded)) return expanded;
        return path.resolve(places.workspace ?? places.home, expanded);
    }
    const bundled = bundledServer(places);
    return exists(bundled) ? bundled : programName(places.platform);
}

/** A spec's name for people: relative to the folder of the workspace that it is in, which is named where there are several. */
export function placeName(file: string, folders: { name: string; path: string }[]): string {
    // The innermost one: a folder can lie in another.
    const within = folders.filter((folder) => file.startsWith(folder.path + path.sep)).sort((a, b) => b.path.length - a.path.length)[0];
    if (within === undefined) return path.basename(file);
    const relative = path.relative(within.path, file);
    return folders.length > 1 ? path.join(within.name, relative) : relative;
}

/** What a report is called, without its ending: the spec's name, and the property's if it is of one. */
export function reportName(uri: string, property?: string): string {
    const file = decodeURIComponent(uri.slice(uri.lastIndexOf("/") + 1));
    const spec = file.replace(/^untitled:/, "").replace(/\.qnn$/, "");
    return property === undefined ? spec : `${spec}-${property}`;
}
