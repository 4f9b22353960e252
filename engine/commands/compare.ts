// `rodada compare`: what differs in metrics and parameters between a baseline and the working tree.
import { Command, Option } from 'commander';
import { differences } from '../compare/difference.ts';
import { type Format, formatDifference, formats } from '../compare/format.ts';
import { type Output, terminal } from '../compare/output.ts';
import { loadSides, type SidesOptions, unkeptText } from '../compare/sides.ts';
import { exitCodeOf, type Failure } from '../failure.ts';
import { startFolder, typed } from '../invocation.ts';
import { enterProjectOrFolder, namesPaths, placeText } from '../project-folder.ts';
import { runningText } from '../reporters/running-text.ts';
import { lockViewer } from './looking.ts';
import { examples } from './session.ts';

export interface CompareOptions extends SidesOptions {
  readonly format: Format;
  /** Also what is equal on both sides. */
  readonly all?: boolean | undefined;
}

/** Compares and prints; gives the exit code: 0, whatever differs, or 2 where there is nothing to compare. */
export async function runCompare(options: CompareOptions, output: Output): Promise<number> {
  const sides = await loadSides(options);
  if (!sides.ok) {
    output.failures(sides.failures);
    return exitCodeOf(sides.failures);
  }
  await noteRun(options.cwd, output);
  const { old, now, gates, unkept } = sides.value;
  const found = differences(old, now, gates, options.all);
  output.out(formatDifference(found, { old: old.label, now: now.label }, options.format, output.color));
  const missing = unkeptText(unkept, old.label);
  if (missing !== undefined) output.note(missing);
  for (const label of found.withoutParams)
    output.note(`There is no params.yaml in ${label}: parameters are not compared.`);
  return 0;
}

/** Says that a run is changing the results of the working tree. */
export async function noteRun(root: string, output: Output): Promise<void> {
  const run = await lockViewer(root).running();
  if (run !== undefined) output.note(runningText(run));
}

/** Where compare and check work. */
export interface Place {
  /** The project's folder. */
  readonly cwd: string;
  /** The folder that a folder named as baseline is relative to. */
  readonly typedIn: string;
}

/** Compares in the user's project, or in their folder, which may have metrics and no pipeline.yaml. */
export async function inProject(work: (place: Place, output: Output) => Promise<number>): Promise<void> {
  const own = terminal();
  const project = enterProjectOrFolder();
  if (!project.ok) {
    own.failures(project.failures);
    process.exitCode = exitCodeOf(project.failures);
    return;
  }
  const cwd = project.value;
  let showsPaths = false;
  const failures = (shown: readonly Failure[]): void => {
    showsPaths ||= shown.some(namesPaths);
    own.failures(shown);
  };
  process.exitCode = await work({ cwd, typedIn: startFolder() ?? cwd }, { ...own, failures });
  const place = showsPaths ? placeText(cwd) : undefined;
  if (place !== undefined) own.note(place);
}

export const baselineOption = (): Option =>
  new Option('--baseline <rev>', 'branch, tag, commit, or folder with metrics/ in it').default('main');
export const formatOption = (): Option =>
  new Option('--format <format>', 'md suits a pull request, json a program')
    .choices(formats)
    .default('table');
export const timingOption = (): Option =>
  new Option(
    '--timing',
    'also metrics that vary from run to run: *.timing.json, and outs with `varies: true`',
  );
export const profileOption = (): Option =>
  new Option('-p, --profile <name>', 'lay profiles/NAME.yaml over params.yaml on both sides');

export const baselineHelp = `
A baseline is looked for as a revision, as a branch of origin, and as a folder, in this order; one that begins
with ./, ../ or / is a folder. metrics/**/*.json, and the outs that pipeline.yaml names as metrics, are compared number
by number, lists left out.`;

export const realHelp = `
"real?" stands beside an accuracy that comes with its confusion matrix: the two-sided p-value of Fisher's exact test,
"within noise" from p = 0.05 up. It takes the two sets of predictions as independent; where both sides predicted the same
pictures it errs on the side of noise.`;

/** The command line of compare. */
export function compareCommand(): Command {
  return new Command('compare')
    .description('what differs in metrics and params between a baseline and the working tree')
    .addOption(baselineOption())
    .addOption(formatOption())
    .option('--all', 'also what is equal on both sides')
    .addOption(timingOption())
    .addOption(profileOption())
    .addHelpText(
      'after',
      () => `${baselineHelp}
${realHelp}
${examples([
  [typed('compare'), 'with main'],
  [typed('compare --baseline HEAD~2'), 'with the last commit but one'],
  [typed('compare --baseline ../other --all'), 'with another checkout, equal values too'],
  [
    typed('compare --format json', { quiet: true }),
    '{metrics: [{path, key, old, new, delta, better}], params: [{key, old, new}]}',
  ],
])}

Exit code: 0, whatever differs; 2 where there is nothing to compare.`,
    )
    .action(async (options: Omit<CompareOptions, keyof Place>) => {
      await inProject((place, output) => runCompare({ ...options, ...place }, output));
    });
}
