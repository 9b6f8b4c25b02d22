/** A counterexample layer by layer: how much of each layer differs, which neurons change side, and the layer that is chosen in full. */

import type { CallTraceView, LayerTraceView, Trace } from "../protocol.generated";
import { button, element, rows, scrolling, section, shape, thousands } from "./dom";

/** The elements of a layer that are listed, those that differ first. */
const MOST_LISTED = 64;

export function traced(trace: Trace): HTMLElement | undefined {
    if (trace.problem !== null) return section("Layer by layer", element("p", { class: "note" }, trace.problem));
    if (trace.calls.every(({ layers }) => layers.every(({ original }) => original === null))) return undefined;
    return section("Layer by layer", ...trace.calls.flatMap((call, index) => of(call, index, trace.calls.length > 1)));
}

const name = (layer: LayerTraceView): string => (layer.name === "" ? layer.operation : `${layer.name}, ${layer.operation}`);

/** In words, where the two sides part. */
function story({ layers }: CallTraceView): string {
    const inputs = layers.filter(({ operation }) => operation === "input");
    const later = layers.filter(({ operation }) => operation !== "input");
    const changed = inputs.reduce((sum, { differ }) => sum + differ, 0);
    const all = inputs.reduce((sum, { elements }) => sum + elements, 0);
    const most = later.reduce<LayerTraceView | undefined>((best, layer) => (best === undefined || layer.differ / layer.elements > best.differ / best.elements ? layer : best), undefined);
    const crossed = later.reduce((sum, { crossings }) => sum + (crossings === null ? 0 : crossings.off + crossings.on + crossings.saturate + crossings.leave), 0);
    const widest = most === undefined || most.differ === 0 ? "" : ` The sides differ most in ${name(most)}: ${thousands(most.differ)} of ${thousands(most.elements)} numbers.`;
    const sides = crossed === 0 ? " No neuron changes side." : ` ${thousands(crossed)} neuron${crossed === 1 ? " changes" : "s change"} side.`;
    return `${thousands(changed)} of ${thousands(all)} inputs differ.${widest}${sides}`;
}

function of(call: CallTraceView, index: number, several: boolean): HTMLElement[] {
    const details = element("div", { class: "layer", id: `layer-${index}`, "aria-live": "polite" });
    const columns = [
        { title: "Layer" }, { title: "Shape" }, { title: "Differ", number: true }, { title: "" }, { title: "Greatest change", number: true },
        { title: "Turn off", number: true }, { title: "Turn on", number: true }, { title: "Saturate", number: true }, { title: "Leave saturation", number: true }, { title: "Look" },
    ];
    columns[3] = { title: "Share" };
    const count = (n: number | undefined): string => (n === undefined || n === 0 ? "" : thousands(n));
    const all = call.layers.map((layer, at) => {
        const look = button("Show", () => { details.replaceChildren(...shown(layer)); });
        look.id = `look-${index}-${at}`;
        look.setAttribute("aria-label", `Show ${name(layer)}`);
        look.setAttribute("aria-controls", details.id);
        const share = element("span", { class: "share" });
        const part = element("span", {});
        part.style.width = `${((100 * layer.differ) / Math.max(1, layer.elements)).toFixed(1)}%`;
        share.append(part);
        const { crossings } = layer;
        return [
            name(layer), shape(layer.shape), `${thousands(layer.differ)} of ${thousands(layer.elements)}`, share, layer.differ === 0 ? "" : signed(layer.greatest),
            count(crossings?.off), count(crossings?.on), count(crossings?.saturate), count(crossings?.leave), look,
        ];
    });
    const parts: HTMLElement[] = [];
    if (several) parts.push(element("h3", {}, element("code", {}, call.text)));
    parts.push(
        element("p", {}, story(call)),
        scrolling(`Layers of ${call.text}`, rows(columns, all)),
        element("p", { class: "note" }, "A neuron turns off or on where it reaches or leaves the least integer of its layer, a ReLU's zero; it saturates at the greatest."),
        details,
    );
    return parts;
}

function signed(n: number | string): string {
    const text = String(n);
    return text.startsWith("-") || text === "0" ? text : `+${text}`;
}

/** One layer in full. */
function shown(layer: LayerTraceView): HTMLElement[] {
    const parts: HTMLElement[] = [element("h3", {}, name(layer)), element("p", { class: "note" }, `${layer.format ?? "exact"}${shape(layer.shape)}`)];
    for (const { caption, png } of layer.pictures) {
        parts.push(element("figure", {}, element("img", { src: `data:image/png;base64,${png}`, alt: `${name(layer)}, ${caption}` }), element("figcaption", {}, caption)));
    }
    const { attacked, original } = layer;
    if (attacked === null) {
        parts.push(element("p", { class: "note" }, `Its ${thousands(layer.elements)} numbers are too many to be listed.`));
        return parts;
    }
    const order = attacked.map((_, i) => i).sort((a, b) => Number(differs(layer, b)) - Number(differs(layer, a)) || a - b);
    const columns = [{ title: "Element" }, { title: "Original", number: true }, { title: "Attacked", number: true }, { title: "Difference", number: true }];
    const all = order.slice(0, MOST_LISTED).map((i) => [
        place(i, layer.shape), original === null ? "" : String(original[i]), String(attacked[i]), original === null || !differs(layer, i) ? "" : signed(String(BigInt(attacked[i] ?? 0) - BigInt(original[i] ?? 0))),
    ]);
    parts.push(scrolling(`Numbers of ${name(layer)}`, rows(columns, all)));
    if (attacked.length > MOST_LISTED) parts.push(element("p", { class: "note" }, `${thousands(attacked.length - MOST_LISTED)} more are not listed; those that differ come first.`));
    return parts;
}

function differs({ attacked, original }: LayerTraceView, index: number): boolean {
    return original !== null && attacked !== null && attacked[index] !== original[index];
}

/** An element's index along each axis. */
function place(index: number, sizes: number[]): string {
    const parts: number[] = [];
    let rest = index;
    for (const size of [...sizes].reverse()) {
        parts.unshift(rest % size);
        rest = Math.floor(rest / size);
    }
    return parts.length === 0 ? "the number" : parts.join(", ");
}
