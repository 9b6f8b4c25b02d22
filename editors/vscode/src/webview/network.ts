/**
 * The network view's page: the layers as a graph of buttons, what is known of the chosen one beside it, and all of it as a table.
 *
 * A click or the Enter key leads to the layer's place in the text; the arrow keys go along the graph's lines.
 */

import { BOX, layout } from "../network/layout";
import type { FromPage, ToPage } from "../network/panel";
import type { LayerView, NetworkView, NeuronsView, ReachView } from "../protocol.generated";
import { bytes, button, draw, element, fold, host, prose, rows, say, scrolling, section, shape, thousands } from "./dom";

const extension = host<FromPage>();

let view: NetworkView | undefined;
let chosen = 0;
let outdated = "";
/** The layer that the cursor in the text stands in. */
let cursor: number | null = null;

window.addEventListener("message", ({ data }: MessageEvent<ToPage>) => {
    switch (data.type) {
        case "network": {
            const same = view?.name === data.view.name && view.layers.length === data.view.layers.length;
            view = data.view;
            outdated = "";
            if (!same) chosen = 0;
            show(view);
            break;
        }
        case "outdated":
            outdated = data.text;
            if (view !== undefined) show(view);
            break;
        case "cursor":
            if (cursor === data.layer) break;
            cursor = data.layer;
            if (cursor !== null && view !== undefined) choose(cursor, false);
            break;
    }
});
extension.postMessage({ type: "ready" });

function show(of: NetworkView): void {
    const { problem } = of;
    draw(
        element(
            "header",
            {},
            element("h1", {}, of.name),
            choosers(of),
            element("p", {}, element("code", { class: "wrapping" }, of.signature)),
            problem === null ? element("p", { class: "note" }, memory(of)) : element("div", { class: "warning" }, element("p", {}, ...prose(problem.message)), problem.help === null ? undefined : element("p", {}, ...prose(`What helps: ${problem.help}.`))),
            of.kernel === null ? undefined : element("p", { class: "note" }, ...prose(`By the kernels \`${of.kernel.name}\`: ${of.kernel.summary}`)),
            ...of.notes.map((note) => element("p", { class: "note" }, ...prose(`Note: ${note}.`))),
            outdated === "" ? undefined : element("p", { class: "warning" }, outdated),
        ),
        of.layers.length === 0 ? undefined : element("div", { class: "both" }, graph(of), element("section", { id: "details", "aria-live": "polite", "aria-label": "The chosen layer" })),
        of.layers.length === 0 ? undefined : table(of),
    );
    if (of.layers.length > 0) choose(Math.min(chosen, of.layers.length - 1), false);
    if (outdated !== "") say(outdated);
}

function memory(of: NetworkView): string {
    const saturated = of.saturated === 0 ? "" : ` (${thousands(of.saturated)} saturated)`;
    return `${thousands(of.parameters)} parameters${saturated} in ${bytes(Math.ceil(of.parameterBits / 8))}; ${bytes(Math.ceil(of.activationBits / 8))} for activations, at most two neighbouring layers at a time.`;
}

/** Which network, and over which inputs. */
function choosers(of: NetworkView): HTMLElement | undefined {
    const all: HTMLElement[] = [];
    if (of.networks.length > 1) {
        const select = element("select", { id: "network", "aria-label": "Network" }, ...of.networks.map((name) => element("option", { value: name }, name)));
        select.value = of.name;
        select.addEventListener("change", () => { extension.postMessage({ type: "network", network: select.value }); });
        all.push(select);
    }
    if (of.instances.length > 0) {
        const select = element("select", { id: "instance", "aria-label": "Inputs" }, element("option", { value: "" }, "all inputs of the formats"));
        for (const name of of.instances) select.append(element("option", { value: name }, `the inputs of ${name}`));
        select.value = of.instance ?? "";
        select.addEventListener("change", () => { extension.postMessage({ type: "instance", instance: select.value === "" ? null : select.value }); });
        all.push(select);
    }
    return all.length === 0 ? undefined : element("p", { class: "instance" }, ...all);
}

