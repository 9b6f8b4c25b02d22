/** Statuses for tests, written out where it matters. */

import { type Counts, type CounterexampleStatus, type InstanceStatus, type Mood, type PropertyStatus, type State, type Status, type Verdict, VERSION } from "../src/protocol.generated";

export function counts(some: Partial<Counts> = {}): Counts {
    const none = { running: 0, queued: 0, error: 0, violated: 0, found: 0, none: 0, vacuous: 0, timeout: 0, unknown: 0, stale: 0, unverified: 0, proved: 0, cancelled: 0, unexpected: 0 };
    return { ...none, ...some };
}

/** The moods, the most urgent first, as docs/protocol.md has them. */
export const MOODS: Mood[] = ["running", "error", "failed", "undecided", "stale", "none", "passed"];

export function moodOf(state: State, asExpected: boolean | null): Mood {
    const others: Partial<Record<State, Mood>> = {
        running: "running", queued: "running", error: "error", timeout: "undecided", unknown: "undecided", stale: "stale", unverified: "none",
    };
    return others[state] ?? (asExpected === true ? "passed" : "failed");
}

export function moodOfAll(moods: Mood[]): Mood {
    return MOODS.find((mood) => moods.includes(mood)) ?? "none";
}

/** The counts of instances. */
export function counted(instances: InstanceStatus[]): Counts {
    const all = counts();
    for (const { state, cancelled, mood } of instances) {
        all[state]++;
        if (state === "unknown" && cancelled) all.cancelled++;
        if (mood === "failed") all.unexpected++;
    }
    return all;
}

export function instance(name: string, state: State, more: Partial<InstanceStatus> = {}): InstanceStatus {
    const final = !["running", "queued", "stale", "unverified"].includes(state);
    return {
        name,
        parameters: [],
        state,
        mood: moodOf(state, more.asExpected ?? (final ? state === "proved" : null)),
        verdict: final ? (state as Verdict) : null,
        expected: "proved",
        asExpected: final ? state === "proved" : null,
        cancelled: false,
        run: final ? 1 : null,
        detail: "A sentence.",
        engine: final ? "search" : null,
        trust: null,
        time: final ? 0.25 : 0,
        timeText: final ? "250 ms" : "0 ms",
        budget: 10,
        cached: false,
        key: null,
        progress: null,
        measure: null,
        hasCounterexample: false,
        counterexample: null,
        ...more,
    };
}

export function property(name: string, instances: InstanceStatus[], more: Partial<PropertyStatus> = {}): PropertyStatus {
    const at = (line: number): PropertyStatus["range"] => ({ start: { line, character: 0 }, end: { line, character: 5 } });
    return {
        name,
        kind: "property",
        range: at(1),
        itemRange: at(1),
        state: instances[0]?.state ?? "unverified",
        mood: moodOfAll(instances.map(({ mood }) => mood)),
        family: instances.length !== 1,
        expected: "proved",
        counts: counted(instances),
        time: 0,
        detail: "",
        instances,
        ...more,
    };
}

let sequence = 0;

export function status(properties: PropertyStatus[], more: Partial<Status> = {}): Status {
    const all = properties.flatMap((p) => p.instances);
    const active = all.some((i) => i.state === "running" || i.state === "queued");
    const mood = moodOfAll(properties.map((p) => p.mood));
    const documentVersion = 1;
    return {
        version: VERSION, uri: "file:///a.qnn", documentVersion, sequence: ++sequence, complete: true, active, mood, counts: counted(all), properties, ...more,
    };
}

export const IMAGE: CounterexampleStatus = {
    summary: "x differs from its centre in 1 of 4 numbers; digits<4>(x): 8 → 3",
    variables: [
        {
            name: "x",
            shape: [2, 2],
            labels: [null, null],
            format: "ufixed<8, 3>",
            limits: [0, 255],
            raw: [0, 8, 16, 128],
            values: ["0", "1", "2", "16"],
            center: { raw: [0, 8, 16, 127], values: ["0", "1", "2", "15.875"], difference: [0, 0, 0, 1] },
            picture: { height: 2, width: 2, channels: 1 },
        },
    ],
    calls: [
        {
            text: "digits<4>(x)",
            network: "digits<4>",
            shape: [2],
            labels: [["three", "eight"]],
            format: "fixed<4, 1>",
            limits: [-8, 7],
            output: { raw: [7, -5], values: ["3.5", "-2.5"], argmax: 0, ties: [] },
            center: { raw: [5, 7], values: ["2.5", "3.5"], argmax: 1, ties: [] },
            asksArgmax: true,
            label: { index: 1, text: "eight", excluded: false },
            wrongBefore: false,
        },
    ],
};
