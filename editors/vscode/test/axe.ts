/** What axe finds wrong with a page of the extension: nothing, or the rules and the elements. */

import assert from "node:assert/strict";
import axe from "axe-core";
import type { Frame } from "playwright-core";
import type { Workbench } from "./workbench";

/** The page within the view that holds a heading. */
async function frameOf(w: Workbench, heading: string): Promise<Frame> {
    const found: Frame[] = [];
    await w.until(`a page ${heading}`, async () => {
        for (const frame of w.page.frames()) {
            const texts: string[] = await frame.locator("h1").allTextContents().catch(() => []);
            if (texts.includes(heading)) found.push(frame);
        }
        return found.length > 0;
    });
    const [frame] = found;
    assert.ok(frame !== undefined);
    return frame;
}

export async function accessible(w: Workbench, heading: string): Promise<void> {
    const frame = await frameOf(w, heading);
    // The source is run by the debugger, which the page's policy does not concern.
    await frame.evaluate(axe.source);
    const violations = await frame.evaluate(async () => {
        const { axe: here } = globalThis as unknown as { axe: typeof axe };
        const results = await here.run(document, { resultTypes: ["violations"] });
        return results.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} (${failureSummary ?? ""})`).join("; ")}`);
    });
    assert.deepEqual(violations, []);
}
