/**
 * What the server says and is asked beside standard LSP; `docs/protocol.md` is the reference.
 *
 * Only types and the name of things: no behaviour.
 */

/** The version of the notification that this extension understands. */
export const VERSION = 2;

export const STATUS = "qnn/verificationStatus";

export const VERDICTS = "qnn/verdicts";

export const EXPLAIN = "qnn/explain";

export type State =
    | "running"
    | "queued"
    | "error"
    | "violated"
    | "vacuous"
    | "timeout"
    | "unknown"
    | "stale"
    | "unverified"
    | "proved";

/** How something stands in one word, decided by the server from all its verdicts: every sign on the screen follows it. */
export type Mood = "running" | "error" | "failed" | "undecided" | "stale" | "none" | "passed";

/** Instances by state; `cancelled` are some of those that are `unknown`. */
export type Counts = Record<State | "cancelled" | "unexpected", number>;

export interface Position {
    line: number;
    character: number;
}

export interface Range {
    start: Position;
    end: Position;
}

export interface Status {
    version: number;
    uri: string;
    documentVersion: number | null;
    sequence: number;
    complete: boolean;
    active: boolean;
    mood: Mood;
    counts: Counts;
    properties: Property[];
}

export interface Property {
    name: string;
    kind: "property" | "maximize" | "minimize" | "largest";
    range: Range;
    itemRange: Range;
    state: State;
    mood: Mood;
    family: boolean;
    expected: string;
    counts: Counts;
    time: number;
    detail: string;
    instances: Instance[];
}

export interface Instance {
    name: string;
    parameters: { name: string; text: string }[];
    state: State;
    mood: Mood;
    verdict: State | null;
    expected: string;
    asExpected: boolean | null;
    cancelled: boolean;
    run: number | null;
    detail: string;
    engine: string | null;
    trust: { kind: string; text: string } | null;
    time: number;
    budget: number;
    cached: boolean;
    key: string | null;
    progress: Progress | null;
    measure: Measure | null;
    hasCounterexample: boolean;
    counterexample: Counterexample | null;
}

/** How far a running instance is: seconds (`remaining` is null where there is no end), a share from 0 to 1, and what is known of a measure. */
export interface Progress {
    elapsed: number;
    remaining: number | null;
    share: number | null;
    found: Quantity | null;
    bound: Quantity | null;
    text: string | null;
}

export interface Measure {
    /** `= 1.25`, `0.55 … 0.58`. */
    text: string;
    found: Quantity | null;
    bound: Quantity | null;
    complete: boolean;
}

export interface Quantity {
    exact: string;
    text: string;
    value: number;
}

/** A raw integer: a string of digits where a number would lose some. */
export type Integer = number | string;

export interface Numbers {
    raw: Integer[];
    values: string[];
}

export interface Layout {
    shape: number[];
    labels: (string[] | null)[];
    format: string | null;
    limits: [Integer, Integer] | null;
}

export interface Variable extends Layout, Numbers {
    name: string;
    center: (Numbers & { difference: Integer[] }) | null;
}

export interface Output extends Numbers {
    argmax: number | null;
    /** The indices of all greatest values; empty unless there are two or more. */
    ties: number[];
}

export interface Call extends Layout {
    text: string;
    network: string;
    output: Output;
    center: Output | null;
    asksArgmax: boolean;
    /** The class that the property compares the argmax with, or, if `excluded`, wants it not to be. */
    label: { index: number; text: string; excluded: boolean } | null;
    /** Whether the centre's class already is not what the property wants of it. */
    wrongBefore: boolean;
}

export interface Counterexample {
    summary: string;
    variables: Variable[];
    calls: Call[];
}

/** The result of `qnn.showCounterexample`. */
export interface Shown {
    instance: string;
    counterexample: Counterexample;
    text: string;
}

/** The result of `qnn.report`. */
export interface Reported {
    /** A file of HTML. */
    uri: string;
    instances: number;
}

/** The result of `qnn/verdicts`: how all specs of the workspace stand. */
export interface Verdicts {
    complete: boolean;
    specs: Status[];
}

/** The page on an error's code. */
export interface Explained {
    code: string;
    title: string;
    /** Markdown. */
    text: string;
}

/** The argument of `qnn.verify`, `qnn.verifyAll`, `qnn.verifyFailed` and `qnn.cancel`. */
export interface Selection {
    uri?: string;
    property?: string;
    instances?: string[];
    budget?: number;
    force?: boolean;
}
