// `rodada check`: judges what differs from a baseline by the gates in params.yaml.
import { isDeepStrictEqual } from 'node:util';
import { Command } from 'commander';
import { check } from '../compare/judge.ts';
import type { Results } from '../compare/results.ts';
import { loadSides } from '../compare/sides.ts';
import type { Failure } from '../failure.ts';
import { typed } from '../invocation.ts';
import { enterProjectOrFolder } from '../project-folder.ts';
import { checkText } from '../reporters/check-text.ts';
import { type SidesFlags, tellOfRunBeside, verdictsHelp, versionsHelp, withSidesOptions } from './compare.ts';
import { examples, type Session, session } from './session.ts';

interface CheckFlags extends SidesFlags {
  readonly allowStale?: boolean;
}

const withoutGates: Failure = {
  reason: 'usage',
  message: 'params.yaml has no gates to check by.',
  hint: 'Give it some, such as `gates: [{ metric: "**:accuracy", better: higher, tolerance: 0.02 }]`.',
};

/** The command line of check. */
export function checkCommand(): Command {
  const command = new Command('check').description(
    'whether a metric got worse than the gates in params.yaml allow',
  );
  return withSidesOptions(command)
    .option(
      '--allow-stale',
      'let pass metrics that were not measured with the code, data and parameters beside them',
    )
    .addHelpText(
      'after',
      () => `${versionsHelp}

A gate is { metric: PATH:KEY, better: higher | lower, tolerance: 0.02 or 5% }. PATH and KEY are globs: * stands for one
folder or one part of the key, ** for any number. A tolerance in % is of the old value. A gate stops a metric that is worse
by more than the tolerance if the difference is significant, or if there is nothing to test it with; a metric that is missing; and one
that is not a number. A new metric passes, and so does a file that is the same byte by byte.
${verdictsHelp}
${examples([
  [typed('check'), 'the workspace against main'],
  [typed('check --baseline v1.0'), 'against a tag'],
  [`${typed('check --format md', { quiet: true })} > comment.md`, 'for a pull request'],
  [
    `${typed('check --json', { quiet: true })} | tail -n 1`,
    '{"type":"check","ok":…,"offenders":[…],…}, for a program',
  ],
])}

Exit code: 0 if all gates pass; 1 on a regression, a missing metric, one that is not comparable or stale; 2 if there is nothing
to judge.`,
    )
    .action((flags: CheckFlags) =>
      session(flags, (session) => runCheck(session, flags), {
        texts: { check: checkText },
        enter: enterProjectOrFolder,
      }),
    );
}

async function runCheck(session: Session, flags: CheckFlags): Promise<number> {
  const { root, emit, failed } = session;
  await tellOfRunBeside(session, flags);
  const sides = await loadSides(root, flags, emit);
  if (!sides.ok) return failed(sides.failures);
  if (sides.value.gates.length === 0) return failed([withoutGates]);
  const { old, now } = sides.value;
  const gatesChanged = !isDeepStrictEqual(gatesOf(old), gatesOf(now));
  const verdict = check(sides.value, flags.allowStale === true, gatesChanged);
  emit({ type: 'check', format: flags.format, ...verdict });
  return verdict.ok ? 0 : 1;
}

const gatesOf = ({ params }: Results): unknown => (params as { gates?: unknown } | undefined)?.gates;
