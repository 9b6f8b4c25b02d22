/**
 * The counterexample view's page.
 *
 * In: a model (`counterexample/model.ts`). Out: elements. Invariants: text enters the page as text, never as markup; whatever a picture shows can be
 * had by keyboard and is said aloud; styles are set through the DOM alone, since the page's policy forbids inline ones.
 */

import type { Bar, BarSection, PictureSection, Section, TableSection, View } from "../counterexample/model";
import type { FromPage, ToPage } from "../counterexample/panel";
import type { Trace } from "../protocol.generated";
import { traced } from "./trace";
import { button, type Child, element, fold, host, say, scrolling } from "./dom";

const extension = host<FromPage>();
const main = document.querySelector("main") ?? document.body;

/** Rows of raw integers are listed up to this size of a picture. */
const MOST_LISTED = 64 * 64;

window.addEventListener("message", ({ data }: MessageEvent<ToPage>) => {
    // The control that was used keeps the focus, though everything is drawn anew.
    const focused = document.activeElement?.id ?? "";
    if (data.type === "view") show(data.view);
    else if (data.type === "trace") follow(data.trace);
    else gone(data);
    main.removeAttribute("aria-busy");
    if (focused !== "") document.getElementById(focused)?.focus();
});
extension.postMessage({ type: "ready" });

/** The instance that is shown, and its layers once they are told. */
let instance = "";
let layers: Trace | undefined;

function follow(trace: Trace): void {
    layers = trace;
    document.getElementById("layers")?.replaceChildren(...(trace.instance === instance ? [traced(trace)] : []).filter((part) => part !== undefined));
}

function show(view: View): void {
    instance = view.instance;
    const name = view.kind === "witness" ? "Witness" : "Counterexample";
    main.replaceChildren(
        element(
            "header",
            {},
            element("h1", {}, name),
            chooser(view.instance, view.others),
            element("p", { class: "summary" }, view.summary),
            element("p", { class: "note" }, [view.provenance, "replayed bit for bit"].filter((part) => part !== "").join("; ")),
            view.warning === undefined ? undefined : element("p", { class: "warning" }, view.warning),
            tools(),
        ),
        ...view.sections.map(section),
        element("div", { id: "layers" }),
    );
    if (layers !== undefined) follow(layers);
    say(`${name} of ${view.instance}: ${view.summary}${view.warning === undefined ? "" : ` ${view.warning}`}`);
}

function gone(message: { instance: string; others: string[]; text: string }): void {
    main.replaceChildren(
        element(
            "header",
            {},
            element("h1", {}, "Counterexample"),
            chooser(message.instance, message.others),
            element("p", { class: "warning" }, message.text),
        ),
    );
    say(`${message.instance}: ${message.text}`);
}

/** Which instance is shown, with the others one key away. */
function chooser(instance: string, others: string[]): HTMLElement {
    const all = others.includes(instance) ? others : [instance, ...others];
    const at = all.indexOf(instance);
    const go = (to: number): void => {
        const next = all[to];
        if (next !== undefined) extension.postMessage({ type: "show", instance: next });
    };
    if (all.length === 1) return element("p", { class: "instance" }, element("code", {}, instance));
    const select = element("select", { id: "instance", "aria-label": "Instance" });
    for (const name of all) select.append(element("option", { value: name }, name));
    select.selectedIndex = at;
    select.addEventListener("change", () => {
        go(select.selectedIndex);
    });
    const previous = button("Previous", () => { go(at - 1); }, at === 0);
    const next = button("Next", () => { go(at + 1); }, at === all.length - 1);
    previous.id = "previous";
    next.id = "next";
    return element("p", { class: "instance" }, select, previous, next, element("span", { class: "note" }, `${at + 1} of ${all.length}`));
}

function tools(): HTMLElement {
    const all: [string, string, FromPage][] = [
        ["reveal", "Go to property", { type: "reveal" }],
        ["verify", "Verify again", { type: "verify" }],
        ["copy", "Copy as text", { type: "copy" }],
    ];
    return element(
        "p",
        { class: "tools" },
        ...all.map(([id, label, message]) => {
            const created = button(label, () => { extension.postMessage(message); });
            created.id = id;
            return created;
        }),
    );
}

let sections = 0;

