// `rodada gc`: removes from the store what neither the workspace nor the scope of the options needs.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../config/duration.ts';
import { readPipeline } from '../config/pipeline.ts';
import { storeOf } from '../execute/workspace.ts';
import { lockWorkspace } from '../execute/workspace-lock.ts';
import type { Failure } from '../failure.ts';
import { collect } from '../gc/collect.ts';
import { collectToLimit } from '../gc/limit.ts';
import { keptRuns, neededByHistory, type Scope } from '../gc/scope.ts';
import { startFolder, typed } from '../invocation.ts';
import { damagedText, lockFile, readLock } from '../lock-file.ts';
import { shellWord } from '../shell-word.ts';
import type { Registry } from '../store/registry.ts';
import { cacheFolder } from '../store/store-folder.ts';
import { examples, type OutputFlags, type Session, session } from './session.ts';

interface GcFlags extends OutputFlags {
  readonly workspace?: boolean;
  readonly branches?: boolean;
  readonly tags?: boolean;
  readonly allCommits?: boolean;
  readonly runs?: number;
  readonly newerThan?: number;
  readonly quarantine?: boolean;
  readonly forget?: readonly string[];
  readonly dry?: boolean;
}

export function gcCommand(): Command {
  return new Command('gc')
    .description('remove from the store what is no longer needed; what pipeline.lock names always stays')
    .option('--branches', 'keep what pipeline.lock names at the tip of any branch, of remotes too')
    .option('--tags', 'keep what it names at any tag')
    .option('--all-commits', 'keep what it names in any commit')
    .option('--runs <n>', 'keep the results of the last n runs of each stage', count)
    .option('--newer-than <duration>', 'keep results made or used within, such as 12h, 30d', seconds)
    .option('--workspace', 'keep nothing else, also where pipeline.yaml sets a limit')
    .option('--quarantine', 'also remove what was moved aside: damaged objects, and what was changed by hand')
    .addOption(
      new Option(
        '--forget <path...>',
        'no longer keep what the workspaces at these paths need, which shared the store',
      ).conflicts('dry'),
    )
    .option('--dry', 'say what would be removed; change nothing')
    .option('--json', 'print JSON lines; the last is {"type":"gc","removed":{…},"kept":{…},…}')
    .addHelpText(
      'after',
      () => `${examples([
        [typed('gc --dry'), 'what would go, and how much that is'],
        [typed('gc'), 'keep only what the workspace needs'],
        [typed('gc --branches --tags'), 'and what branches and tags need'],
        [typed('gc --runs 3 --newer-than 30d'), "and the last three runs of each stage, and a month's"],
      ])}

With \`cache: { limit: 20 GB }\` in pipeline.yaml and no option that says what to keep, only as much leaves as the limit
asks for, what was not used for longest first; repro does the same when it has made something. The limit is of the results
and of what cut-off stages left: logs, run records and what was moved aside as damaged come on top.
If workspaces share the store, what the pipeline.lock of any of them names stays.
Logs of results that leave go too, but the last of each stage stays. What stages that were cut off have left
to go on from goes as well, unless --newer-than keeps it.`,
    )
    .action((flags: GcFlags) => session(flags, (session) => runGc(session, flags)));
}

const withoutLock = (): Failure => ({
  reason: 'usage',
  message: `There is no ${lockFile}: the whole store would go.`,
  hint: `Run \`${typed('repro')}\`, or check the file out; or name what to keep, such as \`--newer-than 30d\`.`,
});

async function runGc(session: Session, flags: GcFlags): Promise<number> {
  const { root, emit, failed } = session;
  const cache = join(root, cacheFolder);
  const scope: Scope = {
    branches: flags.branches === true,
    tags: flags.tags === true,
    allCommits: flags.allCommits === true,
    runs: flags.runs ?? null,
    newerThan: flags.newerThan ?? null,
  };
  const hasScope =
    flags.workspace === true || Object.values(scope).some((kept) => kept !== false && kept !== null);
  const pipeline = readPipeline(root);
  if (!pipeline.ok) return failed(pipeline.failures);
  // No run may put in, or count on, what is about to leave.
  const store = storeOf({ root, pipeline: pipeline.value });
  const held = await lockWorkspace(root, store, { ...session, exclusive: true });
  if (!held.ok) return failed(held.failures);
  try {
    const { registry } = held.value;
    const unknown = forget(registry, startFolder() ?? root, flags.forget ?? []);
    if (unknown !== undefined) return failed([unknown]);
    const lock = readLock(root);
    if (lock.damaged.length > 0) return failed([damagedLock(lock.damaged)]);
    if (!existsSync(join(root, lockFile)) && !hasScope) return failed([withoutLock()]);
    await registry?.note(lock);
    const others = registry?.others();
    for (const gone of others?.gone ?? [])
      emit({
        type: 'note',
        message: `The workspace ${gone} no longer exists. What it needs is kept; \`${typed(`gc --forget ${shellWord(gone)}`)}\` drops that.`,
      });
    const places = { cache, store, others };
    const dry = flags.dry === true;
    const limit = pipeline.value.definition.cache?.limit;
    const quarantine = flags.quarantine === true;
    const needed = await neededByHistory(root, scope);
    if (!needed.ok) return failed(needed.failures);
    const result =
      limit !== undefined && !hasScope
        ? await collectToLimit(places, lock, limit, held.value.check, { dry, quarantine })
        : await collect(places, {
            lock,
            needed: needed.value,
            keeps: (runs) => keptRuns(runs, scope, Date.now()),
            keepsPartial: (changed) =>
              scope.newerThan !== null && changed >= Date.now() - scope.newerThan * 1000,
            limit: null,
            quarantine,
            dry,
            check: held.value.check,
          });
    if (!result.ok) return failed(result.failures);
    for (const run of result.value.runs) emit(run);
    emit(result.value.collected);
    return 0;
  } finally {
    await held.value.release();
  }
}

/** Forgets workspaces that shared the store. @returns what is wrong if one of them is not known */
function forget(
  registry: Registry | undefined,
  typedIn: string,
  paths: readonly string[],
): Failure | undefined {
  for (const path of paths)
    if (registry?.forget(path) !== true && registry?.forget(resolve(typedIn, path)) !== true) {
      const known = registry?.roots() ?? [];
      return {
        reason: 'usage',
        message: `No other workspace at \`${path}\` shares the store.`,
        hint: known.length === 0 ? 'No other workspace shares it.' : `Others that do: ${known.join(', ')}.`,
      };
    }
  return undefined;
}

const damagedLock = (lines: readonly number[]): Failure => ({
  reason: 'usage',
  message: `${damagedText(lines)}: what they need can't be told.`,
  hint: `Run \`${typed('repro')}\`, which rebuilds them, then try again.`,
});

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('A whole number.');
  return value;
}

function seconds(text: string): number {
  const value = parseDuration(text);
  if (value === undefined) throw new InvalidArgumentError('A duration such as 90s, 30min, 12h or 30d.');
  return value;
}
