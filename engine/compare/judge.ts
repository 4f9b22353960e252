// Judges a new version by the gates: which metrics got worse than one allows, beyond noise.
import { welchT } from '../statistics/t-test.ts';
import { detectableDifference, fewestSeeds } from '../statistics/verdicts.ts';
import type { Evidence } from './evidence.ts';
import { testFamily } from './evidence.ts';
import { allowance, type Gate, type GateDefinition, passes } from './gates.ts';
import { type Measured, measured } from './metric-rows.ts';
import { differenceOf, type FilePair, filePairs, type MetricPair, metricPairs } from './pairs.ts';
import { problemsOf } from './problems.ts';
import type { FileProblem, Results } from './results.ts';
import type { Sides } from './sides.ts';
import type { Freshness } from './stale.ts';

/**
 * `worse within noise`: worse than the tolerance, but the difference is not significant. `missing`: the new version lacks the metric. `not
 * comparable`: a version has no number for it.
 */
export type GateVerdict = 'pass' | 'worse within noise' | 'regressed' | 'missing' | 'not comparable';

/** A metric that a gate judges. */
export interface Judged {
  readonly path: string;
  readonly key: string;
  readonly gate: GateDefinition;
  readonly old: Measured | null;
  readonly new: Measured | null;
  /** new - old. */
  readonly difference: number | null;
  readonly verdict: GateVerdict;
  /** null if there is nothing to test with. */
  readonly evidence: Pick<Evidence, 'test' | 'p' | 'adjustedP' | 'family'> | null;
}

/** The smallest losses that a gate would have found with a probability of 80 %. */
export interface Detectable {
  readonly gate: GateDefinition;
  /** In the metric that varies least. */
  readonly smallest: number;
  /** In the metric that varies most. */
  readonly largest: number;
}

export interface Check {
  /** Whether the new version passes. */
  readonly ok: boolean;
  readonly baseline: string;
  readonly against: string;
  readonly freshness: Freshness;
  /** Whether stale metrics are let pass. */
  readonly allowStale: boolean;
  readonly problems: readonly FileProblem[];
  /** Metrics that a gate stops. */
  readonly offenders: readonly Judged[];
  /** Metrics that are worse than the tolerance, but within noise. */
  readonly withinNoise: readonly Judged[];
  /** Metrics that at least one gate judges. */
  readonly judged: number;
  readonly gates: number;
  /** Gates that match no metric of either version: a misspelt pattern, most often. */
  readonly unmatched: readonly string[];
  /** Tests that the significance is adjusted for. */
  readonly family: number;
  readonly detectable: readonly Detectable[];
  readonly gatesChanged: boolean;
  readonly unkept: readonly string[];
}

type Found = Omit<
  Check,
  'ok' | 'baseline' | 'against' | 'freshness' | 'allowStale' | 'problems' | 'gatesChanged' | 'unkept'
>;

export function check(sides: Sides, allowStale: boolean, gatesChanged: boolean): Check {
  const { old, now, gates, freshness, unkept } = sides;
  const files = filePairs(old, now);
  const { problems, isNew } = problemsOf(old, now, files, gates);
  const found = judge(old, now, files, gates);
  return {
    ok: found.offenders.length === 0 && !isNew && (allowStale || freshness.stale.length === 0),
    baseline: old.label,
    against: now.label,
    freshness,
    allowStale,
    problems,
    ...found,
    gatesChanged,
    unkept,
  };
}

/** One metric and one gate that judges it. */
interface Case {
  readonly pair: MetricPair;
  readonly gate: Gate;
}

