// Which runs differ from a resumable one in a smaller number, as far as their matrix tells: those that were recorded, and those of
// the same call.
import { replaceAt } from '../config/params.ts';
import { declared } from '../fingerprint/declared.ts';
import type { Instance } from '../plan/instance.ts';
import { resumeValue } from '../plan/instantiate.ts';
import type { Plan } from '../plan/plan.ts';
import { variantOf } from '../plan/variant.ts';
import type { RunRecords, RunSummary } from '../store/run-records.ts';

type Resume = NonNullable<Instance['resume']>;

/** The same for all instances of a stage whose matrix differs only in the number. */
function groupOf({ by }: Resume, matrix: Instance['matrix']): string {
  return JSON.stringify(by.in === 'matrix' ? replaceAt(matrix, by.path, null) : matrix);
}

interface Recorded {
  readonly key: string;
  readonly value: number;
}

/** Finds recorded runs with a smaller number. Each record is looked at once, however many instances ask. */
export class ShorterRuns {
  readonly #records: RunRecords;
  readonly #stages = new Map<string, { seen: number; readonly groups: Map<string, Recorded[]> }>();

  constructor(records: RunRecords) {
    this.#records = records;
  }

  /** Records that may be of runs to go on from, the largest number first. */
  of({ stage, resume, matrix, params }: Instance): Recorded[] {
    if (resume === null) return [];
    const present = resumeValue(resume, matrix, params) as number;
    const group = this.#groupsOf(stage, resume).get(groupOf(resume, matrix)) ?? [];
    return group.filter(({ value }) => value < present).sort((a, b) => b.value - a.value);
  }

  #groupsOf(stage: string, resume: Resume): ReadonlyMap<string, readonly Recorded[]> {
    const known = this.#stages.get(stage) ?? { seen: 0, groups: new Map<string, Recorded[]>() };
    this.#stages.set(stage, known);
    const summaries = this.#records.ofStage(stage);
    for (const { key, matrix, params } of summaries.slice(known.seen)) {
      const values = valuesOf(matrix);
      const value = resumeValue(resume, values, params);
      if (typeof value !== 'number') continue;
      const group = groupOf(resume, values);
      const members = known.groups.get(group);
      if (members === undefined) known.groups.set(group, [{ key, value }]);
      else members.push({ key, value });
    }
    known.seen = summaries.length;
    return known.groups;
  }
}

const valuesOf = (matrix: RunSummary['matrix']): Instance['matrix'] =>
  Object.fromEntries(Object.entries(matrix).map(([axis, { value }]) => [axis, value])) as Instance['matrix'];

/**
 * For each resumable one of `instances`, the one among them with the largest smaller number that it can go on from once that has
 * run. Waiting for it never closes a circle.
 */
export function shorterInstances(plan: Plan, instances: readonly Instance[]): Map<Instance, Instance> {
  const groups = new Map<string, { instance: Instance; value: number }[]>();
  for (const instance of instances) {
    const { stage, resume, matrix, params, frozen } = instance;
    if (resume === null || frozen) continue;
    const value = resumeValue(resume, matrix, params) as number;
    const group = `${stage} ${groupOf(resume, matrix)}`;
    const members = groups.get(group);
    if (members === undefined) groups.set(group, [{ instance, value }]);
    else members.push({ instance, value });
  }
  const shorter = new Map<Instance, Instance>();
  for (const members of groups.values()) {
    members.sort((a, b) => b.value - a.value);
    for (const [i, { instance, value }] of members.entries()) {
      const found = members.slice(i + 1).find((other) => {
        return other.value < value && isVariant(plan, instance, other.instance, other.value);
      });
      if (found !== undefined && !waitsFor(plan, shorter, found.instance, instance))
        shorter.set(instance, found.instance);
    }
  }
  return shorter;
}

/** Whether `other` is what `instance` becomes with another number. */
function isVariant(plan: Plan, instance: Instance, other: Instance, value: number): boolean {
  const variant = variantOf(plan, instance, value, other.labels[instance.resume!.by.path[0]!]);
  return variant !== undefined && JSON.stringify(declared(variant)) === JSON.stringify(declared(other));
}

/** Whether `instance` needs `other`, or waits for it, at any distance. */
function waitsFor(
  { graph }: Plan,
  shorter: ReadonlyMap<Instance, Instance>,
  instance: Instance,
  other: Instance,
): boolean {
  const reached = new Set([instance]);
  for (const each of reached) {
    if (each.name === other.name) return true;
    for (const need of graph.needs.get(each.name) ?? []) reached.add(need);
    const waited = shorter.get(each);
    if (waited !== undefined) reached.add(waited);
  }
  return false;
}
