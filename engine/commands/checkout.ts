// `rodada checkout [targets…] [--rev REV]`: brings the workspace's outs to what pipeline.lock says.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { checkOut } from '../execute/checkout.ts';
import { lockWorkspace } from '../execute/workspace-lock.ts';
import type { Failure } from '../failure.ts';
import { lockAt, selectBlocks } from '../inspect/locked-stages.ts';
import { typed } from '../invocation.ts';
import { damagedText, type Lock, type LockBlock, lockFile, readLock, writeLock } from '../lock-file.ts';
import { MadeOuts } from '../ownership/made-outs.ts';
import { succeed } from '../result.ts';
import { storeAt } from '../store/configured-store.ts';
import { ObjectStore } from '../store/object-store.ts';
import { RunRecords } from '../store/run-records.ts';
import { StatMemo } from '../store/stat-memo.ts';
import { cacheFolder } from '../store/store-folder.ts';
import { addLocal, withRecorded } from '../varying.ts';
import { examples, type OutputFlags, type Session, session } from './session.ts';

interface CheckoutFlags extends OutputFlags {
  readonly rev?: string;
  readonly force?: boolean;
}

export function checkoutCommand(): Command {
  return new Command('checkout')
    .description('bring outs to what pipeline.lock says, here or at a revision, from the store; run nothing')
    .argument('[targets...]', 'stages, prefixes or instances (default: all that the lock has)')
    .option('--rev <rev>', 'the pipeline.lock of a branch, tag or commit; the lock here then says so too')
    .option('-f, --force', 'also overwrite outs that were changed by hand')
    .option(
      '--json',
      'print events as JSON lines; the last is {"type":"checkout","checkedOut":n,"kept":n,"failures":n}',
    )
    .addHelpText(
      'after',
      () => `${examples([
        [`git switch other && ${typed('checkout')}`, 'code and outs of another branch'],
        [typed('checkout train:cnn1'), "one model's trainings"],
        [
          typed('checkout --rev v1.0 evaluate'),
          'what stood there at a tag; --rev HEAD brings back what was committed',
        ],
        [typed('checkout --force data'), 'not what was changed by hand'],
      ])}

What is overwritten is in the store: an out that holds anything else is left, and named. Outs of stages that the lock does
not have are left, too. Exit code: 0 where all outs are what the lock says; 1 where some could not be had.`,
    )
    .action((targets: string[], flags: CheckoutFlags) =>
      session(flags, (session) => runCheckout(session, targets, flags)),
    );
}

const withoutLock = (): Failure => ({
  reason: 'file',
  path: lockFile,
  message: 'There is no such file: nothing says what to check out.',
  hint: `Run \`${typed('repro')}\`, or name a revision that has one with \`--rev\`.`,
});

async function runCheckout(
  session: Session,
  targets: readonly string[],
  { rev, force }: CheckoutFlags,
): Promise<number> {
  const { root, emit, failed } = session;
  const cache = join(root, cacheFolder);
  if (rev === undefined && !existsSync(join(root, lockFile))) return failed([withoutLock()]);
  const store = storeAt(root);
  const held = await lockWorkspace(root, store, session);
  if (!held.ok) return failed(held.failures);
  try {
    const here = readLock(root);
    const there = rev === undefined ? succeed(here) : await lockAt(root, rev);
    if (!there.ok) return failed(there.failures);
    const { damaged } = there.value;
    if (damaged.length > 0) {
      const message = `${damagedText(damaged)}, passed over here and rebuilt by repro.`;
      emit({ type: 'note', message });
    }
    addLocal(there.value.blocks, here.blocks.values());
    const where = rev === undefined ? lockFile : `${lockFile} at ${rev}`;
    const blocks = selectBlocks(there.value, targets, where);
    if (!blocks.ok) return failed(blocks.failures);
    const records = new RunRecords(store);
    const wanted = blocks.value.map((block) => withRecorded(block, (key) => records.get(key)));
    const place = {
      root,
      cache,
      lock: here,
      memo: new StatMemo(join(cache, 'memo')),
      objects: new ObjectStore(store),
      made: new MadeOuts(root),
      check: held.value.check,
    };
    const { whole, failures } = await checkOut(place, wanted, force === true, emit);
    if (rev !== undefined) await adopt(root, records, here, whole);
    await held.value.registry?.note(here);
    return failures === 0 ? 0 : 1;
  } finally {
    await held.value.release();
  }
}

/** The lock says what the workspace holds: so it takes over the blocks whose outs stand there now. */
async function adopt(
  root: string,
  records: RunRecords,
  here: Lock,
  blocks: readonly LockBlock[],
): Promise<void> {
  const changed = blocks.filter((block) => here.blocks.get(block.stage)?.key !== block.key);
  for (const block of changed) {
    records.used(here.blocks.get(block.stage)?.key ?? '');
    records.used(block.key);
    here.blocks.set(block.stage, block);
  }
  if (changed.length > 0) await writeLock(root, here.blocks.values());
}
