/** The page of the property at the cursor. */

import type { Cell, Inspected } from "../inspector/model";
import type { FromPage, ToPage } from "../inspector/view";
import { button, draw, element, host, say, scrolling } from "./dom";

const extension = host<FromPage>();

window.addEventListener("message", ({ data }: MessageEvent<ToPage>) => {
    if (data.type === "nothing") draw(element("h1", {}, "Property at the cursor"), element("p", { class: "note" }, data.text));
    else show(data.shown, data.pinned, data.paused);
});
extension.postMessage({ type: "ready" });

function toggle(id: string, label: string, on: boolean, act: () => void): HTMLButtonElement {
    const created = button(label, act);
    created.id = id;
    created.setAttribute("aria-pressed", String(on));
    return created;
}

function show(of: Inspected, pinned: boolean, paused: boolean): void {
    const go = button("Go to property", () => { extension.postMessage({ type: "reveal" }); });
    go.id = "go";
    draw(
        element(
            "header",
            {},
            element("h1", {}, of.property),
            element("p", { class: "summary" }, of.detail === "" ? of.counts : of.detail),
            element(
                "p",
                { class: "tools" },
                toggle("pin", "Pin", pinned, () => { extension.postMessage({ type: "pin" }); }),
                toggle("pause", paused ? "Paused" : "Pause", paused, () => { extension.postMessage({ type: "pause", paused: !paused }); }),
                go,
            ),
            paused ? element("p", { class: "warning" }, "Paused: this does not follow what happens.") : undefined,
        ),
        element("div", { class: "both" }, instances(of), chosen(of)),
    );
    say(`${of.property}: ${of.counts}`);
}

function cell(of: Cell, current: string | undefined): HTMLElement {
    const created = button(of.text, () => { extension.postMessage({ type: "choose", instance: of.instance }); });
    created.id = `instance-${of.instance}`;
    created.className = `cell ${of.mood}`;
    created.setAttribute("aria-label", of.spoken);
    created.title = of.spoken;
    if (of.instance === current) created.setAttribute("aria-current", "true");
    return created;
}

function instances(of: Inspected): HTMLElement {
    const current = of.chosen?.name;
    const omitted = of.omitted === 0 ? undefined : element("p", { class: "note" }, `${of.omitted} more instances are not shown.`);
    if (of.grid === null) {
        const list = element("ul", { class: "list" });
        for (const one of of.list) list.append(element("li", {}, cell(one, current), element("span", {}, ` ${one.instance}`)));
        return element("div", {}, scrolling("Instances", list), omitted);
    }
    const { rowName, columnName, columns, rows } = of.grid;
    const head = element("tr", {}, element("th", { scope: "col" }, columnName === "" ? rowName : `${rowName} \\ ${columnName}`), ...columns.map((name) => element("th", { scope: "col" }, name === "" ? "stands" : name)));
    const body = element("tbody");
    for (const row of rows) body.append(element("tr", {}, element("th", { scope: "row" }, row.name), ...row.cells.map((one) => element("td", {}, one === null ? "" : cell(one, current)))));
    return element("div", {}, scrolling("Instances", element("table", { class: "grid" }, element("thead", {}, head), body)), omitted);
}

function chosen({ chosen: of }: Inspected): HTMLElement {
    if (of === null) return element("p", { class: "note" }, "It has no instances.");
    const { name } = of;
    const list = element("dl");
    for (const [term, text] of of.facts) list.append(element("dt", {}, term), element("dd", {}, text));
    const act = of.active ? button("Cancel", () => { extension.postMessage({ type: "cancel", instance: name }); }) : button("Verify", () => { extension.postMessage({ type: "verify", instance: name }); });
    act.id = "act";
    const look = button("Show counterexample", () => { extension.postMessage({ type: "counterexample", instance: name }); }, !of.counterexample);
    look.id = "look";
    return element("section", { "aria-label": "The chosen instance" }, element("h2", {}, element("code", {}, name)), list, element("p", { class: "tools" }, act, look));
}
