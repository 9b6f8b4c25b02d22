/**
 * When a run of the Test Explorer is over. Pure.
 *
 * In: the instances of a request, the server's answer, and its notifications. Out: for each instance exactly one outcome.
 * Invariant: once the server says that nothing is active in the spec after the runs began, nothing is left waiting; nor is it when the spec goes.
 */

import type { InstanceStatus } from "./protocol.generated";
import type { Change, Spec } from "./store";
import { isActive, isFinal } from "./stateText";

/** What the Test Explorer is told of an instance. */
export type Outcome = "enqueued" | "started" | "passed" | "failed" | "errored" | "skipped";

/**
 * By the mood alone. What is undecided, for it timed out or was cancelled, is an error: whatever is skipped counts for nothing in the explorer's
 * parents, which would look like success.
 */
export function outcome(instance: InstanceStatus): Outcome {
    switch (instance.mood) {
        case "running":
            return instance.state === "queued" ? "enqueued" : "started";
        case "passed":
            return "passed";
        case "failed":
            return "failed";
        case "error":
        case "undecided":
            return "errored";
        case "stale":
        case "none":
            return "skipped";
    }
}

/** The instances of one spec that one request of the Test Explorer waits for. */
export class Waiting {
    private readonly names: Map<string, number | null>;
    private runs: number[] | undefined;
    private begun = false;
    private early: Spec[] = [];

    /** `asked`: instances with the run that their state was of before. */
    constructor(
        readonly uri: string,
        asked: InstanceStatus[],
        private readonly tell: (instance: InstanceStatus | string, outcome: Outcome) => void,
    ) {
        this.names = new Map(asked.map((instance) => [instance.name, instance.run]));
    }

    get done(): boolean {
        return this.names.size === 0;
    }

    has(name: string): boolean {
        return this.names.has(name);
    }

    /** The server's answer to the request; `undefined` if it refused. */
    answered(runs: number[] | undefined, spec: Spec | undefined): void {
        if (runs === undefined || runs.length === 0) {
            this.settle(spec);
            return;
        }
        this.runs = runs;
        const early = this.early;
        this.early = [];
        for (const spec of early) this.look(spec, runs);
    }

    /** A notification of the server. */
    changed(change: Change): void {
        if (change.uri !== this.uri) return;
        if (change.spec === undefined) {
            this.settle(undefined);
            return;
        }
        for (const { instance } of change.instances) {
            const before = this.names.get(instance.name);
            if (before === undefined) continue;
            if (isActive(instance.state)) this.tell(instance, outcome(instance));
            else if (isFinal(instance.state) && instance.run !== before) this.finish(instance);
        }
        if (this.runs === undefined) this.early.push(change.spec);
        else this.look(change.spec, this.runs);
    }

    /** Whether the runs have begun, and are over. */
    private look(spec: Spec, runs: number[]): void {
        this.begun ||= spec.properties.some((p) => p.instances.some((i) => i.run !== null && runs.includes(i.run)));
        if (this.begun && !spec.active) this.settle(spec);
    }

    /** Whatever waits is told how it stands, and waits no more. */
    settle(spec: Spec | undefined): void {
        const known = new Map((spec?.properties ?? []).flatMap((p) => p.instances.map((i) => [i.name, i] as const)));
        for (const name of [...this.names.keys()]) {
            const instance = known.get(name);
            if (instance === undefined || isActive(instance.state)) {
                this.names.delete(name);
                this.tell(instance ?? name, "skipped");
            } else {
                this.finish(instance);
            }
        }
    }

    private finish(instance: InstanceStatus): void {
        this.names.delete(instance.name);
        this.tell(instance, outcome(instance));
    }
}
