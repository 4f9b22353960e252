// `rodada compare`: what differs in metrics, parameters, code and data between two versions.
import { Command, Option } from 'commander';
import { compare, type Format, formats } from '../compare/comparison.ts';
import { loadSides } from '../compare/sides.ts';
import { workspaceName } from '../compare/version.ts';
import { typed } from '../invocation.ts';
import { enterProjectOrFolder } from '../project-folder.ts';
import { comparisonText } from '../reporters/comparison-text.ts';
import { tellOfRun } from './looking.ts';
import { examples, type PlanFlags, type Session, session, withPlanOptions } from './session.ts';

/** Options of compare and check. */
export interface SidesFlags extends PlanFlags {
  readonly baseline: string;
  readonly against: string;
  readonly format: Format;
  readonly timing?: boolean;
}

interface CompareFlags extends SidesFlags {
  readonly all?: boolean;
  readonly only?: string;
}

/** Adds the options that choose the versions and the form of the answer. */
export const withSidesOptions = (command: Command): Command =>
  withPlanOptions(
    command
      .addOption(
        new Option(
          '--baseline <version>',
          'the old version: branch, tag, commit, folder or `workspace`',
        ).default('main'),
      )
      .addOption(new Option('--against <version>', 'the new version').default(workspaceName)),
  )
    .option('--timing', 'also metrics that vary from run to run: *.timing.json, and outs with `varies: true`')
    .addOption(
      new Option('--format <format>', 'md suits a pull request, csv a spreadsheet')
        .choices(formats)
        .default('table'),
    )
    .addOption(
      new Option('--json', 'print events as JSON lines; the last has the answer').conflicts('format'),
    );

export const versionsHelp = `
A version is looked for as a revision, as a branch of origin, and as a folder, in this order; one that begins
with ./, ../ or / is a folder, and \`workspace\` is this folder as it is. metrics/**/*.json, and the outs that pipeline.yaml names as
metrics, are compared number by number, lists left out. An object { mean, sd, n, values: { SEED: number } } is one metric.`;

export const verdictsHelp = `
With three seeds or more on both sides a t-test over seeds says "real" or "within noise". With fewer, a test over images says whether an
accuracy "differs on these images"; another seed may tell otherwise. docs/statistics.md explains the words and tests.`;

/** The command line of compare. */
export function compareCommand(): Command {
  const command = new Command('compare').description(
    'what differs in metrics, parameters, code and data between two versions',
  );
  return withSidesOptions(command)
    .option('--all', 'all metrics, rows and images, not only the first metric of each file')
    .option('--only <glob>', "only these metrics files (cnn1, 'metrics/cnn1/**'), or metrics ('**:loss')")
    .addHelpText(
      'after',
      () => `${versionsHelp}
${verdictsHelp}
${examples([
  [typed('compare'), 'the workspace with main'],
  [typed('compare --baseline v1 --against v2'), 'two revisions'],
  [typed('compare --baseline ../other --only cnn1'), 'with another checkout, one model'],
  [`${typed('compare --format csv --all', { quiet: true })} > all.csv`, 'all metrics for a spreadsheet'],
  [
    `${typed('compare --json', { quiet: true })} | tail -n 1`,
    '{"type":"comparison","rows":[…],…}, for a program',
  ],
])}

Exit code: 0, whatever differs; 2 if there is nothing to compare.`,
    )
    .action((flags: CompareFlags) =>
      session(flags, (session) => runCompare(session, flags), {
        texts: { comparison: comparisonText },
        enter: enterProjectOrFolder,
      }),
    );
}

async function runCompare(session: Session, flags: CompareFlags): Promise<number> {
  const { root, emit, failed } = session;
  await tellOfRunBeside(session, flags);
  const sides = await loadSides(root, flags, emit);
  if (!sides.ok) return failed(sides.failures);
  const comparison = compare(sides.value, flags);
  if (!comparison.ok) return failed(comparison.failures);
  const details = flags.all === true || flags.only !== undefined;
  emit({ type: 'comparison', format: flags.format, details, ...comparison.value });
  return 0;
}

/** Says that a run is changing the results of the workspace, but not into what another program reads. */
export async function tellOfRunBeside(session: Session, { format }: SidesFlags): Promise<void> {
  if (format === 'table') await tellOfRun(session);
}
