// Brings outs to what a lock says, from the store. What it would replace is in the store, or is put there first.
import { lstatSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Emit } from '../event.ts';
import type { Failure } from '../failure.ts';
import { typed } from '../invocation.ts';
import { type Lock, type LockBlock, lockFile } from '../lock-file.ts';
import { displace } from '../ownership/displaced.ts';
import type { MadeOuts } from '../ownership/made-outs.ts';
import { blockedText, fileOnTheWay, OutPaths } from '../plan/out-path.ts';
import { type Content, sameContent } from '../store/content.ts';
import { isWider } from '../store/modes.ts';
import { DamagedObject, type ObjectStore } from '../store/object-store.ts';
import { lookAt } from '../store/stamp.ts';
import type { StatMemo } from '../store/stat-memo.ts';
import { removeTree } from '../store/trees.ts';
import { isKnown } from '../varying.ts';
import { publish } from './publish.ts';

/** The parts of a workspace that outs come from and go to; no plan is needed for it. */
export interface Place {
  readonly root: string;
  readonly cache: string;
  readonly memo: StatMemo;
  readonly objects: ObjectStore;
  readonly made: MadeOuts;
  /** Makes sure that this run still holds the run lock. */
  readonly check: () => void;
  /** What the workspace holds according to pipeline.lock. */
  readonly lock: Lock;
}

type LockedOut = LockBlock['outs'][string];

/** What became of an out. */
type Outcome = 'checked-out' | 'kept' | Failure;

/**
 * Brings the outs of `blocks` into the workspace.
 * @param force overwrite also what nobody else holds
 * @returns the blocks all of whose outs stand there now
 */
export async function checkOut(
  place: Place,
  blocks: readonly LockBlock[],
  force: boolean,
  emit: Emit,
): Promise<{ whole: LockBlock[]; failures: number }> {
  const whole: LockBlock[] = [];
  const count = { checkedOut: 0, kept: 0, failures: 0 };
  const unknown: string[] = [];
  for (const block of blocks) {
    let isWhole = true;
    for (const out of Object.values(block.outs)) {
      if (!isKnown(out)) {
        unknown.push(out.path);
        continue;
      }
      const outcome = await bring(place, block.stage, out, force, emit);
      if (outcome === 'kept') count.kept++;
      else if (outcome === 'checked-out') {
        count.checkedOut++;
        emit({ type: 'checked-out', stage: block.stage, path: out.path });
      } else {
        count.failures++;
        isWhole = false;
        emit({ type: 'failure', failure: outcome });
      }
    }
    if (isWhole) whole.push(block);
  }
  if (unknown.length > 0) emit({ type: 'note', message: notKept(unknown) });
  place.check();
  await place.memo.save();
  await place.made.close();
  emit({ type: 'checkout', ...count });
  return { whole, failures: count.failures };
}

async function bring(
  place: Place,
  stage: string,
  out: LockedOut,
  force: boolean,
  emit: Emit,
): Promise<Outcome> {
  const { root, cache, memo, objects, made } = place;
  const { path, cache: cached, varies: _, ...content } = out;
  // A lock is input, too: one from elsewhere may say anything.
  const problem = new OutPaths(root).problem(path);
  if (problem !== undefined) return { reason: 'file', path: 'pipeline.lock', message: problem };
  const file = fileOnTheWay(root, path);
  if (file !== undefined) return { reason: 'system', path, message: blockedText(path, file) };
  const now = await memo.look(root, path);
  const modes = (await objects.modes(content)) ?? [];
  if (sameContent(now, content) && !isWider(join(root, path), modes)) return 'kept';
  if (cached === false) return { reason: 'not-stored', stage, path, why: 'uncached' };
  if (!(await objects.has(content))) return { reason: 'not-stored', stage, path, why: 'missing' };
  const safe = await isSafe(place, path, now);
  if (!force && !safe) return { reason: 'unsaved', stage, path };
  await mkdir(join(cache, 'tmp'), { recursive: true });
  const folder = await mkdtemp(join(cache, 'tmp', 'checkout-'));
  try {
    const from = join(folder, 'out');
    const listing = await objects.restore(content, from, memo.targets.of(root, from, join(root, path)));
    const stamp = lookAt(from)?.stamp;
    const ready = { from, path, content, listing, held: false, stamp, moment: memo.clock.now() };
    place.check();
    if (!safe) {
      const isMade = made.get(path) !== undefined || lockedAt(place, path).length > 0;
      emit({ type: 'displaced', stage, path, to: await displace(root, path), made: isMade });
    }
    made.note({ ...content, path, stage });
    await publish(place, { out: ready }, join(folder, 'old'));
    return 'checked-out';
  } catch (error) {
    if (error instanceof DamagedObject) return { reason: 'not-stored', stage, path, why: 'damaged' };
    throw error;
  } finally {
    await removeTree(folder);
  }
}

/** `times/1.txt` and 2 more vary …, so that they were left as they are. */
function notKept([first, ...others]: readonly string[]): string {
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return `\`${first}\`${more} ${others.length === 0 ? 'varies' : 'vary'} from run to run, so ${lockFile} does not hold the content, and the store does not have that run; left as it is. \`${typed('repro')}\` makes it.`;
}

/** Whether what stands at `path` can be had again. What a run left there and the store lost is put back into it. */
async function isSafe(place: Place, path: string, now: Content | undefined): Promise<boolean> {
  const { root, memo, objects } = place;
  if (now === undefined) return lstatSync(join(root, path), { throwIfNoEntry: false }) === undefined;
  if (await objects.has(now)) return true;
  if (!lockedAt(place, path).some((out) => sameContent(out, now))) return false;
  await objects.take(join(root, path), { links: memo.targets.of(root, join(root, path)) });
  return true;
}

/** What pipeline.lock says that runs left at `path`. */
const lockedAt = ({ lock }: Place, path: string): LockedOut[] =>
  [...lock.blocks.values()].flatMap(({ outs }) => Object.values(outs)).filter((out) => out.path === path);
