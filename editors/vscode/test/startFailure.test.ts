import assert from "node:assert/strict";
import { test } from "node:test";
import { type Attempt, explain } from "../src/startFailure";

const own: Attempt = { command: "/ext/server/qnn-lsp", chosen: false, bundled: { path: "/ext/server/qnn-lsp", exists: true }, platform: "linux-x64" };
const chosen: Attempt = { ...own, command: "/opt/qnn-lsp", chosen: true };

test("a setting that names nothing leads back to the server of the extension", () => {
    assert.equal(
        explain(chosen, { error: "ENOENT", stderr: "", code: null }),
        "The setting qnn.server.path names /opt/qnn-lsp, and there is no such program. Empty the setting qnn.server.path to use the server that is in the extension.",
    );
});

test("a server that is missing from the extension is named", () => {
    const missing = { ...own, command: "qnn-lsp", bundled: { ...own.bundled, exists: false } };
    assert.equal(
        explain(missing, { error: "ENOENT", stderr: "", code: null }),
        "The server /ext/server/qnn-lsp is missing from the extension, and there is no qnn-lsp in the PATH. Install the extension again, from a .vsix for linux-x64. Or name a qnn-lsp in the setting qnn.server.path.",
    );
});

test("a library that the system lacks is named, with where it comes from", () => {
    const stderr = "/opt/qnn-lsp: error while loading shared libraries: libz3.so.4: cannot open shared object file: No such file or directory\n";
    const text = explain(chosen, { stderr, code: 127 });
    assert.equal(
        text,
        "The server /opt/qnn-lsp needs the library libz3.so.4, which this system does not have. It is a part of Z3: libz3-4 on Debian and Ubuntu, z3 elsewhere. Empty the setting qnn.server.path to use the server that is in the extension.",
    );
});

test("whatever else ends a server is said, with the first line that it wrote", () => {
    const glibc = "/ext/server/qnn-lsp: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by /ext/server/qnn-lsp)";
    assert.match(explain(own, { stderr: glibc, code: 1 }), /newer system than this one, which lacks GLIBC_2\.34/);
    assert.match(explain(chosen, { error: "EACCES", stderr: "", code: null }), /\/opt\/qnn-lsp is no program that may be run .* chmod/);
    assert.match(explain(own, { error: "ENOEXEC", stderr: "", code: null }), /no program for this machine, which is linux-x64/);
    assert.equal(
        explain(own, { stderr: "thread 'main' panicked\nmore", code: 101 }),
        "The server /ext/server/qnn-lsp ended before it had begun (exit code 101): thread 'main' panicked. Install the extension again, from a .vsix for linux-x64.",
    );
});
