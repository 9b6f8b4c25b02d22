/** Which layer of a network the cursor stands in. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { layerAt } from "../src/network/layerAt";
import type { LayerView, NetworkView } from "../src/protocol.generated";

const layer = (line: number, from: number, to: number, uri = "file:///a.qnn"): LayerView =>
    ({ place: { uri, range: { start: { line, character: from }, end: { line, character: to } } } }) as LayerView;

test("the innermost layer around the cursor, else the outermost of its line", () => {
    // `    let h = relu(dense(x, w)) as T;`: the dense, the relu, the cast.
    const layers = [{ place: null } as LayerView, layer(3, 17, 28), layer(3, 12, 29), layer(3, 12, 34), layer(3, 0, 9, "file:///b.qnn")];
    const view = { uri: "file:///a.qnn", layers } as NetworkView;
    assert.equal(layerAt(view, 3, 20), 1);
    assert.equal(layerAt(view, 3, 13), 2);
    assert.equal(layerAt(view, 3, 32), 3);
    assert.equal(layerAt(view, 3, 9), 3);
    assert.equal(layerAt(view, 4, 0), null);
});
