/**
 * The moods of what a server tells that does not tell them itself. Pure.
 *
 * In: a spec as it stands. Out: the same with the mood of each instance and property, and of all, as docs/protocol.md defines them.
 */

import type { Instance, Mood, Property } from "./protocol";
import type { Spec } from "./store";

/** The most urgent first. */
const MOODS: Mood[] = ["running", "error", "failed", "undecided", "stale", "none", "passed"];

export function moodOf({ state, asExpected }: Pick<Instance, "state" | "asExpected">): Mood {
    switch (state) {
        case "running":
        case "queued":
            return "running";
        case "error":
            return "error";
        case "timeout":
        case "unknown":
            return "undecided";
        case "stale":
            return "stale";
        case "unverified":
            return "none";
        default:
            return asExpected === true ? "passed" : "failed";
    }
}

/** The mood of several: the most urgent one. */
export function moodOfAll(moods: Mood[]): Mood {
    return MOODS.find((mood) => moods.includes(mood)) ?? "none";
}

/** Fills in the moods of a spec. */
export function withMoods(spec: Spec): Spec {
    for (const property of spec.properties) {
        for (const instance of property.instances) instance.mood = moodOf(instance);
        property.mood = broken(property) ? "error" : moodOfAll(property.instances.map(({ mood }) => mood));
    }
    spec.mood = moodOfAll(spec.properties.map(({ mood }) => mood));
    return spec;
}

function broken({ state, instances }: Property): boolean {
    return state === "error" && instances.length === 0;
}
