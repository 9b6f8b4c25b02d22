/** The page of a model file: what it holds, by which kernels it can be verified, and its layers. */

import type { FromPage, ToPage } from "../files/modelPages";
import type { Ready } from "../files/filePage";
import type { LayerView, ModelFile, ModelTensor, NetworkView } from "../protocol.generated";
import { bytes, button, draw, element, host, prose, rows, say, scrolling, section, shape, thousands } from "./dom";

const extension = host<FromPage | Ready>();

let model: ModelFile | undefined;
/** What each kernel makes of it; `null` where that can't be said. */
const views = new Map<string, NetworkView | null>();

window.addEventListener("message", ({ data }: MessageEvent<ToPage>) => {
    if (data.type === "waiting") {
        model = undefined;
        draw(element("p", { class: "warning" }, data.text));
        return;
    }
    if (data.type === "model") {
        model = data.model;
        views.clear();
    } else {
        views.set(data.kernel, data.view);
    }
    if (model !== undefined) show(model);
});
extension.postMessage({ type: "ready" });

function show(of: ModelFile): void {
    const works = of.kernels.find(({ name }) => views.get(name)?.problem === null);
    const view = works && views.get(works.name);
    const asked = of.kernels.every(({ name }) => views.has(name));
    draw(
        element(
            "header",
            {},
            element("h1", {}, of.name),
            element("p", { class: "note" }, `${of.kind} model${of.bytes > 0 ? `, ${bytes(of.bytes)}` : ""}`),
            verdict(of, works?.name, asked),
        ),
        of.problem === null && !of.floats ? kernels(of) : undefined,
        of.problem === null ? tensors(of) : undefined,
        of.operators.length === 0 ? undefined : operators(of),
        view ? layers(view) : undefined,
    );
}

function verdict(of: ModelFile, works: string | undefined, asked: boolean): HTMLElement {
    if (of.problem !== null) {
        return element("div", { class: "warning" }, element("p", {}, ...prose(of.problem.message)), of.problem.help === null ? undefined : element("p", {}, ...prose(`What helps: ${of.problem.help}.`)));
    }
    if (works !== undefined || of.floats) {
        const create = button("Create Spec", () => { extension.postMessage({ type: "createSpec" }); });
        create.id = "create";
        create.className = "primary";
        const text = of.floats
            ? "Its numbers are floats. A spec says the formats that it is quantized by, and asks how many bits it takes."
            : "It can be verified, bit for bit. A spec names the kernels that run it, and says what must hold.";
        say(text);
        return element("div", {}, element("p", { class: "summary" }, text), element("p", { class: "tools" }, create));
    }
    const text = asked ? "It can't be verified as it is; the reasons stand below." : "Reading its layers …";
    say(text);
    return element("p", { class: asked ? "warning" : "summary" }, text);
}

function kernels(of: ModelFile): HTMLElement {
    const all = of.kernels.map(({ name, summary }) => {
        const view = views.get(name);
        const able = view?.problem === null;
        const standing = view === undefined ? "…" : able ? "✓ yes" : view === null ? "not known" : `✗ ${view.problem?.message ?? ""}${view.problem?.help ? ` What helps: ${view.problem.help}.` : ""}`;
        const create = button("Create Spec", () => { extension.postMessage({ type: "createSpec", kernel: name }); }, !able);
        create.setAttribute("aria-label", `Create Spec for ${name}`);
        create.id = `create-${name}`;
        const layers = button("Show Layers", () => { extension.postMessage({ type: "showNetwork", kernel: name }); }, !able);
        layers.setAttribute("aria-label", `Show Layers by ${name}`);
        layers.id = `layers-${name}`;
        return [element("code", {}, name), element("span", { class: "wrap" }, ...prose(summary)), element("span", { class: "wrap" }, ...prose(standing)), element("span", { class: "tools" }, create, layers)];
    });
    const why = "Runtimes compute different integers of the same file. A spec names the kernels that run it.";
    return section("Kernels", element("p", { class: "note" }, why), scrolling("Kernels", rows([{ title: "Kernel" }, { title: "What it is" }, { title: "Can it be verified?" }, { title: "Actions" }], all)));
}

function tensors(of: ModelFile): HTMLElement {
    const row = (role: string) => (tensor: ModelTensor) => {
        const { storage } = tensor;
        return [
            role,
            element("code", {}, tensor.name),
            tensor.element,
            shape(tensor.shape),
            storage?.scale ?? "",
            storage === null ? "" : String(storage.zero),
            storage === null ? "" : `${storage.values[0]} to ${storage.values[1]}`,
        ];
    };
    const all = [...of.inputs.map(row("input")), ...of.outputs.map(row("output"))];
    const columns = [{ title: "Role" }, { title: "Name" }, { title: "Type" }, { title: "Shape" }, { title: "Scale", number: true }, { title: "Zero point", number: true }, { title: "Values" }];
    return section("Inputs and outputs", scrolling("Inputs and outputs", rows(columns, all)));
}

function operators(of: ModelFile): HTMLElement {
    const list = element("ul", { class: "operators" });
    for (const { name, count } of of.operators) list.append(element("li", {}, element("code", {}, name), count === 1 ? "" : ` ×${count}`));
    return section("Operators", list);
}

function layers(view: NetworkView): HTMLElement {
    const reads = (layer: LayerView): string => layer.reads.map(String).join(", ");
    const all = view.layers.map((layer, index) => {
        const sums = layer.overFormats.accumulator;
        const used = sums === null ? "" : layer.accumulatorAvailable === null ? `${sums.bits} bits` : `${sums.bits} of ${layer.accumulatorAvailable} bits`;
        return [
            String(index), layer.operation, element("code", {}, layer.name), reads(layer), shape(layer.shape), String(layer.bits),
            `${layer.overFormats.least} to ${layer.overFormats.greatest}`, used, layer.parameters === 0 ? "" : thousands(layer.parameters),
        ];
    });
    const columns = [
        { title: "No.", number: true }, { title: "Operator" }, { title: "Name" }, { title: "Reads" }, { title: "Shape" }, { title: "Bits", number: true },
        { title: "Integers" }, { title: "Sums" }, { title: "Parameters", number: true },
    ];
    const memory = `${thousands(view.parameters)} parameters in ${bytes(Math.ceil(view.parameterBits / 8))}; ${bytes(Math.ceil(view.activationBits / 8))} for activations, at most two neighbouring layers at a time.`;
    return section(
        `Layers by ${view.kernel?.name ?? ""}`,
        element("p", { class: "note" }, memory),
        ...view.notes.map((note) => element("p", { class: "note" }, ...prose(`Note: ${note}.`))),
        scrolling("Layers", rows(columns, all)),
    );
}