function section(part: Section): HTMLElement {
    const id = `section-${++sections}`;
    const content =
        part.kind === "pictures" ? pictures(part) : part.kind === "table" ? [table(part), omitted(part.omitted, "rows")] : bars(part);
    return element(
        "section",
        { "aria-labelledby": id },
        element("h2", { id }, part.title),
        element("p", { class: "note" }, part.note),
        ...content,
    );
}

function omitted(count: number, what: string): HTMLElement | undefined {
    return count === 0 ? undefined : element("p", { class: "note" }, `${count} more ${what} are not shown; “Copy as text” has all of them.`);
}

// ---- Pictures

function pictures(part: PictureSection): Child[] {
    const { height, width, cells } = part;
    const readout = element("output", { class: "readout", "aria-live": "polite" });
    const marks: HTMLElement[] = [];
    let at = -1;
    const point = (cell: number): void => {
        const found = cells[cell];
        if (found === undefined) return;
        at = cell;
        const [row, column] = [Math.floor(cell / width), cell % width];
        for (const mark of marks) {
            mark.hidden = false;
            mark.style.left = percent(column / width);
            mark.style.top = percent(row / height);
        }
        readout.value = `Row ${row}, column ${column}: ${found.text}`;
    };
    const hint = part.cells.some((cell) => cell.changed)
        ? "Point at a pixel, or use the arrow keys; N and P go to the next and previous one that differs."
        : "Point at a pixel, or use the arrow keys.";
    readout.value = hint;
    const onKey = (event: KeyboardEvent): void => {
        const from = Math.max(at, 0);
        const [row, column] = [Math.floor(from / width), from % width];
        const to: Record<string, () => number> = {
            ArrowLeft: () => row * width + Math.max(0, column - 1),
            ArrowRight: () => row * width + Math.min(width - 1, column + 1),
            ArrowUp: () => Math.max(0, row - 1) * width + column,
            ArrowDown: () => Math.min(height - 1, row + 1) * width + column,
            Home: () => row * width,
            End: () => row * width + width - 1,
            n: () => cells.findIndex((cell, i) => i > at && cell.changed),
            p: () => cells.findLastIndex((cell, i) => i < at && cell.changed),
        };
        const move = to[event.key.length === 1 ? event.key.toLowerCase() : event.key];
        if (move === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        point(at < 0 && event.key.startsWith("Arrow") ? 0 : move());
    };
    const figures = part.pictures.map((picture) => {
        const canvas = element("canvas", { width: String(width), height: String(height) });
        const context = canvas.getContext("2d");
        if (context !== null) {
            const image = context.createImageData(width, height);
            for (let i = 0; i < width * height; i++) {
                for (let c = 0; c < 3; c++) image.data[4 * i + c] = picture.pixels[3 * i + c] ?? 0;
                image.data[4 * i + 3] = 255;
            }
            context.putImageData(image, 0, 0);
        }
        const mark = element("span", { class: "mark", "aria-hidden": "true" });
        mark.hidden = true;
        mark.style.width = percent(1 / width);
        mark.style.height = percent(1 / height);
        marks.push(mark);
        const frame = element(
            "div",
            { class: "frame", tabindex: "0", role: "application", "aria-roledescription": "picture", "aria-label": `${picture.description}. ${hint}` },
            canvas,
            mark,
        );
        frame.addEventListener("keydown", onKey);
        frame.addEventListener("mousemove", (event) => {
            const box = canvas.getBoundingClientRect();
            const column = Math.floor(((event.clientX - box.left) / box.width) * width);
            const row = Math.floor(((event.clientY - box.top) / box.height) * height);
            if (column >= 0 && column < width && row >= 0 && row < height) point(row * width + column);
        });
        return element("figure", {}, frame, element("figcaption", {}, picture.caption));
    });
    return [element("div", { class: "pictures" }, ...figures), readout, ...lists(part)];
}

/** The same as tables: for screen readers, and to read numbers off. */
function lists(part: PictureSection): Child[] {
    const { cells, width, height } = part;
    const all: Child[] = [];
    const changed = cells.map((cell, i) => ({ ...cell, i })).filter((cell) => cell.changed);
    if (changed.length > 0) {
        const body = element("tbody");
        for (const cell of changed.slice(0, MOST_LISTED)) {
            const place = `${Math.floor(cell.i / width)}, ${cell.i % width}`;
            body.append(element("tr", {}, element("th", { scope: "row" }, place), element("td", {}, cell.text)));
        }
        const head = element("tr", {}, element("th", { scope: "col" }, "Row, column"), element("th", { scope: "col" }, "Original → changed"));
        all.push(fold(`Pixels that differ (${changed.length})`, element("table", {}, element("thead", {}, head), body)));
    }
    if (cells.length <= MOST_LISTED) {
        const head = element("tr", {}, element("td"));
        for (let column = 0; column < width; column++) head.append(element("th", { scope: "col" }, String(column)));
        const body = element("tbody");
        for (let row = 0; row < height; row++) {
            const line = element("tr", {}, element("th", { scope: "row" }, String(row)));
            for (const cell of cells.slice(row * width, (row + 1) * width)) {
                line.append(element("td", { class: cell.changed ? "number changed" : "number" }, cell.raw));
            }
            body.append(line);
        }
        all.push(fold("All raw integers", element("table", {}, element("thead", {}, head), body)));
    }
    return all;
}

// ---- Tables

function table(part: TableSection): HTMLElement {
    const head = element("tr");
    const labelled = part.head[0] === "Entry";
    part.head.forEach((title, i) => {
        head.append(element("th", labelled && i === 0 ? { scope: "col" } : { scope: "col", class: "number" }, title));
    });
    const body = element("tbody");
    for (const row of part.rows) {
        const line = element("tr", row.changed ? { class: "changed" } : {});
        row.cells.forEach((cell, i) => {
            line.append(labelled && i === 0 ? element("th", { scope: "row" }, cell) : element("td", { class: "number" }, cell));
        });
        body.append(line);
    }
    return scrolling("Numbers", element("table", {}, element("thead", {}, head), body));
}

// ---- Bars

function bars(part: BarSection): Child[] {
    const head = element("tr", {}, element("th", { scope: "col" }, "Output"), element("td", { class: "plot", "aria-hidden": "true" }));
    for (const caption of part.series) head.append(element("th", { scope: "col", class: "number" }, part.series.length === 1 ? "Value" : caption));
    const body = element("tbody");
    for (const row of part.rows) body.append(barRow(row, part.zero));
    const keys = part.series.length === 1 ? [] : part.series.flatMap((caption, i) => [element("span", { class: `key series-${i}` }), caption]);
    const greatest = part.rows.some((row) => row.bars.some((one) => one.greatest));
    const legend = element("p", { class: "legend", "aria-hidden": "true" }, ...keys, greatest ? element("span", { class: "note" }, "▲ greatest") : undefined);
    return [
        legend,
        scrolling("Outputs", element("table", { class: "bars" }, element("thead", {}, head), body)),
        omitted(part.omitted, "outputs"),
    ];
}

function barRow(row: BarSection["rows"][number], zero: number): HTMLElement {
    const area = element("div", { class: "area" });
    const axis = element("span", { class: "zero" });
    axis.style.left = percent(zero);
    area.append(axis);
    row.bars.forEach((of, i) => {
        const created = element("span", { class: `bar series-${row.bars.length === 1 ? 1 : i}` });
        created.style.marginLeft = percent(of.from);
        created.style.width = percent(of.to - of.from);
        area.append(created);
    });
    const line = element(
        "tr",
        row.bars.some((of) => of.greatest) ? { class: "greatest" } : {},
        element("th", { scope: "row" }, row.label),
        element("td", { class: "plot", "aria-hidden": "true" }, area),
    );
    line.append(...row.bars.map(value));
    return line;
}

/** A value with its raw integer; the greatest is marked and said to be. */
function value(of: Bar): HTMLElement {
    const raw = element("span", { class: "raw" }, ` raw ${of.raw}`);
    if (!of.greatest) return element("td", { class: "number" }, of.value, raw);
    const mark = element("span", { "aria-hidden": "true" }, "▲ ");
    return element("td", { class: "number winner" }, mark, of.value, raw, element("span", { class: "spoken" }, ", the greatest"));
}

function percent(part: number): string {
    return `${(100 * part).toFixed(2)}%`;
}
