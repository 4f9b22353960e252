// Moves leftovers out of the workspace: the store keeps them, or a folder beside it. What was changed by hand stays.
import { rmdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Trash } from '../execute/trash.ts';
import type { OutIndex } from '../plan/out-index.ts';
import { sameContent } from '../store/content.ts';
import { crashPoint } from '../store/crash-point.ts';
import { linesOf, type ManifestLine } from '../store/manifest.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { lstatIfThere } from '../store/stamp.ts';
import type { StatMemo } from '../store/stat-memo.ts';
import type { Content } from '../store/tree.ts';
import { removeTree } from '../store/trees.ts';
import { displace } from './displaced.ts';
import type { Leftover, Leftovers } from './leftovers.ts';
import type { MadeOuts } from './made-outs.ts';

/** What leftovers are looked at and moved with. */
export interface LeftoverPlace {
  readonly root: string;
  readonly memo: StatMemo;
  readonly objects: ObjectStore;
  readonly made: MadeOuts;
  readonly trash: Trash;
  /** Outputs of the plan. */
  readonly outs: OutIndex;
  /** Folders that stay even if they are empty, because a command runs in them. */
  readonly folders: ReadonlySet<string>;
}

/** A leftover for whoever reads of it. */
export interface ShownLeftover {
  readonly path: string;
  readonly stage: string;
  /** Whether it was changed by hand, so that it stays. */
  readonly edited: boolean;
}

export interface MovedOut {
  readonly path: string;
  readonly stage: string;
  /** Where it is, relative to the project, if the store does not keep it. */
  readonly to?: string;
}

/** What of a leftover is in the workspace. */
type Present =
  | { readonly state: 'gone' | 'edited' }
  /** All of it, as a run left it. */
  | { readonly state: 'made'; readonly content: Content }
  /** The rest of a directory in which the plan has outputs now. */
  | { readonly state: 'rest'; readonly files: readonly string[] };

/** Whether each leftover is as a run left it. */
export async function lookAtLeftovers(place: LeftoverPlace, leftovers: Leftovers): Promise<ShownLeftover[]> {
  const shown: ShownLeftover[] = [];
  for (const leftover of leftovers.all()) {
    const { path, stage } = leftover;
    const { state } = await look(place, leftover);
    if (state !== 'gone') shown.push({ path, stage, edited: state === 'edited' });
  }
  return shown;
}

/** Moves all leftovers out that are as a run left them. @returns what moved, and what stays because it was changed by hand */
export async function moveOut(
  place: LeftoverPlace,
  leftovers: Leftovers,
): Promise<{ moved: MovedOut[]; kept: ShownLeftover[] }> {
  const moved: MovedOut[] = [];
  const kept: ShownLeftover[] = [];
  for (const leftover of leftovers.all()) {
    const { path, stage } = leftover;
    const present = await look(place, leftover);
    if (present.state === 'edited' || !(await keep(place, leftover, present))) {
      kept.push({ path, stage, edited: true });
      place.made.note({ ...leftover.contents[0]!, path, stage });
      continue;
    }
    crashPoint('leftover-kept');
    if (present.state !== 'gone') {
      const to = await take(place, leftover, present);
      crashPoint('leftover-moved');
      removeEmptied(place, posix.dirname(path));
      moved.push({ path, stage, ...(to === undefined ? {} : { to }) });
    }
    place.made.forget(path);
    crashPoint('leftover-forgotten');
  }
  return { moved, kept };
}

async function look(
  { root, memo, objects, outs }: LeftoverPlace,
  { path, contents }: Leftover,
): Promise<Present> {
  const stat = lstatIfThere(join(root, path));
  if (stat === undefined) return { state: 'gone' };
  if (!stat.isFile() && !stat.isDirectory()) return { state: 'edited' }; // no run leaves a link
  const now = await memo.look(root, path);
  if (now === undefined) return { state: 'gone' };
  if (contents.some((content) => sameContent(content, now)) || (await objects.has(now)))
    return { state: 'made', content: now };
  const inside = outs.inside(path).map(({ out }) => posix.relative(path, out.path));
  if (!stat.isDirectory() || inside.length === 0) return { state: 'edited' };
  // What the plan makes inside has changed since; the rest may be what it was.
  const isRest = ([, file]: ManifestLine): boolean =>
    !inside.some((out) => file === out || file.startsWith(`${out}/`));
  const rest = (await linesOf(await memo.targets.parts(root, path))).filter(isRest);
  if (rest.length === 0) return { state: 'gone' };
  for (const content of contents) {
    const unknown = new Set(rest.map((line) => JSON.stringify(line)));
    await objects.read(content, async (parts) => {
      for (const part of parts) for (const line of await part.lines()) unknown.delete(JSON.stringify(line));
    });
    if (unknown.size === 0) return { state: 'rest', files: rest.map(([, file]) => file) };
  }
  return { state: 'edited' };
}

/** Makes sure that nothing is lost when the leftover leaves; false if it changed meanwhile. */
async function keep(
  { root, memo, objects }: LeftoverPlace,
  { path, cache }: Leftover,
  present: Present,
): Promise<boolean> {
  if (present.state !== 'made' || !cache || (await objects.has(present.content))) return true;
  const { content } = await objects.take(join(root, path), {
    links: memo.targets.of(root, join(root, path)),
  });
  return sameContent(content, present.content);
}

/** Takes it out of its place. @returns where it is, if that is not the store */
async function take(
  { root, trash }: LeftoverPlace,
  { path, cache }: Leftover,
  present: Present,
): Promise<string | undefined> {
  if (present.state === 'rest') {
    for (const file of present.files) {
      await removeTree(join(root, path, file));
      removeEmptied({ root, folders: new Set([path]) }, posix.dirname(`${path}/${file}`));
    }
    return undefined;
  }
  if (!cache) return displace(root, path);
  await trash.take(join(root, path));
  return undefined;
}

/** Removes a folder and those around it while they are empty. */
function removeEmptied({ root, folders }: Pick<LeftoverPlace, 'root' | 'folders'>, folder: string): void {
  for (let at = folder; at !== '.' && !folders.has(at); at = posix.dirname(at))
    try {
      rmdirSync(join(root, at));
    } catch {
      return; // it holds something
    }
}
