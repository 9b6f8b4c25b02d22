/**
 * What is known of each spec: the notifications merged.
 *
 * In: the server's notifications. Out: specs, and which instances changed. Invariant: what an older notification or another
 * version of the protocol says is never shown; a spec that the server forgot is forgotten here.
 */

import { type InstanceStatus, type Mood, type PropertyStatus, type Status, VERSION } from "./protocol.generated";

/** A spec as it stands. */
export interface Spec {
    uri: string;
    documentVersion: number | null;
    active: boolean;
    mood: Mood;
    counts: Status["counts"];
    properties: PropertyStatus[];
}

/** What a notification changed. */
export interface Change {
    uri: string;
    /** `undefined` once the spec is closed. */
    spec: Spec | undefined;
    /** Whether the list of properties or instances may be another one. */
    structure: boolean;
    /** The instances that were told of, with the property that each is of. */
    instances: { property: PropertyStatus; instance: InstanceStatus }[];
}

export class Store {
    readonly specs = new Map<string, Spec>();
    private sequence = -1;

    /** Takes a notification; `undefined` if it is older than what is known, or can't be understood. */
    take(status: Status): Change | undefined {
        if (status.version !== VERSION || status.sequence <= this.sequence) return undefined;
        this.sequence = status.sequence;
        const before = this.specs.get(status.uri);
        if (!status.complete && before === undefined) return undefined;
        const known = new Map((status.complete ? [] : (before?.properties ?? [])).map((p) => [p.name, p]));
        let structure = status.complete && !sameStructure(before?.properties ?? [], status.properties);
        const told: PropertyStatus[] = [];
        const instances: Change["instances"] = [];
        for (const property of status.properties) {
            const earlier = known.get(property.name);
            const merged = { ...property, instances: merge(earlier?.instances ?? [], property.instances) };
            if (!status.complete && merged.instances.length !== (earlier?.instances.length ?? 0)) structure = true;
            told.push(merged);
            for (const instance of property.instances) instances.push({ property: merged, instance });
        }
        let properties = told;
        if (!status.complete && before !== undefined) {
            const fresh = new Map(told.map((property) => [property.name, property]));
            properties = before.properties.map((property) => fresh.get(property.name) ?? property);
            const names = new Set(properties.map((property) => property.name));
            properties.push(...told.filter((property) => !names.has(property.name)));
        }
        if (status.complete && status.properties.length === 0 && status.documentVersion === null) {
            this.specs.delete(status.uri);
            return { uri: status.uri, spec: undefined, structure: true, instances: [] };
        }
        const { uri, documentVersion, active, mood, counts } = status;
        const spec: Spec = { uri, documentVersion, active, mood, counts, properties };
        this.specs.set(uri, spec);
        return { uri, spec, structure, instances };
    }

    /** Forgets everything: the server is another one. Returns the specs that were known. */
    clear(): string[] {
        const uris = [...this.specs.keys()];
        this.specs.clear();
        this.sequence = -1;
        return uris;
    }

    /** An instance and its property. */
    find(uri: string, instance: string): { property: PropertyStatus; instance: InstanceStatus } | undefined {
        for (const property of this.specs.get(uri)?.properties ?? []) {
            const found = property.instances.find((candidate) => candidate.name === instance);
            if (found !== undefined) return { property, instance: found };
        }
        return undefined;
    }
}

function merge(before: InstanceStatus[], changed: InstanceStatus[]): InstanceStatus[] {
    if (before.length === 0) return changed;
    const fresh = new Map(changed.map((instance) => [instance.name, instance]));
    const merged = before.map((instance) => {
        const found = fresh.get(instance.name);
        fresh.delete(instance.name);
        return found ?? instance;
    });
    return [...merged, ...fresh.values()];
}

function sameStructure(before: PropertyStatus[], after: PropertyStatus[]): boolean {
    const names = (properties: PropertyStatus[]): string =>
        properties.map((p) => [p.name, p.family, p.range.start.line, ...p.instances.map((i) => i.name)].join("\n")).join("\n\n");
    return before.length === after.length && names(before) === names(after);
}

/** The property whose text holds a line, or the next one below it. */
export function propertyAt(spec: Spec | undefined, line: number): PropertyStatus | undefined {
    const within = spec?.properties.find((p) => p.itemRange.start.line <= line && line <= p.itemRange.end.line);
    return within ?? spec?.properties.find((p) => p.itemRange.start.line > line) ?? spec?.properties.at(-1);
}

/** The instances of a property whose counterexample can be shown; where there is none, the spec's: the unexpected ones, else all. */
export function counterexamples(property: PropertyStatus, spec: PropertyStatus[]): InstanceStatus[] {
    const has = (instance: InstanceStatus): boolean => instance.hasCounterexample;
    const own = property.instances.filter(has);
    if (own.length > 0) return own;
    const all = spec.flatMap(({ instances }) => instances).filter(has);
    const unexpected = all.filter(({ asExpected }) => asExpected === false);
    return unexpected.length > 0 ? unexpected : all;
}
