/** The page of a data file: its tensors as a table, and stacks of images as pictures with their labels. */

import type { Ready } from "../files/filePage";
import type { FromPage, ToPage } from "../files/tensorPages";
import type { SamplePictures, TensorFile, TensorStatus } from "../protocol.generated";
import { bytes, button, draw, element, host, prose, rows, say, scrolling, section, shape, thousands } from "./dom";

const extension = host<FromPage | Ready>();

/** How many pictures are shown at a time. */
const PAGE = 60;

let file: TensorFile | undefined;
let shown: { tensor: string | null; from: number; samples: SamplePictures } | undefined;

window.addEventListener("message", ({ data }: MessageEvent<ToPage>) => {
    switch (data.type) {
        case "waiting":
            file = undefined;
            draw(element("p", { class: "warning" }, data.text));
            return;
        case "tensors": {
            file = data.file;
            shown = undefined;
            // A file that is a stack of images is looked at as such.
            const first = file.tensors.find(({ pictures }) => pictures !== null);
            if (first !== undefined) ask(first.name, 0);
            break;
        }
        case "tensor": {
            const [read] = data.file.tensors;
            if (file !== undefined && read !== undefined) file = { ...file, tensors: file.tensors.map((one) => (one.name === read.name ? read : one)) };
            break;
        }
        case "samples":
            shown = data;
            break;
    }
    if (file !== undefined) show(file);
});
extension.postMessage({ type: "ready" });

function ask(tensor: string | null, from: number): void {
    extension.postMessage({ type: "samples", tensor, from, count: PAGE });
}

function show(of: TensorFile): void {
    const count = `${of.tensors.length} tensor${of.tensors.length === 1 ? "" : "s"}`;
    const about = of.problem === null ? `${count}, ${bytes(of.bytes)}` : of.bytes > 0 ? bytes(of.bytes) : "";
    const problem = of.problem === null ? undefined
        : element("div", { class: "warning" }, element("p", {}, ...prose(of.problem.message)), of.problem.help === null ? undefined : element("p", {}, ...prose(`What helps: ${of.problem.help}.`)));
    draw(
        element("header", {}, element("h1", {}, of.name), element("p", { class: "note" }, about), problem),
        of.tensors.length === 0 ? undefined : section("Tensors", scrolling("Tensors", rows(
            [{ title: "Name" }, { title: "Type" }, { title: "Shape" }, { title: "Least", number: true }, { title: "Greatest", number: true }, { title: "First values" }, { title: "Actions" }],
            of.tensors.map(row),
        ))),
        pictures(of),
    );
    if (shown === undefined) say(of.problem?.message ?? `${of.name}: ${count}`);
}

function row(tensor: TensorStatus, index: number): (HTMLElement | string)[] {
    const { values } = tensor;
    const name = tensor.name ?? "the only tensor";
    const actions = element("span", { class: "tools" });
    if (tensor.pictures !== null) {
        const look = button("Show Pictures", () => { ask(tensor.name, 0); });
        look.id = `look-${index}`;
        look.setAttribute("aria-label", `Show pictures of ${name}`);
        actions.append(look);
    }
    if (values === null && tensor.problem === null && tensor.name !== null) {
        const of = tensor.name;
        const read = button("Read", () => { extension.postMessage({ type: "read", tensor: of }); });
        read.id = `read-${index}`;
        read.setAttribute("aria-label", `Read ${name}`);
        actions.append(read);
    }
    const first = values === null ? "" : `${values.first.join(", ")}${values.first.length < values.count ? ", …" : ""}`;
    const unfinite = values === null || values.notFinite === 0 ? "" : `${thousands(values.notFinite)} are NaN or infinite; `;
    return [
        tensor.name === null ? element("span", {}, name) : element("code", {}, name),
        tensor.element,
        shape(tensor.shape),
        values?.range?.[0] ?? "",
        values?.range?.[1] ?? "",
        element("span", { class: "wrap" }, ...(tensor.problem === null ? [`${unfinite}${first}`] : prose(tensor.problem))),
        actions,
    ];
}

function pictures(of: TensorFile): HTMLElement | undefined {
    if (shown === undefined) return undefined;
    const { tensor, from, samples } = shown;
    const all = of.tensors.find(({ name }) => name === tensor)?.pictures ?? 0;
    const last = Math.min(from + PAGE, all);
    const previous = button("Previous", () => { ask(tensor, Math.max(0, from - PAGE)); }, from === 0);
    const next = button("Next", () => { ask(tensor, from + PAGE); }, last >= all);
    previous.id = "previous";
    next.id = "next";
    const grid = element("ul", { class: "samples" });
    for (const { index, label, png } of samples.samples) {
        const caption = label === null ? String(index) : `${index}: ${label}`;
        const spoken = label === null ? `sample ${index}` : `sample ${index}, class ${label}`;
        const picture = png === "" ? element("span", { class: "note" }, "no finite numbers") : element("img", { src: `data:image/png;base64,${png}`, alt: spoken });
        grid.append(element("li", {}, element("figure", {}, picture, element("figcaption", {}, caption))));
    }
    const range = `${from} to ${last - 1} of ${thousands(all)}`;
    say(`Samples ${range}`);
    const source = samples.labelledBy === null ? "No labels are known." : `Index and class, the classes by ${samples.labelledBy}.`;
    return section(
        tensor === null ? "Samples" : `Samples of ${tensor}`,
        element("p", { class: "note" }, source),
        element("p", { class: "tools" }, previous, next, element("span", { class: "note" }, range)),
        grid,
    );
}
