/** Which layer of a network the cursor stands in. Pure. */

import type { NetworkView } from "../protocol.generated";

/** The innermost layer around a position of the spec, or else the outermost of its line. */
export function layerAt(view: NetworkView, line: number, character: number): number | null {
    let best: { layer: number; size: number } | undefined;
    view.layers.forEach(({ place }, layer) => {
        if (place?.uri !== view.uri) return;
        const { start, end } = place.range;
        if (line < start.line || line > end.line) return;
        const within = (line > start.line || character >= start.character) && (line < end.line || character <= end.character);
        // What holds the cursor comes before what only shares its line: of those the innermost, of these the outermost; of equal ones the last.
        const extent = (end.line - start.line) * 1000 + (end.character - start.character);
        const size = within ? extent : 1e9 - extent;
        if (best === undefined || size <= best.size) best = { layer, size };
    });
    return best?.layer ?? null;
}
