// Judges what changed by the gates: which metrics got worse than a gate allows.
import type { MetricDifference } from './difference.ts';
import { type Gate, passes } from './gates.ts';

/** A metric that a gate does not let pass. */
export interface Offender {
  readonly row: MetricDifference;
  readonly gate: Gate;
}

export interface Verdict {
  /** In the order of the rows; a metric that two gates stop stands here twice. */
  readonly offenders: readonly Offender[];
  /** Metrics that at least one gate matches. */
  readonly judged: number;
  /** Gates that match no metric of either side: a misspelt pattern, most often. */
  readonly unmatched: readonly Gate[];
}

/**
 * Judges every metric of both sides.
 *
 * A metric that is gone (or is no number any more) is a regression; a new one passes, for there is nothing to hold it to.
 */
export function judge(rows: readonly MetricDifference[], gates: readonly Gate[]): Verdict {
  const matched = new Set<Gate>();
  const offenders: Offender[] = [];
  let judged = 0;
  for (const row of rows) {
    const applying = gates.filter((gate) => gate.matches(row.path, row.key));
    if (applying.length > 0) judged++;
    for (const gate of applying) {
      matched.add(gate);
      if (!lets(gate, row)) offenders.push({ row, gate });
    }
  }
  return { offenders, judged, unmatched: gates.filter((gate) => !matched.has(gate)) };
}

function lets(gate: Gate, { old, new: now }: MetricDifference): boolean {
  if (old === null) return true;
  return now !== null && passes(gate.definition, old, now);
}
