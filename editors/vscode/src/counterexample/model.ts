/**
 * The counterexample view's model: what is drawn, said and tabulated, without any of how.
 *
 * In: a counterexample as the server tells it. Out: sections of pictures, tables and bars in plain data, which travel to the webview
 * as JSON. Invariant: every number that is drawn is also there as text.
 */

import type { CallStatus, CounterexampleStatus, InstanceStatus, Integer, PictureSize, PropertyStatus, VariableStatus } from "../protocol.generated";
import { isFinal, provenance } from "../stateText";

/** How numbers are laid out and stored. */
type Layout = Pick<VariableStatus, "shape" | "labels" | "format" | "limits">;

/** Stored numbers. */
type Numbers = Pick<VariableStatus, "raw" | "values">;

export interface View {
    instance: string;
    /** The instances of the spec that have something to show. */
    others: string[];
    summary: string;
    /** What the view is of: a counterexample, or the witness of a measure. */
    kind: "counterexample" | "witness";
    /** Shown above everything, if what follows is not of the present text. */
    warning: string | undefined;
    provenance: string;
    sections: Section[];
}

export type Section = PictureSection | TableSection | BarSection;

/** A variable that the server has shown as a picture. */
export interface PictureSection {
    kind: "pictures";
    title: string;
    note: string;
    height: number;
    width: number;
    pictures: Picture[];
    /** One for each pixel, row by row: what is said of it. */
    cells: Cell[];
}

export interface Picture {
    caption: string;
    description: string;
    /** Red, green, blue for each pixel, 0 to 255. */
    pixels: number[];
}

export interface Cell {
    /** `8 (raw 64) → 8.125 (raw 65), +1 lsb` */
    text: string;
    /** The raw integers, of the colours one after another. */
    raw: string;
    changed: boolean;
}

export interface TableSection {
    kind: "table";
    title: string;
    note: string;
    head: string[];
    rows: { cells: string[]; changed: boolean }[];
    /** Rows beyond the limit, which are left out. */
    omitted: number;
}

/** Outputs of networks side by side: of one call before and after, or of several calls of one kind. */
export interface BarSection {
    kind: "bars";
    title: string;
    note: string;
    /** The captions of the bars of each row. */
    series: string[];
    /** Where zero is, from 0 (left) to 1. */
    zero: number;
    rows: { label: string; bars: Bar[] }[];
    omitted: number;
}

export interface Bar {
    value: string;
    raw: string;
    /** Where the bar begins and ends, from 0 to 1. */
    from: number;
    to: number;
    greatest: boolean;
}

/** Rows of a table at most: a reader looks at no more. */
export const MOST_ROWS = 1024;
/** Bars at most. */
export const MOST_BARS = 256;

/** The view of an instance's counterexample. */
export function view(
    property: PropertyStatus,
    instance: InstanceStatus,
    counterexample: CounterexampleStatus,
    others: string[],
): View {
    const kind = property.kind === "property" ? "counterexample" : "witness";
    return {
        instance: instance.name,
        others,
        summary: counterexample.summary,
        kind,
        warning: warning(instance),
        provenance: provenance(instance),
        sections: [...variables(counterexample.variables), ...groups(counterexample.calls).map(bars)],
    };
}

/** What must be said of an instance whose counterexample is not of the present text. */
export function warning(instance: InstanceStatus): string | undefined {
    if (isFinal(instance.state)) return undefined;
    const now: Partial<Record<InstanceStatus["state"], string>> = {
        running: "It is being verified again.",
        queued: "It waits to be verified again.",
        stale: "Verify it again to see whether it still is one.",
    };
    return `This is of an earlier text of the spec. ${now[instance.state] ?? "It has not been verified since."}`;
}

function variables(all: VariableStatus[]): Section[] {
    const sections: Section[] = [];
    let group: VariableStatus[] = [];
    const flush = (): void => {
        if (group.length > 0) sections.push(table(group));
        group = [];
    };
    for (const variable of all) {
        const like = group[0];
        if (variable.picture !== null) {
            flush();
            sections.push(pictures(variable, variable.picture));
        } else if (like !== undefined && comparable(like, variable)) {
            group.push(variable);
        } else {
            flush();
            group = [variable];
        }
    }
    flush();
    return sections;
}

