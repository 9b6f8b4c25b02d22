/**
 * Why a server can't be started, in words, with what to do about it. Pure.
 *
 * In: the program that was tried, and how the try ended. Out: sentences.
 */

export interface Attempt {
    /** The program, as it was started. */
    command: string;
    /** Whether the setting `qnn.server.path` names it. */
    chosen: boolean;
    /** Where the extension's own server belongs, and whether it is there. */
    bundled: { path: string; exists: boolean };
    /** `linux-x64` */
    platform: string;
}

/** How a program's start ended. */
export interface Ending {
    /** The system's name for why there is no process: `ENOENT`. */
    error?: string;
    /** What was written to standard error. */
    stderr: string;
    /** The exit code; `null` if a signal or a deadline ended it. */
    code: number | null;
}

const OWN = "Empty the setting qnn.server.path to use the server that is in the extension.";

export function explain(attempt: Attempt, ending: Ending): string {
    const { command, chosen, bundled, platform } = attempt;
    const again = `Install the extension again, from a .vsix for ${platform}.`;
    const fix = !chosen ? again : bundled.exists ? OWN : "Name another one in the setting qnn.server.path.";
    if (ending.error === "ENOENT" && chosen) return `The setting qnn.server.path names ${command}, and there is no such program. ${fix}`;
    if (ending.error === "ENOENT") {
        return `The server ${bundled.path} is missing from the extension, and there is no ${command} in the PATH. ${again} Or name a qnn-lsp in the setting qnn.server.path.`;
    }
    if (ending.error === "EACCES" || ending.error === "EPERM") return `The file ${command} is no program that may be run (${ending.error}): chmod +x makes it one. ${chosen ? fix : ""}`.trim();
    const library = /error while loading shared libraries: ([^\s:]+)/.exec(ending.stderr)?.[1] ?? /Library not loaded: (\S+)/.exec(ending.stderr)?.[1];
    if (library !== undefined) {
        const z3 = library.includes("z3") ? " It is a part of Z3: libz3-4 on Debian and Ubuntu, z3 elsewhere." : "";
        return `The server ${command} needs the library ${library}, which this system does not have.${z3} ${fix}`;
    }
    const version = /version [`'](\w+_[\d.]+)' not found/.exec(ending.stderr)?.[1];
    if (version !== undefined) {
        return `The server ${command} is built for a newer system than this one, which lacks ${version}. Build one here (cargo build --release -p qnn-lsp), and name it in the setting qnn.server.path.`;
    }
    if (ending.error === "ENOEXEC" || ending.error === "UNKNOWN") return `The file ${command} is no program for this machine, which is ${platform}. ${fix}`;
    const said = ending.stderr.trim().split("\n")[0] ?? "";
    const how = ending.error ?? (ending.code === null ? "it was ended" : `exit code ${ending.code}`);
    return `The server ${command} ended before it had begun (${how})${said === "" ? "." : `: ${said.replace(/[^.!?]$/, "$&.")}`} ${fix}`;
}
