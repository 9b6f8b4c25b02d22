/** Text and icons for states, for status bar, gutter, Test Explorer and the counterexample view. Pure: times and numbers come as text from the server. */

import type { Counts, InstanceStatus, Mood, Progress, State } from "./protocol.generated";

/** States that an instance leaves only for another run or another text. */
export function isFinal(state: State): boolean {
    return !isActive(state) && state !== "stale" && state !== "unverified";
}

/** States that an engine, or the queue for one, is responsible for. */
export function isActive(state: State): boolean {
    return state === "running" || state === "queued";
}

const WORDS: Record<State, string> = {
    running: "running",
    queued: "queued",
    error: "error",
    violated: "violated",
    found: "found",
    none: "none",
    vacuous: "vacuous",
    timeout: "timed out",
    unknown: "unknown",
    stale: "stale",
    unverified: "not verified",
    proved: "proved",
};

/** In the order in which they are told: what is good first. */
const ORDER: State[] = [
    "proved", "violated", "found", "none", "vacuous", "timeout", "unknown", "error", "running", "queued", "stale", "unverified",
];

export function word(state: State): string {
    return WORDS[state];
}

/** `3 proved, 1 violated, 2 cancelled`. */
export function inWords(counts: Counts): string {
    const parts: string[] = [];
    const tell = (count: number, what: string): void => {
        if (count > 0) parts.push(`${count} ${what}`);
    };
    for (const state of ORDER) {
        const plural = state === "error" && counts.error > 1 ? "s" : "";
        tell(state === "unknown" ? counts.unknown - counts.cancelled : counts[state], WORDS[state] + plural);
        if (state === "unknown") tell(counts.cancelled, "cancelled");
    }
    return parts.length > 0 ? parts.join(", ") : "no properties";
}

/** An instance's state in words: what was cancelled is not said to be beyond the engines. */
export function stateInWords(instance: InstanceStatus): string {
    if (instance.state === "unknown" && instance.cancelled) return "cancelled";
    const expected = instance.asExpected === true && instance.expected !== "proved" && instance.expected !== "decided" ? ", as expected" : "";
    return WORDS[instance.state] + expected;
}

export function total(counts: Counts): number {
    return ORDER.reduce((sum, state) => sum + counts[state], 0);
}

/** The instances whose verdict is decided and the expected one. */
export function asExpected(counts: Counts): number {
    return counts.proved + counts.violated + counts.found + counts.none + counts.vacuous - counts.unexpected;
}

/** How a spec stands, with the number of the compiler's errors. */
export interface Standing {
    mood: Mood;
    counts: Counts;
    errors: number;
    /** Of what is running, what has run the longest. */
    longest?: InstanceStatus | undefined;
}

/** Of instances, the running one that has run the longest. */
export function longestRunning(instances: InstanceStatus[]): InstanceStatus | undefined {
    const elapsed = (instance: InstanceStatus): number => instance.progress?.elapsed ?? 0;
    return instances.filter(({ state }) => state === "running").sort((a, b) => elapsed(b) - elapsed(a))[0];
}

/** The status bar's text, with the icons of VS Code's font. Only the mood `passed` looks like success. */
export function statusText({ mood, counts, errors, longest }: Standing): string {
    const all = total(counts);
    const good = `${asExpected(counts)}/${all}`;
    const wrong = counts.unexpected + counts.error;
    const bad = wrong > 0 ? ` $(error) ${wrong}` : "";
    switch (mood) {
        case "running":
            return `$(sync~spin) qnn ${all - counts.running - counts.queued}/${all}${bad}${soFar(longest)}`;
        case "error":
            return errors > 0 || counts.error === 0 ? `$(error) qnn ${inErrors(Math.max(1, errors))}` : `$(error) qnn ${wrong} of ${all}`;
        case "failed":
            return `$(error) qnn ${counts.unexpected} of ${all}`;
        case "undecided":
            return `$(question) qnn ${good}`;
        case "stale":
            return `$(history) qnn ${good}`;
        case "none":
            return all === 0 ? "qnn" : `$(circle-outline) qnn ${good}`;
        case "passed":
            return `$(pass) qnn ${all}`;
    }
}

/** What is known of a long run: ` · 0.55 … 0.58, 34 %, 12 s`. */
function soFar(longest: InstanceStatus | undefined): string {
    const now = longest?.progress;
    return now === undefined || now === null || now.elapsed < 1 ? "" : ` · ${[...known(now), now.elapsedText].join(", ")}`;
}

/** What the status bar's text means, for tooltips and screen readers. */
export function statusSpoken({ counts, errors }: Standing): string {
    const parts = [inWords(counts)];
    if (counts.unexpected > 0) parts.push(`${counts.unexpected} not as expected`);
    if (errors > 0) parts.push(`the spec has ${inErrors(errors)}`);
    return parts.join("; ");
}

function inErrors(errors: number): string {
    return errors === 1 ? "1 error" : `${errors} errors`;
}

/** Which engine decided an instance, on what, in what time: one line. */
export function provenance(instance: InstanceStatus): string {
    const parts: string[] = [];
    if (instance.engine !== null) parts.push(`by ${instance.engine}`);
    if ((instance.verdict === "proved" || instance.verdict === "none") && instance.trust !== null) parts.push(`on ${instance.trust.text}`);
    if (instance.engine !== null) parts.push(`in ${instance.timeText}`);
    if (instance.cached) parts.push("remembered");
    return parts.join(", ");
}

/** What is known of a measure's answer, `= 1.25` or `0.55 … 0.58`; nothing if nothing is known, or it is none. */
export function answer(instance: InstanceStatus): string | undefined {
    const measure = instance.measure;
    if (measure === null) return undefined;
    return measure.text === "" ? undefined : measure.text;
}

/** How far a running instance is: `0.55 … 0.58, 34 %, for 12 s, at most 48 s left`. */
export function progress(instance: InstanceStatus): string | undefined {
    const now = instance.progress;
    if (instance.state !== "running" || now === null) return undefined;
    const left = now.remainingText === null ? [] : [`at most ${now.remainingText} left`];
    return [...known(now), `for ${now.elapsedText}`, ...left].join(", ");
}

function known({ text }: Progress): string[] {
    return text === null || text === "" ? [] : [text];
}

/** What stands beside an instance's name in the Test Explorer. */
export function standing(instance: InstanceStatus): string {
    const parts = [answer(instance), instance.state === "proved" && instance.measure !== null ? undefined : stateInWords(instance), progress(instance)];
    return parts.filter((part) => part !== undefined).join(", ");
}
