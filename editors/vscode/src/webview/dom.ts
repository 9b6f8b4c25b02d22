/**
 * What the pages of views share: making elements, and talking to the extension.
 *
 * Invariants: text enters a page as text, never as markup; styles are set through the DOM alone, since the pages' policy forbids inline ones.
 */

interface Host<From> {
    postMessage(message: From): void;
}
declare function acquireVsCodeApi(): Host<unknown>;

let acquired: Host<unknown> | undefined;

/** The extension's side, which can be had once. */
export function host<From>(): Host<From> {
    acquired ??= acquireVsCodeApi();
    return acquired;
}

export type Child = Node | string | undefined;

export function element<K extends keyof HTMLElementTagNameMap>(
    name: K,
    attributes: Record<string, string> = {},
    ...children: Child[]
): HTMLElementTagNameMap[K] {
    const created = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) created.setAttribute(key, value);
    created.append(...children.filter((child) => child !== undefined));
    return created;
}

export function button(label: string, act: () => void, disabled = false): HTMLButtonElement {
    const created = element("button", { type: "button" }, label);
    created.disabled = disabled;
    created.addEventListener("click", act);
    return created;
}

export function fold(title: string, content: HTMLElement): HTMLElement {
    return element("details", {}, element("summary", {}, title), element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": title }, content));
}

/** A table that scrolls by itself, by keyboard too. */
export function scrolling(label: string, content: HTMLElement): HTMLElement {
    return element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": label }, content);
}

/** A column of a table: its title, and whether it holds numbers. */
export interface Column {
    title: string;
    number?: boolean;
}

/** A table whose first column names its rows. */
export function rows(columns: Column[], all: Child[][]): HTMLElement {
    const alignment = (column: Column | undefined): Record<string, string> => (column?.number === true ? { class: "number" } : {});
    const head = element("tr", {}, ...columns.map((column) => element("th", { scope: "col", ...alignment(column) }, column.title)));
    const body = element("tbody");
    for (const cells of all) {
        body.append(element("tr", {}, ...cells.map((cell, i) => (i === 0 ? element("th", { scope: "row" }, cell) : element("td", alignment(columns[i]), cell)))));
    }
    return element("table", {}, element("thead", {}, head), body);
}

/** A sentence with names between backticks. */
export function prose(text: string): Child[] {
    return text.split("`").map((part, i) => (i % 2 === 1 ? element("code", {}, part) : part));
}

let sections = 0;

/** A section with its heading. */
export function section(title: string, ...content: Child[]): HTMLElement {
    const id = `part-${++sections}`;
    return element("section", { "aria-labelledby": id }, element("h2", { id }, title), ...content);
}

/** Says something to screen readers. */
export function say(text: string): void {
    const said = document.querySelector("#said");
    if (said !== null && said.textContent !== text) said.textContent = text;
}

/** The page's content, all of it; the control that was used keeps the focus. */
export function draw(...content: Child[]): void {
    const main = document.querySelector("main") ?? document.body;
    const focused = document.activeElement?.id ?? "";
    main.replaceChildren(...content.filter((child) => child !== undefined));
    main.removeAttribute("aria-busy");
    if (focused !== "") document.getElementById(focused)?.focus();
}

export function thousands(count: number): string {
    return count.toLocaleString("en-US");
}

export function shape(sizes: (number | null)[]): string {
    return `[${sizes.map((size) => size ?? "?").join(", ")}]`;
}

export function bytes(count: number): string {
    if (count < 1024) return `${thousands(count)} bytes`;
    const mib = count / 1024 / 1024;
    return mib >= 1 ? `${mib.toFixed(1)} MiB` : `${(count / 1024).toFixed(1)} KiB`;
}
