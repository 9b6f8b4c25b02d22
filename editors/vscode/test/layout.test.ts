/** Where the nodes of the network view stand. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { BOX, layout } from "../src/network/layout";

test("what reads stands below what it reads, and no box lies on another", () => {
    // A residual block: 1 is read by 2 and by 4.
    const { nodes, lines, width, height } = layout([[], [0], [1], [2], [1, 3], [4]]);
    assert.deepEqual(lines.map(({ from, to }) => `${from} ${to}`).sort(), ["0 1", "1 2", "1 4", "2 3", "3 4", "4 5"]);
    for (const { from, to, points } of lines) {
        assert.ok((nodes[from]?.y ?? 0) + BOX.height <= (nodes[to]?.y ?? 0), `${from} above ${to}`);
        assert.ok(points.length >= 2);
    }
    nodes.forEach((a, i) => {
        assert.ok(a.x >= 0 && a.y >= 0 && a.x + BOX.width <= width && a.y + BOX.height <= height);
        for (const b of nodes.slice(i + 1)) assert.ok(Math.abs(a.x - b.x) >= BOX.width || Math.abs(a.y - b.y) >= BOX.height);
    });
});

test("a layer that reads another twice has one line", () => {
    assert.equal(layout([[], [0, 0]]).lines.length, 1);
    assert.equal(layout([[]]).nodes.length, 1);
});
