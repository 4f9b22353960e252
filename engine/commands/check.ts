// `rodada check`: judges what differs from a baseline by the gates in params.yaml.
import { isDeepStrictEqual } from 'node:util';
import { Command } from 'commander';
import { metricDifferences } from '../compare/difference.ts';
import { type Format, formatVerdict } from '../compare/format.ts';
import { judge } from '../compare/judge.ts';
import type { Output } from '../compare/output.ts';
import type { Results } from '../compare/results.ts';
import { loadSides, type SidesOptions, unkeptText } from '../compare/sides.ts';
import { exitCodeOf, type Failure } from '../failure.ts';
import { typed } from '../invocation.ts';
import {
  baselineHelp,
  baselineOption,
  formatOption,
  inProject,
  noteRun,
  type Place,
  profileOption,
  realHelp,
  timingOption,
} from './compare.ts';
import { examples } from './session.ts';

export interface CheckOptions extends SidesOptions {
  readonly format: Format;
}

const withoutGates: Failure = {
  reason: 'usage',
  message: 'params.yaml has no gates to check by.',
  hint: 'Give it some, such as `gates: [{ metric: "**:accuracy", better: higher, tolerance: 0.02 }]`.',
};

/**
 * Judges and prints; gives the exit code: 0 where every gate lets pass, 1 where a metric got worse than one allows,
 * 2 where there is nothing to judge.
 */
export async function runCheck(options: CheckOptions, output: Output): Promise<number> {
  const sides = await loadSides(options);
  const failures = sides.ok ? (sides.value.gates.length === 0 ? [withoutGates] : []) : sides.failures;
  if (!sides.ok || failures.length > 0) {
    output.failures(failures);
    return exitCodeOf(failures);
  }
  await noteRun(options.cwd, output);
  const { old, now, gates, unkept } = sides.value;
  const verdict = judge(metricDifferences(old, now, gates), gates);
  output.out(formatVerdict(verdict, gates, { old: old.label, now: now.label }, options.format, output.color));
  if (!isDeepStrictEqual(gatesOf(old), gatesOf(now)))
    output.note(`The gates in params.yaml are not those of ${old.label}.`);
  const missing = unkeptText(unkept, old.label);
  if (missing !== undefined) output.note(missing);
  for (const { definition } of verdict.unmatched) {
    output.note(`Gate ${definition.metric} matches no metric; patterns are PATH:KEY, such as **:accuracy.`);
  }
  return verdict.offenders.length === 0 ? 0 : 1;
}

const gatesOf = ({ params }: Results): unknown => (params as { gates?: unknown } | undefined)?.gates;

/** The command line of check. */
export function checkCommand(): Command {
  return new Command('check')
    .description('whether a metric got worse than the gates in params.yaml allow')
    .addOption(baselineOption())
    .addOption(formatOption())
    .addOption(timingOption())
    .addOption(profileOption())
    .addHelpText(
      'after',
      () => `${baselineHelp}

A gate is { metric: PATH:KEY, better: higher | lower, tolerance: 0.02 or 5% }. PATH and KEY are globs: * stands for one
folder or one part of the key, ** for any number. A tolerance in % is of the old value. A metric that is gone is a
regression, a new one passes.
${realHelp}
${examples([
  [typed('check'), 'against main'],
  [typed('check --baseline v1.0'), 'against a tag'],
  [`${typed('check --format md', { quiet: true })} > comment.md`, 'for a pull request'],
  [typed('check --format json', { quiet: true }), '{ok, baseline, offenders, judged, gates, unmatched}'],
])}

Exit code: 0 where all gates let pass; 1 on a regression; 2 where there is nothing to judge.`,
    )
    .action(async (options: Omit<CheckOptions, keyof Place>) => {
      await inProject((place, output) => runCheck({ ...options, ...place }, output));
    });
}