/** Judges every metric of both versions. A metric that is new passes, for there is nothing to hold it to. */
export function judge(old: Results, now: Results, files: readonly FilePair[], gates: readonly Gate[]): Found {
  const cases = files.flatMap((file) =>
    metricPairs(file, gates).flatMap((pair) =>
      gates
        .filter((gate) => gate.matches(file.path, pair.key))
        .map((gate): Case => ({ gate, pair: { ...pair, direction: gate.better } })),
    ),
  );
  const evidence = evidenceOf(cases);
  const spreads = spreadsOf(cases, evidence);
  const judged = cases.map((each, i): Judged => {
    const { pair, gate } = each;
    const unreadable = [old, now].some((side) => side.unreadable.has(pair.file.path));
    return {
      path: pair.file.path,
      key: pair.key,
      gate: gate.definition,
      old: measured(pair.old),
      new: measured(pair.now),
      difference: differenceOf(pair),
      verdict: unreadable ? 'not comparable' : verdictOf(each, evidence[i]!),
      evidence: shownEvidence(evidence[i]!),
    };
  });
  const matched = new Set(cases.map(({ gate }) => gate));
  return {
    offenders: judged.filter(({ verdict }) => verdict !== 'pass' && verdict !== 'worse within noise'),
    withinNoise: judged.filter(({ verdict }) => verdict === 'worse within noise'),
    judged: new Set(judged.map(({ path, key }) => `${path}\0${key}`)).size,
    gates: gates.length,
    unmatched: gates.filter((gate) => !matched.has(gate)).map(({ definition }) => definition.metric),
    family: Math.max(0, ...evidence.map((each) => each?.family ?? 0)),
    detectable: gates.flatMap((gate) => detectableBy(gate, cases, spreads)),
  };
}

/** One family over all gated metrics; a metric that two gates judge in the same direction is tested once. */
function evidenceOf(cases: readonly Case[]): (Evidence | null)[] {
  const id = ({ pair }: Case): string => `${pair.file.path}\0${pair.key}\0${pair.direction}`;
  const family = new Map(
    cases
      .filter(({ pair }) => pair.old !== undefined && pair.now !== undefined)
      .map((each) => [id(each), each.pair]),
  );
  const found = testFamily([...family.values()], 'worse');
  const byId = new Map([...family.keys()].map((each, i) => [each, found[i]!]));
  return cases.map((each) => byId.get(id(each)) ?? null);
}

function verdictOf({ pair: { file, old, now }, gate }: Case, evidence: Evidence | null): GateVerdict {
  if (file.isIdentical) return 'pass';
  if (now === undefined) return 'missing';
  if (old === undefined || Number.isNaN(old.value))
    return Number.isNaN(now.value) && old === undefined ? 'not comparable' : 'pass';
  if (old.value === now.value) return 'pass';
  if (!Number.isFinite(now.value) || now.diverged.length > old.diverged.length) return 'not comparable';
  if (passes(gate.definition, old.value, now.value)) return 'pass';
  // Without a test nothing says that the loss is noise.
  return evidence === null || evidence.significant ? 'regressed' : 'worse within noise';
}

const shownEvidence = (evidence: Evidence | null): Judged['evidence'] =>
  evidence && {
    test: evidence.test,
    p: evidence.p,
    adjustedP: evidence.adjustedP,
    family: evidence.family,
  };

/** The spread of a difference, and for how many tests it is adjusted. */
interface Spread extends Pick<Evidence, 'standardError' | 'df' | 'family'> {}

/** What the tests found; if nothing was measured again, what they would find between two groups of these seeds. */
function spreadsOf(cases: readonly Case[], evidence: readonly (Evidence | null)[]): (Spread | null)[] {
  if (evidence.some((each) => each !== null)) return [...evidence];
  const groups = cases.map(({ pair: { old, now } }) => {
    const scores = [old, now].map((metric) => [...(metric?.scores?.values() ?? [])]) as [number[], number[]];
    return scores.every(({ length }) => length >= fewestSeeds) ? welchT(...scores) : null;
  });
  const family = groups.filter((group) => group !== null).length;
  return groups.map((group) => group && { ...group, family });
}

/** A loss is found if it is more than the tolerance, and significant. */
function detectableBy(gate: Gate, cases: readonly Case[], spreads: readonly (Spread | null)[]): Detectable[] {
  const losses = cases.flatMap(({ pair, gate: own }, i) => {
    const found = spreads[i];
    if (own !== gate || found === null || found === undefined) return [];
    const tolerated = allowance(gate.definition, pair.old!.value);
    return found.standardError === 0
      ? [tolerated]
      : [Math.max(tolerated, detectableDifference({ ...found, difference: 0 }, found.family, 1))];
  });
  if (losses.length === 0) return [];
  const [smallest, largest] = [Math.min(...losses), Math.max(...losses)];
  return [{ gate: gate.definition, smallest, largest }];
}