/** Whether two variables share a table, a column each. */
function comparable(a: VariableStatus, b: VariableStatus): boolean {
    return a.center === null && b.center === null && JSON.stringify([a.shape, a.labels]) === JSON.stringify([b.shape, b.labels]);
}

/** `Format, raw integers 0 to 255`. */
function formatNote(layout: Layout): string {
    const range = layout.limits === null ? "" : `, raw integers ${layout.limits[0]} to ${layout.limits[1]}`;
    return layout.format === null ? "exact numbers" : `${layout.format}${range}`;
}

function changes(difference: Integer[]): string {
    const changed = difference.filter(isNonzero).length;
    const most = greatest(difference);
    if (changed === 0) return "nothing differs";
    return `${changed} of ${difference.length} differ${changed === 1 ? "s" : ""}, by at most ${most} lsb`;
}

/** The greatest of integers without their signs, exactly. */
function greatest(integers: Integer[]): bigint {
    return integers.map((n) => (isNegative(n) ? -BigInt(n) : BigInt(n))).reduce((most, n) => (n > most ? n : most), 0n);
}

function isNonzero(n: Integer): boolean {
    return Number(n) !== 0;
}

function isNegative(n: Integer): boolean {
    return Number(n) < 0;
}

/** `+3`, `−3`, `0`. */
export function signed(n: Integer): string {
    return isNegative(n) ? `−${-BigInt(n)}` : isNonzero(n) ? `+${n}` : "0";
}

/** The float nearest to a number's text: `0.5`, `1/3`, `≈0.142012`. */
function float(text: string): number {
    const [numerator = "", denominator] = text.replace("≈", "").split("/");
    return denominator === undefined ? Number(numerator) : Number(numerator) / Number(denominator);
}

function pictures(variable: VariableStatus, size: PictureSize): PictureSection {
    const { height, width, channels } = size;
    const center = variable.center;
    const values = variable.values.map(float);
    const before = center?.values.map(float);
    const shown = [...values, ...(before ?? [])];
    const low = shown.reduce((least, v) => Math.min(least, v), Infinity);
    const high = shown.reduce((most, v) => Math.max(most, v), -Infinity);
    const grey = (v: number | undefined): number =>
        v === undefined || !(high > low) ? 0 : Math.round((255 * (v - low)) / (high - low));
    const area = height * width;
    const image = (numbers: number[]): number[] => {
        const pixels: number[] = [];
        for (let i = 0; i < area; i++) {
            for (let c = 0; c < 3; c++) pixels.push(grey(numbers[(channels === 3 ? c : 0) * area + i]));
        }
        return pixels;
    };
    const list: Picture[] = [];
    let note = formatNote(variable);
    if (center !== null && before !== undefined) {
        const difference = center.difference;
        const most = greatest(difference);
        note += `; ${changes(difference)}`;
        const pixels: number[] = [];
        for (let i = 0; i < area; i++) pixels.push(...change(strongest(difference, i, area, channels), Number(most)));
        list.push(
            { caption: "Original", description: `The original of ${variable.name}, ${height} by ${width} pixels`, pixels: image(before) },
            { caption: variable.name, description: `${variable.name}, ${height} by ${width} pixels`, pixels: image(values) },
            {
                caption: most === 0n ? "Difference" : `Difference, full colour = ${most} lsb`,
                description: `The difference, red where ${variable.name} is more, blue where it is less: ${changes(difference)}`,
                pixels,
            },
        );
    } else {
        list.push({ caption: variable.name, description: `${variable.name}, ${height} by ${width} pixels`, pixels: image(values) });
    }
    return {
        kind: "pictures",
        title: `Input ${variable.name}`,
        note,
        height,
        width,
        pictures: list,
        cells: cells(variable, size),
    };
}

