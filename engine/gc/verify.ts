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
  const objects = [...store.list()];
  const total = objects.reduce((sum, { size }) => sum + size, 0);
  const owners = await ownersOf(root, folder, store);
  const damaged: { hash: string; neededBy: string[] }[] = [];
  let done = 0;
  let reported = 0;
  for (const { hash } of objects) {
    const isSound = await store.check(hash, (bytes) => {
      done += bytes;
      const now = performance.now();
      if (now - reported < interval) return;
      reported = now;
      emit({ type: 'verifying', done, total });
    });
    if (!isSound) damaged.push({ hash, neededBy: owners(hash) });
  }
  emit({ type: 'verified', objects: objects.length, bytes: total, damaged });
  return damaged.length;
}

/** Finds whose object one is: stages of pipeline.lock first, then of other recorded runs. */
async function ownersOf(
  root: string,
  folder: string,
  store: ObjectStore,
): Promise<(hash: string) => string[]> {
  const owned: { owner: string; content: Content }[] = [];
  for (const { stage, outs } of readLock(root).blocks.values())
    for (const { path, ...content } of Object.values(outs))
      owned.push({ owner: `${path} of ${stage}`, content });
  for (const { stage, outs, key } of new RunRecords(folder).all())
    for (const content of Object.values(outs))
      owned.push({ owner: `a result of ${stage} (run ${key.slice(0, 8)})`, content });
  // The manifests are read before anything is moved aside.
  const owners = new Map<string, Set<string>>();
  for (const { owner, content } of owned) {
    const lines = content.type === 'directory' ? ((await store.lines(content)) ?? []) : [];
    const files = lines.flatMap((line) => (line[0] === 'file' || line[0] === 'executable' ? [line[2]] : []));
    for (const hash of [content.hash, content.modes ?? [], files].flat())
      owners.set(hash, (owners.get(hash) ?? new Set()).add(owner));
  }
  return (hash) => [...(owners.get(hash) ?? [])];
}
