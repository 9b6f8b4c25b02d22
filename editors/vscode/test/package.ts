/**
 * The server as it lies in the package, on a system without Z3.
 *
 * In: the folder of an installed extension. Out: nothing, or an error that says what is missing.
 */

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Status } from "../src/protocol.generated";

/** What only Z3 may decide, for no other engine is asked. */
const SPEC = `type T = uint<4>;
network double(x: T) -> uint<5> { (x * 2) as uint<5> }
#[engine(smt)]
property even = forall x: T: double(x) <= 30;
`;

/** How long the server may take, in milliseconds: generous, for busy machines. */
const PATIENCE = 120_000;

/** Every library of the server that is not the system's own lies beside it. */
export function libraries(server: string): void {
    const lines = execFileSync("ldd", [server], { encoding: "utf8" }).split("\n");
    const z3 = lines.find((line) => line.includes("libz3"));
    assert.ok(z3?.includes(path.dirname(server)) === true, `Z3 is not the package's: ${String(z3)}`);
}

/** Verifies a spec by Z3 where the system's Z3, if there is one, is covered; whether it could be covered. */
export async function verifies(server: string): Promise<boolean> {
    const system = ["/usr/lib", "/usr/local/lib", "/lib"].flatMap((folder) => found(folder, 2));
    const cover = [...new Set(system)].map((file) => `mount --bind /dev/null '${file}'`);
    const command = [...cover, `exec '${server}' --stdio --no-cache`].join(" && ");
    const may = spawnSync("unshare", ["--map-root-user", "--mount", "sh", "-c", [...cover, "true"].join(" && ")]).status === 0;
    const [program, args]: [string, string[]] = may ? ["unshare", ["--map-root-user", "--mount", "sh", "-c", command]] : [server, ["--stdio", "--no-cache"]];
    const home = mkdtempSync(path.join(tmpdir(), "qnn-package-"));
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], env: { PATH: process.env.PATH, HOME: home } });
    const deadline = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
    try {
        const say = (message: object): void => {
            const text = JSON.stringify({ jsonrpc: "2.0", ...message });
            child.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
        };
        const uri = "file:///nowhere/package.qnn";
        say({ id: 1, method: "initialize", params: { capabilities: {}, processId: null, rootUri: null } });
        const initialized = (): void => {
            say({ method: "initialized", params: {} });
            say({ method: "textDocument/didOpen", params: { textDocument: { uri, languageId: "qnn", version: 1, text: SPEC } } });
            say({ id: 2, method: "workspace/executeCommand", params: { command: "qnn.verify", arguments: [{ uri }] } });
        };
        let received = Buffer.alloc(0);
        for await (const chunk of child.stdout) {
            received = Buffer.concat([received, chunk as Buffer]);
            for (;;) {
                const head = received.indexOf("\r\n\r\n");
                const length = Number(/Content-Length: (\d+)/i.exec(received.subarray(0, Math.max(head, 0)).toString())?.[1]);
                if (head < 0 || received.length < head + 4 + length) break;
                const message = JSON.parse(received.subarray(head + 4, head + 4 + length).toString()) as { id?: number; method?: string; error?: { message: string }; params: Status };
                received = received.subarray(head + 4 + length);
                if (message.error !== undefined) throw new Error(message.error.message);
                if (message.id === 1) initialized();
                const instance = message.method === "qnn/verificationStatus" ? message.params.properties[0]?.instances[0] : undefined;
                if (instance === undefined || ["running", "queued", "unverified"].includes(instance.state)) continue;
                assert.equal(`${instance.state} by ${String(instance.engine)}`, "proved by smt", instance.detail);
                return may;
            }
        }
        throw new Error("the server ended before it had a verdict");
    } finally {
        clearTimeout(deadline);
        child.kill("SIGKILL");
        rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    }
}

/** The Z3s of a folder of libraries. */
function found(folder: string, depth: number): string[] {
    let entries;
    try {
        entries = readdirSync(folder, { withFileTypes: true });
    } catch {
        return [];
    }
    return entries.flatMap((entry) => {
        const file = path.join(folder, entry.name);
        if (entry.isDirectory() && depth > 0) return found(file, depth - 1);
        return entry.isFile() && /^libz3\.(so|dylib)/.test(entry.name) ? [file] : [];
    });
}
