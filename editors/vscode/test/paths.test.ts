import assert from "node:assert/strict";
import { test } from "node:test";
import { placeName, reportName, serverPath } from "../src/paths";

const places = { setting: "", extension: "/ext", workspace: "/work", home: "/home/me", platform: "linux" as const };

test("the bundled server is started unless the setting names another", () => {
    const exists = (file: string): boolean => file === "/ext/server/qnn-lsp";
    assert.equal(serverPath(places, exists), "/ext/server/qnn-lsp");
    assert.equal(serverPath({ ...places, setting: "/opt/qnn-lsp" }, exists), "/opt/qnn-lsp");
    assert.equal(serverPath({ ...places, setting: " ~/bin/qnn-lsp " }, exists), "/home/me/bin/qnn-lsp");
    assert.equal(serverPath({ ...places, setting: "${workspaceFolder}/target/qnn-lsp" }, exists), "/work/target/qnn-lsp");
    assert.equal(serverPath({ ...places, setting: "target/qnn-lsp" }, exists), "/work/target/qnn-lsp");
    assert.equal(serverPath({ ...places, setting: "qnn-lsp" }, exists), "qnn-lsp");
});

test("without a bundled server, the PATH's is", () => {
    assert.equal(serverPath(places, () => false), "qnn-lsp");
    assert.equal(serverPath({ ...places, platform: "win32" }, () => false), "qnn-lsp.exe");
});

test("specs are called by their place in the workspace, and by their folder where there are several", () => {
    const folder = (path: string): { name: string; path: string } => ({ name: path.slice(path.lastIndexOf("/") + 1), path });
    assert.equal(placeName("/work/digits/digits.qnn", [folder("/work")]), "digits/digits.qnn");
    assert.equal(placeName("/workshop/a.qnn", [folder("/work")]), "a.qnn");
    const several = [folder("/work"), folder("/other"), folder("/work/inner")];
    assert.equal(placeName("/work/a.qnn", several), "work/a.qnn");
    assert.equal(placeName("/other/a.qnn", several), "other/a.qnn");
    assert.equal(placeName("/work/inner/a.qnn", several), "inner/a.qnn");
});

test("reports are called after what they are of", () => {
    assert.equal(reportName("file:///work/two%20digits.qnn"), "two digits");
    assert.equal(reportName("file:///work/digits.qnn", "robust"), "digits-robust");
    assert.equal(reportName("untitled:Untitled-1"), "Untitled-1");
});
