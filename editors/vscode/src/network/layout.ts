/**
 * Where the nodes of a network's graph stand. Pure.
 *
 * In: for each node the nodes that it reads, all of them before it. Out: places of equal boxes from the top down, and the corners of the lines between them.
 */

import { Graph, layout as place } from "@dagrejs/dagre";

export interface Point {
    x: number;
    y: number;
}

export interface Layout {
    width: number;
    height: number;
    /** The upper left corner of each node. */
    nodes: Point[];
    lines: { from: number; to: number; points: Point[] }[];
}

export const BOX = { width: 232, height: 84 };

export function layout(reads: number[][]): Layout {
    const graph = new Graph();
    graph.setGraph({ rankdir: "TB", nodesep: 24, ranksep: 34, marginx: 8, marginy: 8 });
    graph.setDefaultEdgeLabel(() => ({}));
    reads.forEach((_, node) => { graph.setNode(String(node), { ...BOX }); });
    reads.forEach((sources, node) => {
        for (const source of new Set(sources)) graph.setEdge(String(source), String(node));
    });
    place(graph);
    const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
    return {
        width,
        height,
        nodes: reads.map((_, node) => {
            const { x, y } = graph.node(String(node)) as Point;
            return { x: x - BOX.width / 2, y: y - BOX.height / 2 };
        }),
        lines: graph.edges().map((edge) => ({ from: Number(edge.v), to: Number(edge.w), points: (graph.edge(edge) as { points: Point[] }).points })),
    };
}
