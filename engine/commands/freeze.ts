// `rodada freeze STAGE…` and `rodada unfreeze STAGE…`: writes into pipeline.yaml that stages never run, or do again.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { setFrozen } from '../config/freeze.ts';
import { meant } from '../config/nearest.ts';
import { pipelineFile, readPipeline } from '../config/pipeline.ts';
import type { UsageFailure } from '../failure.ts';
import { typed } from '../invocation.ts';
import { shellWord } from '../shell-word.ts';
import { writeFileAtomic } from '../store/files.ts';
import { examples, type OutputFlags, type Session, session } from './session.ts';

export const freezeCommand = (): Command => command('freeze');
export const unfreezeCommand = (): Command => command('unfreeze');

type Verb = 'freeze' | 'unfreeze';

const descriptions: Record<Verb, string> = {
  freeze: 'write `frozen: true` into pipeline.yaml: the stage never runs, its outs count as they stand',
  unfreeze: 'take `frozen: true` out of pipeline.yaml',
};

function command(verb: Verb): Command {
  return new Command(verb)
    .description(descriptions[verb])
    .argument('<stage...>', 'stages; all instances of a matrix together')
    .option('--json', 'print a JSON line for each stage')
    .addHelpText(
      'after',
      () => `${examples([
        [typed('freeze download'), 'keep the pictures that are there, whatever changes before them'],
        [typed('unfreeze download'), 'let it run again'],
      ])}

The rest of the file, its comments too, stays as it is.`,
    )
    .action((stages: string[], flags: OutputFlags) =>
      session(flags, (session) => runFreeze(session, stages, verb)),
    );
}

async function runFreeze(session: Session, stages: readonly string[], verb: Verb): Promise<number> {
  const { root, emit, failed } = session;
  const pipeline = readPipeline(root);
  if (!pipeline.ok) return failed(pipeline.failures);
  const known = Object.keys(pipeline.value.definition.stages);
  const path = join(root, pipelineFile);
  const before = readFileSync(path, 'utf8');
  let text = before;
  const changed: boolean[] = [];
  for (const stage of stages) {
    const usage = known.includes(stage) ? undefined : unknown(stage, known, verb);
    if (usage !== undefined) return failed([usage]);
    const edited = setFrozen(text, stage, verb === 'freeze');
    if (edited === undefined) return failed([unwritable(stage, verb)]);
    changed.push(edited !== 'same');
    if (edited !== 'same') text = edited;
  }
  if (text !== before) await writeFileAtomic(path, text);
  for (const [i, stage] of stages.entries())
    emit({ type: 'frozen', stage, frozen: verb === 'freeze', changed: changed[i]! });
  return 0;
}

function unknown(stage: string, known: readonly string[], verb: Verb): UsageFailure {
  const whole = stage.split(':')[0]!;
  if (stage !== whole && known.includes(whole)) {
    const message = `\`${stage}\` is an instance; a stage is frozen as a whole.`;
    return { reason: 'usage', message, hint: `Run \`${typed(`${verb} ${shellWord(whole)}`)}\`.` };
  }
  const hint = meant(stage, known);
  const message = `There is no stage \`${stage}\`.`;
  return { reason: 'usage', message, ...(hint === undefined ? {} : { hint }) };
}

function unwritable(stage: string, verb: Verb): UsageFailure {
  const message = `\`${stage}\` can't be changed in place: its fields do not stand under its own name.`;
  const hint = `${verb === 'freeze' ? 'Write' : 'Take away'} \`frozen: true\` by hand where they stand.`;
  return { reason: 'usage', message, hint };
}