/** Of a pixel's colours the difference that is the greatest. */
function strongest(difference: Integer[], pixel: number, area: number, channels: number): number {
    let found = 0;
    for (let c = 0; c < channels; c++) {
        const d = Number(difference[c * area + pixel] ?? 0);
        if (Math.abs(d) > Math.abs(found)) found = d;
    }
    return found;
}

/** White is no change, red is more, blue is less; the least change is still seen. The hovers' pictures use the same colours. */
export function change(difference: number, most: number): [number, number, number] {
    if (difference === 0 || most <= 0) return [245, 245, 245];
    const rest = Math.round(255 * 0.7 * (1 - Math.abs(difference) / most));
    return difference > 0 ? [214, rest, rest] : [rest, Math.max(rest, 60), 230];
}

const COLOURS = ["red", "green", "blue"];

function cells(variable: VariableStatus, size: PictureSize): Cell[] {
    const { height, width, channels } = size;
    const area = height * width;
    const all: Cell[] = [];
    for (let i = 0; i < area; i++) {
        const parts: string[] = [];
        const integers: string[] = [];
        let changed = false;
        for (let c = 0; c < channels; c++) {
            const at = c * area + i;
            const prefix = channels === 3 ? `${COLOURS[c]} ` : "";
            parts.push(prefix + sample(variable, at));
            integers.push(raw(variable, at));
            changed ||= isNonzero(variable.center?.difference[at] ?? 0);
        }
        all.push({ text: parts.join("; "), raw: integers.join(" "), changed });
    }
    return all;
}

/** `8 (raw 64) → 8.125 (raw 65), +1 lsb`. */
function sample(variable: VariableStatus, at: number): string {
    const after = number(variable, at);
    if (variable.center === null) return after;
    const difference = variable.center.difference[at] ?? 0;
    if (!isNonzero(difference)) return `${after}, unchanged`;
    return `${number(variable.center, at)} → ${after}, ${signed(difference)} lsb`;
}

function number(numbers: Numbers, at: number): string {
    const value = numbers.values[at] ?? "?";
    const raw = numbers.raw[at];
    return raw === undefined || String(raw) === value ? value : `${value} (raw ${raw})`;
}

/** The name of an entry: `gender`, `2`, `3, gender`; of a single number nothing. */
export function entry(layout: Layout, at: number): string {
    const names: string[] = [];
    let rest = at;
    for (let axis = layout.shape.length - 1; axis >= 0; axis--) {
        const size = layout.shape[axis] ?? 1;
        const index = rest % size;
        rest = Math.floor(rest / size);
        names.unshift(layout.labels[axis]?.[index] ?? String(index));
    }
    return names.join(", ");
}

function table(group: VariableStatus[]): TableSection {
    const first = group[0];
    if (first === undefined) return { kind: "table", title: "", note: "", head: [], rows: [], omitted: 0 };
    const names = group.map((variable) => variable.name);
    const title = `${group.length === 1 ? "Input" : "Inputs"} ${names.join(", ")}`;
    const formats = [...new Set(group.map(formatNote))].join("; ");
    const center = first.center;
    const size = first.raw.length;
    const single = first.shape.length === 0;
    const head = single ? [] : ["Entry"];
    let note = formats;
    if (center !== null) {
        head.push("Original", first.name, "Difference (lsb)", "Raw, original", `Raw, ${first.name}`);
        note += `; ${changes(center.difference)}`;
    } else {
        head.push(...names, ...names.map((name) => `Raw, ${name}`));
    }
    const rows: TableSection["rows"] = [];
    for (let i = 0; i < size; i++) {
        const row = single ? [] : [entry(first, i)];
        let changed: boolean;
        if (center !== null) {
            const difference = center.difference[i] ?? 0;
            changed = isNonzero(difference);
            row.push(center.values[i] ?? "", first.values[i] ?? "", signed(difference), raw(center, i), raw(first, i));
        } else {
            changed = group.some((variable) => variable.values[i] !== first.values[i]);
            row.push(...group.map((v) => v.values[i] ?? ""), ...group.map((v) => raw(v, i)));
        }
        rows.push({ cells: row, changed });
    }
    // What differs comes first where not everything can be shown.
    const kept = rows.length <= MOST_ROWS ? rows : [...rows.filter((r) => r.changed), ...rows.filter((r) => !r.changed)].slice(0, MOST_ROWS);
    return { kind: "table", title, note, head, rows: kept, omitted: rows.length - kept.length };
}

