/** States in words and signs, for status bar, gutter, Test Explorer and the counterexample view. Pure. */

import type { Counts, Instance, State } from "./protocol";

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
    vacuous: "vacuous",
    timeout: "timed out",
    unknown: "unknown",
    stale: "stale",
    unverified: "not verified",
    proved: "proved",
};

/** In the order in which they are told: what is good first. */
const ORDER: State[] = [
    "proved", "violated", "vacuous", "timeout", "unknown", "error", "running", "queued", "stale", "unverified",
];

export function word(state: State): string {
    return WORDS[state];
}

/** `3 proved, 1 violated`. */
export function inWords(counts: Counts): string {
    const counted = (state: State): string => `${counts[state]} ${WORDS[state]}${state === "error" && counts[state] > 1 ? "s" : ""}`;
    const parts = ORDER.filter((state) => counts[state] > 0).map(counted);
    return parts.length > 0 ? parts.join(", ") : "no properties";
}

export function total(counts: Counts): number {
    return ORDER.reduce((sum, state) => sum + counts[state], 0);
}

/** The instances whose final verdict is the expected one, or that need none: what the status bar counts as good. */
export function asExpected(counts: Counts): number {
    const final = ORDER.filter(isFinal).reduce((sum, state) => sum + counts[state], 0);
    return Math.max(0, final - counts.unexpected);
}

export type Mood = "none" | "busy" | "bad" | "open" | "good";

/**
 * What matters most about a spec with so many errors of the compiler. Only a spec without any, of which every instance is final and as expected,
 * is good.
 */
export function mood(counts: Counts, errors: number): Mood {
    if (total(counts) === 0 && errors === 0) return "none";
    if (counts.running + counts.queued > 0) return "busy";
    if (counts.unexpected > 0 || errors > 0) return "bad";
    if (counts.stale + counts.unverified > 0) return "open";
    return "good";
}

/** The status bar's text, with the icons of VS Code's font. */
export function statusText(counts: Counts, errors: number): string {
    const all = total(counts);
    const bad = counts.unexpected > 0 ? ` $(error) ${counts.unexpected}` : "";
    switch (mood(counts, errors)) {
        case "none":
            return "qnn";
        case "busy":
            return `$(sync~spin) qnn ${all - counts.running - counts.queued}/${all}${bad}`;
        case "bad":
            return errors > 0 ? `$(error) qnn ${inErrors(errors)}` : `$(error) qnn ${counts.unexpected} of ${all}`;
        case "open":
            return `$(history) qnn ${asExpected(counts)}/${all}`;
        case "good":
            return `$(pass) qnn ${all}`;
    }
}

/** What the status bar's text means, for tooltips and screen readers. */
export function statusSpoken(counts: Counts, errors: number): string {
    const parts = [inWords(counts)];
    if (counts.unexpected > 0) parts.push(`${counts.unexpected} not as expected`);
    if (errors > 0) parts.push(`the spec has ${inErrors(errors)}`);
    return parts.join("; ");
}

function inErrors(errors: number): string {
    return errors === 1 ? "1 error" : `${errors} errors`;
}

/** `0.25 s`, `12 ms`, `2 min 5 s`. */
export function seconds(time: number): string {
    if (!(time > 0)) return "0 s";
    if (time < 0.0095) return `${Math.max(1, Math.round(time * 1000))} ms`;
    if (time < 9.95) return `${Number(time.toPrecision(2))} s`;
    if (time < 59.5) return `${Math.round(time)} s`;
    const whole = Math.round(time);
    const rest = whole % 60;
    return rest === 0 ? `${Math.floor(whole / 60)} min` : `${Math.floor(whole / 60)} min ${rest} s`;
}

/** Who decided an instance, on what, in what time: one line. */
export function provenance(instance: Instance): string {
    const parts: string[] = [];
    if (instance.engine !== null) parts.push(`by ${instance.engine}`);
    if (instance.verdict === "proved" && instance.trust !== null) parts.push(`on ${instance.trust.text}`);
    if (instance.engine !== null) parts.push(`in ${seconds(instance.time)}`);
    if (instance.cached) parts.push("remembered");
    return parts.join(", ");
}

/** What a measure's answer is: `1.25`, `between 1 and 1.5`, `at least 1`. Nothing if nothing is known. */
export function answer(instance: Instance): string | undefined {
    const measure = instance.measure;
    if (measure === null) return undefined;
    const { found, bound } = measure;
    if (found !== null && (measure.complete || found.exact === bound?.exact)) return found.text;
    if (found !== null && bound !== null) {
        const [low, high] = found.value <= bound.value ? [found, bound] : [bound, found];
        return `between ${low.text} and ${high.text}`;
    }
    if (found !== null) return `${found.text} is attained`;
    return bound !== null ? `not beyond ${bound.text}` : undefined;
}
