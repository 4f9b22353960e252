// Reads the whole store again and moves aside what is not what its name says.
import type { Emit } from '../event.ts';
import { readLock } from '../lock-file.ts';
import { ObjectStore } from '../store/object-store.ts';
import { RunRecords } from '../store/run-records.ts';
import type { Content } from '../store/tree.ts';

/** Between two reports of progress. */
const interval = 100; // milliseconds

/** Checks every object. @returns how many are damaged */
export async function verifyStore(root: string, folder: string, emit: Emit): Promise<number> {
  const store = new ObjectStore(folder);
  const found = { objects: 0, bytes: 0 };
  for (const { size } of store.list()) {
    found.objects++;
    found.bytes += size;
  }
  const damaged = new Set<string>();
  let done = 0;
  let reported = 0;
  for (const { hash } of store.list()) {
    const isSound = await store.isSound(hash, (bytes) => {
      done += bytes;
      const now = performance.now();
      if (now - reported < interval) return;
      reported = now;
      emit({ type: 'verifying', done, total: found.bytes });
    });
    if (!isSound) damaged.add(hash);
  }
  // Damaged manifests tell nothing once they are moved aside.
  const owners = damaged.size === 0 ? undefined : await ownersOf(root, folder, store, damaged);
  for (const hash of damaged) await store.moveAside(hash);
  emit({
    type: 'verified',
    ...found,
    damaged: [...damaged].map((hash) => ({ hash, neededBy: [...(owners?.get(hash) ?? [])] })),
  });
  return damaged.size;
}

/** Whose objects some are: of stages of pipeline.lock first, then of other recorded runs. */
async function ownersOf(
  root: string,
  folder: string,
  store: ObjectStore,
  wanted: ReadonlySet<string>,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const owned: { owner: string; content: Content }[] = [];
  for (const { stage, outs } of readLock(root).blocks.values())
    for (const { path, ...content } of Object.values(outs))
      owned.push({ owner: `${path} of ${stage}`, content });
  for (const { stage, outs, key } of new RunRecords(folder).all())
    for (const content of Object.values(outs))
      owned.push({ owner: `a result of ${stage} (run ${key.slice(0, 8)})`, content });
  const owners = new Map<string, Set<string>>();
  for (const { owner, content } of owned) {
    const own = (hash: string | undefined): void => {
      if (hash !== undefined && wanted.has(hash))
        owners.set(hash, (owners.get(hash) ?? new Set()).add(owner));
    };
    own(content.hash);
    own(content.modes);
    if (content.type !== 'directory') continue;
    await store.read(content, async (parts) => {
      for (const part of parts) {
        own(part.hash);
        if (wanted.has(part.hash)) continue;
        for (const line of await part.lines())
          if (line[0] === 'file' || line[0] === 'executable') own(line[2]);
      }
    });
  }
  return owners;
}
