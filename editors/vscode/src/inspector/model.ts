/**
 * What the view of the property at the cursor shows. Pure.
 *
 * In: a property as the server tells it, the instance that is looked at. Out: a grid or a list of its instances, and what is known of the one. Nothing is derived from verdicts that the
 * server did not say.
 */

import type { InstanceStatus, Mood, NetworkView, PropertyStatus } from "../protocol.generated";
import { answer, inWords, progress, provenance, stateInWords } from "../stateText";

/** The instances that are shown, the first ones. */
const MOST = 400;
/** The layers that are told of where nothing is decided. */
const MOST_LAYERS = 5;

export interface Cell {
    instance: string;
    /** What is read out. */
    spoken: string;
    /** A short text: a measure's answer, or a sign. */
    text: string;
    mood: Mood;
}

export interface Inspected {
    uri: string;
    property: string;
    detail: string;
    counts: string;
    mood: Mood;
    /** A family of two parameters, or of one: its values along rows and columns. */
    grid: { rowName: string; columnName: string; columns: string[]; rows: { name: string; cells: (Cell | null)[] }[] } | null;
    list: Cell[];
    omitted: number;
    /** The instance that is looked at. */
    chosen: { name: string; facts: [string, string][]; counterexample: boolean; active: boolean } | null;
}

const SIGNS: Record<Mood, string> = { running: "…", error: "!", failed: "✗", undecided: "?", stale: "⟳", none: "○", passed: "✓" };

export function cell(instance: InstanceStatus): Cell {
    const value = answer(instance);
    const spoken = [instance.name, stateInWords(instance), value, progress(instance)].filter((part) => part !== undefined).join(", ");
    const current = instance.mood !== "stale";
    return { instance: instance.name, spoken, text: value !== undefined && current ? value : SIGNS[instance.mood], mood: instance.mood };
}

/** Of a property's instances the one that is worth looking at first: what is wrong, what runs, what is undecided. */
export function first(instances: InstanceStatus[]): InstanceStatus | undefined {
    const order: Mood[] = ["error", "failed", "running", "undecided", "stale"];
    for (const mood of order) {
        const found = instances.find((instance) => instance.mood === mood);
        if (found !== undefined) return found;
    }
    return instances[0];
}

export function inspected(uri: string, property: PropertyStatus, chosen: string | undefined, network: NetworkView | undefined): Inspected {
    const shown = property.instances.slice(0, MOST);
    const at = property.instances.find(({ name }) => name === chosen) ?? first(property.instances);
    return {
        uri,
        property: property.name,
        detail: property.detail,
        counts: inWords(property.counts),
        mood: property.mood,
        grid: grid(shown),
        list: shown.map(cell),
        omitted: property.instances.length - shown.length,
        chosen: at === undefined ? null : { name: at.name, facts: facts(at, network), counterexample: at.hasCounterexample, active: at.state === "running" || at.state === "queued" },
    };
}

/** The grid of a family with two parameters; of one with one parameter a grid of one row. */
function grid(instances: InstanceStatus[]): Inspected["grid"] {
    const names = instances[0]?.parameters.map(({ name }) => name) ?? [];
    if (instances.length < 2 || names.length === 0 || names.length > 2) return null;
    const value = (instance: InstanceStatus, index: number): string => instance.parameters[index]?.text ?? "";
    const distinct = (index: number): string[] => [...new Set(instances.map((instance) => value(instance, index)))];
    const two = names.length === 2;
    // The parameter with fewer values stands in the columns.
    const [row, column] = two && distinct(0).length < distinct(1).length ? [1, 0] : [0, 1];
    const columns = two ? distinct(column) : [""];
    const by = new Map(instances.map((instance) => [JSON.stringify([value(instance, row), two ? value(instance, column) : ""]), instance]));
    return {
        rowName: names[row] ?? "",
        columnName: two ? (names[column] ?? "") : "",
        columns,
        rows: distinct(row).map((name) => ({
            name,
            cells: columns.map((other) => {
                const found = by.get(JSON.stringify([name, other]));
                return found === undefined ? null : cell(found);
            }),
        })),
    };
}

/** What is known of an instance, in the order in which one asks. */
function facts(instance: InstanceStatus, network: NetworkView | undefined): [string, string][] {
    const all: [string, string | undefined][] = [
        ["Stands", stateInWords(instance)],
        ["Answer", answer(instance)],
        ["So far", progress(instance)],
        ["Why", instance.detail],
        ["Decided", provenance(instance)],
        ["Rests on", instance.trust?.text],
        ["Budget", instance.mood === "undecided" ? `${instance.budget} s; “Retry” above the property gives it more` : undefined],
        ["Splits", instance.mood === "undecided" || instance.mood === "running" ? splits(instance, network) : undefined],
        ["Key", instance.key === null ? undefined : instance.key.slice(0, 12)],
    ];
    return all.filter((fact): fact is [string, string] => fact[1] !== undefined && fact[1] !== "");
}

/** The layers whose neurons engines have to split on, those with most before the others. */
function splits(instance: InstanceStatus, network: NetworkView | undefined): string | undefined {
    if (network?.instance !== instance.name) return undefined;
    const layers = network.layers.flatMap(({ name, operation, within }) => {
        const neurons = within?.neurons;
        const unstable = neurons === undefined || neurons === null ? 0 : neurons.all - neurons.stable;
        return unstable === 0 || neurons === undefined || neurons === null ? [] : [{ text: `${name === "" ? operation : name}: ${unstable} of ${neurons.all}`, unstable }];
    });
    if (layers.length === 0) return "no neuron of its networks is unstable for these inputs";
    layers.sort((a, b) => b.unstable - a.unstable);
    const more = layers.length > MOST_LAYERS ? `, and ${layers.length - MOST_LAYERS} more layers` : "";
    return `unstable neurons, on which engines split: ${layers.slice(0, MOST_LAYERS).map(({ text }) => text).join(", ")}${more}`;
}
