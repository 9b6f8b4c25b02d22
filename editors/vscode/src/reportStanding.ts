/**
 * Whether a report that is shown still tells what is known. Pure.
 *
 * In: the spec as it stands, and the fingerprint of what the report was made of. Out: what is to be said above the report, and whether it is to be
 * made anew. Invariant: with another fingerprint than the report's, something is said.
 */

import type { Mood } from "./protocol.generated";
import type { Spec } from "./store";
import { word } from "./stateText";

export interface Outdated {
    /** Shown above the report. */
    notice: string;
    /** Whether all verdicts are there that another report would be made of. */
    settled: boolean;
}

/** What a report of a spec, or of one of its properties, is made of: its instances and their verdicts. */
export function fingerprint(spec: Spec | undefined, property: string | undefined): string {
    const reported = (spec?.properties ?? []).filter(({ name }) => property === undefined || name === property);
    const verdicts = reported.flatMap(({ instances }) =>
        instances.map((i) => [i.name, word(i.state), i.key, i.expected, i.measure?.found?.exact, i.measure?.bound?.exact]));
    return JSON.stringify(verdicts);
}

/** What is to be said of a report with a fingerprint; `undefined` if it is of what is known. */
export function outdated(made: string, spec: Spec | undefined, property: string | undefined): Outdated | undefined {
    if (spec === undefined) return { notice: "The spec is closed, or the server is gone: this report is of earlier verdicts.", settled: false };
    if (made === fingerprint(spec, property)) return undefined;
    const mood = property === undefined ? spec.mood : spec.properties.find(({ name }) => name === property)?.mood;
    if (mood === undefined) return { notice: `This report is of an earlier text of the spec, which has no ${String(property)} any more.`, settled: false };
    const now: Partial<Record<Mood, string>> = {
        running: "It is being verified again.",
        error: "The spec has errors now.",
        stale: "Verify it again, and the report follows.",
        none: "It has not been verified since.",
    };
    const settled = now[mood] === undefined;
    return { notice: settled ? "There are other verdicts now." : `This report is of an earlier text of the spec. ${now[mood]}`, settled };
}