const name = (layer: LayerView): string => (layer.name === "" ? layer.operation : `${layer.name}, ${layer.operation}`);
const told = (layer: LayerView): ReachView => layer.within ?? layer.overFormats;

function sums(layer: LayerView, reach: ReachView): string {
    if (reach.accumulator === null) return "";
    const { bits } = reach.accumulator;
    return layer.accumulatorAvailable === null ? `${bits} bits` : `${bits} of ${layer.accumulatorAvailable} bits`;
}

const unstable = (neurons: NeuronsView): number => neurons.all - neurons.stable;

// ---- The graph

function graph(of: NetworkView): HTMLElement {
    const { width, height, nodes, lines } = layout(of.layers.map(({ reads }) => reads));
    const area = element("div", { class: "graph" });
    area.style.width = `${width}px`;
    area.style.height = `${height}px`;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("width", String(width));
    svg.setAttribute("height", String(height));
    svg.setAttribute("aria-hidden", "true");
    for (const { from, to, points } of lines) {
        const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
        line.setAttribute("points", points.map(({ x, y }) => `${x},${y}`).join(" "));
        line.dataset.from = String(from);
        line.dataset.to = String(to);
        svg.append(line);
    }
    area.append(svg);
    of.layers.forEach((layer, index) => {
        const node = box(layer, index);
        const at = nodes[index];
        node.style.left = `${at?.x ?? 0}px`;
        node.style.top = `${at?.y ?? 0}px`;
        node.style.width = `${BOX.width}px`;
        node.style.height = `${BOX.height}px`;
        area.append(node);
    });
    const hint = "Layers from the input down; arrow keys go along the lines, Enter goes to the text";
    return element("div", { class: "canvas", role: "group", "aria-label": hint }, area);
}

function box(layer: LayerView, index: number): HTMLButtonElement {
    const reach = told(layer);
    const { neurons } = reach;
    const parts = [`${shape(layer.shape)} ${layer.bits} bits`, sums(layer, reach) === "" ? "" : `sums ${sums(layer, reach)}`].filter((part) => part !== "");
    const standing = neurons === null ? "" : unstable(neurons) === 0 ? `${thousands(neurons.all)} neurons, all stable` : `${thousands(unstable(neurons))} of ${thousands(neurons.all)} neurons unstable`;
    const node = button("", () => { choose(index, true); });
    node.className = `node ${layer.role}`;
    node.id = `node-${index}`;
    node.append(
        element("span", { class: "operation" }, layer.role === "input" ? `input ${layer.name}` : layer.operation),
        element("span", { class: "name" }, layer.role === "input" ? (layer.format ?? "exact") : layer.name),
        element("span", { class: "fact" }, parts.join(" · ")),
        element("span", { class: "fact" }, standing),
    );
    node.setAttribute("aria-label", [`${index}: ${name(layer)}`, ...parts, standing].filter((part) => part !== "").join(", "));
    node.addEventListener("keydown", (event) => { move(event, index); });
    return node;
}

function move(event: KeyboardEvent, index: number): void {
    const layers = view?.layers ?? [];
    const readers = layers.flatMap(({ reads }, reader) => (reads.includes(index) ? [reader] : []));
    const to: Record<string, number | undefined> = {
        ArrowUp: layers[index]?.reads.at(-1),
        ArrowDown: readers[0],
        ArrowLeft: index - 1,
        ArrowRight: index + 1,
        Home: 0,
        End: layers.length - 1,
    };
    const next = to[event.key];
    if (next === undefined || event.ctrlKey || event.metaKey || event.altKey || layers[next] === undefined) return;
    event.preventDefault();
    choose(next, false);
    document.getElementById(`node-${next}`)?.focus();
}