function raw(numbers: Numbers, at: number): string {
    return String(numbers.raw[at] ?? "");
}

/** Bars that a row has at most. */
const MOST_SERIES = 4;

/** Calls that are seen on one scale: those of one format and shape that are not compared with a centre's. */
function groups(calls: CallStatus[]): CallStatus[][] {
    const all: CallStatus[][] = [];
    for (const call of calls) {
        const kind = ({ shape, labels, format, center }: CallStatus): string => JSON.stringify([shape, labels, format, center === null]);
        const like = (group: CallStatus[]): boolean => group[0] !== undefined && kind(group[0]) === kind(call);
        const group = call.center === null ? all.find((candidate) => candidate.length < MOST_SERIES && like(candidate)) : undefined;
        if (group === undefined) all.push([call]);
        else group.push(call);
    }
    return all;
}

function bars(group: CallStatus[]): BarSection {
    const [call] = group;
    if (call === undefined) return { kind: "bars", title: "", note: "", series: [], zero: 0, rows: [], omitted: 0 };
    const series =
        call.center === null
            ? group.map((of) => ({ caption: group.length === 1 ? "Output" : of.text, asks: of.asksArgmax, output: of.output }))
            : [
                  { caption: "Original", asks: call.asksArgmax, output: call.center },
                  { caption: "Counterexample", asks: call.asksArgmax, output: call.output },
              ];
    const all = series.flatMap(({ output }) => output.values.map(float)).filter(Number.isFinite);
    const low = all.reduce((least, v) => Math.min(least, v), 0);
    const high = all.reduce((most, v) => Math.max(most, v), 0);
    const place = (v: number): number => (high > low && Number.isFinite(v) ? (v - low) / (high - low) : 0);
    const zero = place(0);
    const rows = call.output.values.slice(0, MOST_BARS).map((_, at) => ({
        label: entry(call, at) || "value",
        bars: series.map(({ output, asks }): Bar => {
            const value = output.values[at] ?? "";
            const end = place(float(value));
            return { value, raw: raw(output, at), from: Math.min(zero, end), to: Math.max(zero, end), greatest: asks && output.argmax === at };
        }),
    }));
    return {
        kind: "bars",
        title: group.length === 1 ? `Output ${call.text}` : `Outputs ${group.map((of) => of.text).join(", ")}`,
        note: [...group.flatMap((of) => winner(of, group.length > 1)), formatNote(call)].join("; "),
        series: series.map(({ caption }) => caption),
        zero,
        rows,
        omitted: call.output.values.length - rows.length,
    };
}

/** `argmax 4 → 1 (a tie of 1, 4), label 4, wrong before any change`, if the property asks for it: ties decide more verdicts than one would think. */
function winner(call: CallStatus, several: boolean): string[] {
    const is = call.output.argmax;
    if (!call.asksArgmax || is === null) return [];
    const now = `${entry(call, is)}${tie(call, call.output.ties)}`;
    const was = call.center?.argmax ?? null;
    const before = call.center === null || was === null ? "" : `${entry(call, was)}${tie(call, call.center.ties)}`;
    const change = before === "" || before === now ? now : `${before} → ${now}`;
    const wanted = call.label === null ? "" : `, ${call.label.excluded ? "any class but" : "label"} ${call.label.text}`;
    const wrong = call.wrongBefore ? ", wrong before any change" : "";
    return [`argmax ${several ? `of ${call.text} ` : ""}${change}${wanted}${wrong}`];
}

function tie(call: CallStatus, ties: number[]): string {
    return ties.length > 0 ? ` (a tie of ${ties.map((at) => entry(call, at)).join(", ")})` : "";
}
