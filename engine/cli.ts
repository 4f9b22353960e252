// The command line: verbs, help and exit codes (0 done, 1 a stage or gate failed, 2 usage or configuration).
import { Command, CommanderError } from 'commander';
import { checkCommand } from './commands/check.ts';
import { compareCommand } from './commands/compare.ts';
import { reproCommand } from './commands/repro.ts';

/** Runs the verb that `argv` names; the exit code is left in `process.exitCode`. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('rodada')
    .description(
      'A reproducible study: a DAG of stages, each cached by the content of its inputs, code and parameters.',
    )
    .exitOverride()
    .showHelpAfterError('(--help shows the options)');
  for (const command of [reproCommand(), compareCommand(), checkCommand()])
    program.addCommand(command.copyInheritedSettings(program));
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  }
}
