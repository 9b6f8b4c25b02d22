// Bundles the extension and the pages of its views; with --tests, the tests.
import { build } from "esbuild";
import { readdirSync, rmSync } from "node:fs";

const production = process.argv.includes("--production");
const common = { bundle: true, sourcemap: !production, minify: production, logLevel: "warning", legalComments: "none" };

if (process.argv.includes("--tests")) {
    rmSync("dist-test", { recursive: true, force: true });
    const entryPoints = readdirSync("test").filter((name) => name.endsWith(".ts")).map((name) => `test/${name}`);
    await build({
        ...common,
        entryPoints,
        outdir: "dist-test",
        outExtension: { ".js": ".mjs" },
        platform: "node",
        target: "node20",
        format: "esm",
        packages: "external",
        sourcemap: "inline",
    });
} else {
    rmSync("dist", { recursive: true, force: true });
    await build({
        ...common,
        entryPoints: ["src/extension.ts"],
        outfile: "dist/extension.js",
        platform: "node",
        target: "node20",
        format: "cjs",
        external: ["vscode"],
    });
    // One script a page.
    const pages = { counterexample: "main", model: "model", tensors: "tensors", network: "network", inspector: "inspector" };
    await build({
        ...common,
        entryPoints: Object.entries(pages).map(([out, name]) => ({ in: `src/webview/${name}.ts`, out })),
        outdir: "dist",
        platform: "browser",
        target: "chrome120",
        format: "iife",
    });
}
