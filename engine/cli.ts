// The command line: verbs, help and exit codes (0 done, 1 a stage or gate failed, 2 usage or configuration).
import { Command, CommanderError } from 'commander';
import { startFolder, typed, withTyped } from './invocation.ts';
import { endWithReader } from './reader.ts';
import { shellWord } from './shell-word.ts';

/** The verbs in the order of the help, each loaded only when it is needed. */
const verbs: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import('./commands/init.ts')).initCommand(),
  repro: async () => (await import('./commands/repro.ts')).reproCommand(),
  status: async () => (await import('./commands/status.ts')).statusCommand(),
  why: async () => (await import('./commands/why.ts')).whyCommand(),
  dag: async () => (await import('./commands/dag.ts')).dagCommand(),
  log: async () => (await import('./commands/log.ts')).logCommand(),
  checkout: async () => (await import('./commands/checkout.ts')).checkoutCommand(),
  commit: async () => (await import('./commands/commit.ts')).commitCommand(),
  freeze: async () => (await import('./commands/freeze.ts')).freezeCommand(),
  unfreeze: async () => (await import('./commands/freeze.ts')).unfreezeCommand(),
  clean: async () => (await import('./commands/clean.ts')).cleanCommand(),
  gc: async () => (await import('./commands/gc.ts')).gcCommand(),
  verify: async () => (await import('./commands/verify.ts')).verifyCommand(),
  compare: async () => (await import('./commands/compare.ts')).compareCommand(),
  check: async () => (await import('./commands/check.ts')).checkCommand(),
};

/** The first line of the help: the command as the user can type it. */
function usage(command: Command): string {
  if (command.parent === null) return `${typed('').trimEnd()} ${command.usage()}`;
  return typed(`${command.name()} ${command.usage()}`);
}

/** Runs the verb that `argv` names; the exit code is left in `process.exitCode`. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('rodada')
    .description(
      'A reproducible study: a DAG of stages, each cached by the content of its inputs, code and parameters.',
    )
    .option('-V, --version', 'print the version') // answered by rodada.mjs
    .exitOverride()
    .showHelpAfterError('(--help shows the options)')
    .configureHelp({ commandUsage: usage });
  const verb = argv[2] ?? '';
  // A run goes on all the same.
  if (verb !== 'repro') endWithReader();
  else for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const answer = Object.hasOwn(verbs, verb) ? undefined : await foreignAnswer(argv.slice(2));
  if (answer !== undefined) {
    console.error(`error: there is no command '${verb}'\n${answer}`);
    process.exitCode = 2;
    return;
  }
  // Help, and the nearest name to one that is unknown, need all of them.
  const needed = Object.hasOwn(verbs, verb) ? [verbs[verb]!] : Object.values(verbs);
  try {
    for (const load of needed) program.addCommand((await load()).copyInheritedSettings(program));
    await program.parseAsync(argv);
  } catch (error) {
    // Too few files may be open to load even what explains it.
    if (isTooMany(error)) {
      console.error('error: Too many files are open for rodada to start. Raise the limit (`ulimit -n`).');
      process.exitCode = 1;
      return;
    }
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? 0 : 2;
    const option =
      error.code === 'commander.unknownOption' ? /'([^']+)'/.exec(error.message)?.[1] : undefined;
    const instead = option && (await import('./commands/foreign-verbs.ts')).foreignOption(verb, option);
    if (instead) console.error(withTyped(instead));
  }
}

const isTooMany = (error: unknown): boolean =>
  ['EMFILE', 'ENFILE'].includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');

/** What to type instead of a command that is another tool's, or a stage. */
async function foreignAnswer(words: readonly string[]): Promise<string | undefined> {
  const [verb = ''] = words;
  if (verb === '' || verb.startsWith('-')) return undefined;
  const { readPipeline } = await import('./config/pipeline.ts');
  const { projectAround } = await import('./project-folder.ts');
  const root = projectAround(startFolder() ?? '/');
  const pipeline = root === undefined ? undefined : readPipeline(root);
  const stages = pipeline?.ok === true ? Object.keys(pipeline.value.definition.stages) : [];
  if (stages.some((stage) => stage === verb || verb.startsWith(`${stage}:`)))
    return `\`${verb}\` is a stage: \`${typed(`repro ${shellWord(verb)}`)}\` runs it.`;
  const answer = (await import('./commands/foreign-verbs.ts')).foreignVerb(words);
  return answer && withTyped(answer);
}