/** Chooses a layer, and goes to its place in the text if that is wanted. */
function choose(index: number, reveal: boolean): void {
    const layer = view?.layers[index];
    if (layer === undefined) return;
    chosen = index;
    for (const node of document.querySelectorAll<HTMLElement>(".node")) {
        const own = node.id === `node-${index}`;
        // One of them takes the focus; the arrow keys lead to the others.
        node.tabIndex = own ? 0 : -1;
        node.classList.toggle("chosen", own);
        if (own) {
            node.setAttribute("aria-current", "true");
            node.scrollIntoView({ block: "nearest", inline: "nearest" });
        } else {
            node.removeAttribute("aria-current");
        }
    }
    for (const line of document.querySelectorAll<SVGElement>("polyline")) {
        line.classList.toggle("chosen", line.dataset.from === String(index) || line.dataset.to === String(index));
    }
    details(layer, index);
    if (reveal) extension.postMessage({ type: "reveal", layer: index });
}

// ---- What is known of a layer

function details(layer: LayerView, index: number): void {
    const at = document.getElementById("details");
    if (at === null || view === undefined) return;
    const facts: [string, string][] = [
        ["Reads", layer.reads.map((read) => `${read} (${name(view?.layers[read] ?? layer)})`).join("; ")],
        ["Shape", shape(layer.shape)],
        ["Format", layer.format ?? "exact"],
        ["Bits", String(layer.bits)],
        ["Parameters", layer.parameters === 0 ? "" : `${thousands(layer.parameters)} in ${bytes(Math.ceil(layer.parameterBits / 8))}${layer.saturated === 0 ? "" : `, ${thousands(layer.saturated)} saturated`}`],
    ];
    const list = element("dl");
    for (const [term, text] of facts) if (text !== "") list.append(element("dt", {}, term), element("dd", {}, text));
    const columns = [{ title: "" }, { title: "All inputs of the formats" }, ...(layer.within === null ? [] : [{ title: "The inputs of the instance" }])];
    const over = layer.within === null ? [layer.overFormats] : [layer.overFormats, layer.within];
    const row = (title: string, tell: (reach: ReachView) => string): string[] => [title, ...over.map(tell)];
    const neurons = (title: string, tell: (neurons: NeuronsView) => number): string[] => row(title, (reach) => (reach.neurons === null ? "" : `${thousands(tell(reach.neurons))} of ${thousands(reach.neurons.all)}`));
    const all = [
        row("Integers", (reach) => `${reach.least} to ${reach.greatest}`),
        row("Sums", (reach) => (reach.accumulator === null ? "" : `${reach.accumulator.least} to ${reach.accumulator.greatest}`)),
        row("Bits of sums", (reach) => sums(layer, reach)),
        neurons("Stable neurons", ({ stable }) => stable),
        neurons("Of these fixed", ({ fixed }) => fixed),
        neurons("Can reach the least", ({ atLeast }) => atLeast),
        neurons("Can reach the greatest", ({ atGreatest }) => atGreatest),
    ].filter(([, ...cells]) => cells.some((cell) => cell !== ""));
    const go = button("Go to text", () => { extension.postMessage({ type: "reveal", layer: index }); }, layer.place === null);
    go.id = "go";
    columns[0] = { title: "What" };
    at.replaceChildren(
        element("h2", {}, `${index}: ${name(layer)}`),
        list,
        scrolling("Ranges of the layer", rows(columns, all)),
        element("p", { class: "note" }, "A neuron is stable if it never reaches an end of what its layer puts out (a ReLU's zero, saturation), or never leaves it: engines split on the others."),
        element("p", { class: "tools" }, go),
    );
}

function table(of: NetworkView): HTMLElement {
    const columns = [
        { title: "No.", number: true }, { title: "Operation" }, { title: "Name" }, { title: "Reads" }, { title: "Shape" }, { title: "Format" }, { title: "Integers" }, { title: "Bits of sums" },
        { title: "Unstable", number: true }, { title: "Parameters", number: true },
    ];
    const all = of.layers.map((layer, index) => {
        const reach = told(layer);
        return [
            String(index), layer.operation, layer.name, layer.reads.join(", "), shape(layer.shape), layer.format ?? "exact", `${reach.least} to ${reach.greatest}`, sums(layer, reach),
            reach.neurons === null ? "" : thousands(unstable(reach.neurons)), layer.parameters === 0 ? "" : thousands(layer.parameters),
        ];
    });
    return section("As a table", fold(`All ${of.layers.length} inputs and layers`, rows(columns, all)));
}
