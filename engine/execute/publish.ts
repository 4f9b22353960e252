// Puts outs into the workspace: what was made or restored in scratch takes the old one's place by rename.
import { lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { PresentOuts } from '../explain.ts';
import type { Instance } from '../plan/instance.ts';
import { kindOfMode, sameContent } from '../store/content.ts';
import { crashPoint } from '../store/crash-point.ts';
import type { Links } from '../store/links.ts';
import type { Listing } from '../store/listing.ts';
import { strictModesOf } from '../store/modes.ts';
import type { Taken } from '../store/object-store.ts';
import { lookAt, sameWrite, stampOf } from '../store/stamp.ts';
import type { Learnt } from '../store/stat-memo.ts';
import { type Content, hashFile, listTree, type OnBytes } from '../store/tree.ts';
import { moveTree, removeTree } from '../store/trees.ts';
import { settleLinks } from './settle-links.ts';
import type { Workspace } from './workspace.ts';

/** An out that stands complete in scratch. */
export interface ReadyOut extends Learnt {
  /** Where in scratch. */
  readonly from: string;
  /** Where in the workspace, relative to the project. */
  readonly path: string;
  /** Whether the workspace holds the same already, with no more rights. */
  readonly held: boolean;
}

/** Why what a command left can't be an out. */
export interface Uncollected {
  readonly out: string;
  readonly state: 'missing' | 'link' | 'special' | 'scratch-link';
  /** The link in the output that leads into scratch. */
  readonly link?: string;
}

/**
 * Hashes what a command left in scratch, and takes what is to be cached into the store.
 * @param distrust whether what the store has already is read again
 * @param present what the workspace holds
 */
export async function collect(
  workspace: Workspace,
  instance: Instance,
  scratch: Readonly<Record<string, string>>,
  distrust: boolean,
  present: PresentOuts,
): Promise<Uncollected | { outs: Record<string, ReadyOut> }> {
  const { root, cache, memo } = workspace;
  const linksOf = (name: string): Links =>
    memo.targets.of(
      root,
      scratch[name]!,
      resolve(root, instance.outs.find((out) => out.name === name)!.path),
    );
  const gone = [join(cache, 'tmp'), join(cache, 'partial')];
  // All are looked at before the first is kept.
  for (const { name } of instance.outs) {
    const stat = lstatSync(scratch[name]!, { throwIfNoEntry: false });
    if (stat === undefined) return { out: name, state: 'missing' };
    if (stat.isSymbolicLink()) return { out: name, state: 'link' };
    if (!stat.isFile() && !stat.isDirectory()) return { out: name, state: 'special' };
    if (!stat.isDirectory()) continue;
    const link = settleLinks(scratch[name]!, linksOf(name), gone);
    if (link !== undefined) return { out: name, state: 'scratch-link', link };
  }
  const outs: Record<string, ReadyOut> = {};
  const locked = workspace.lock.blocks.get(instance.name);
  for (const { name, path, cache } of instance.outs) {
    const from = scratch[name]!;
    const onBytes = workspace.hashing(path, from);
    const moment = workspace.memo.clock.now();
    const stamp = lookAt(from)?.stamp;
    const taken = cache
      ? await workspace.objects.take(from, { onBytes, distrust, links: linksOf(name) })
      : await contentAt(from, linksOf(name), onBytes);
    // What is not kept in the store has its modes on record nowhere.
    const known = cache ? locked?.outs[name]?.modes === taken.content.modes : taken.strict.length === 0;
    const held = known && present[name]?.wider !== true && sameContent(present[name], taken.content);
    outs[name] = { from, path, stamp, moment, ...taken, held };
  }
  return { outs };
}

async function contentAt(path: string, links: Links, onBytes: OnBytes): Promise<Taken> {
  const strict = strictModesOf(path);
  const stat = lstatSync(path);
  if (!stat.isDirectory()) {
    const content: Content = { type: kindOfMode(stat.mode), ...(await hashFile(path, onBytes)), files: 1 };
    return { content, listing: undefined, strict };
  }
  const listing = await listTree(path, { links, onBytes });
  return { content: listing.content(), listing, strict };
}

/** Replaces each output that the workspace does not hold yet; `old` is a folder in scratch for what is replaced. */
export async function publish(
  workspace: Pick<Workspace, 'root' | 'memo' | 'check'>,
  outs: Readonly<Record<string, ReadyOut>>,
  old: string,
): Promise<void> {
  for (const [i, { from, path, held, ...made }] of Object.values(outs).entries()) {
    if (held) continue;
    workspace.check();
    const { content, listing } = made;
    const target = join(workspace.root, path);
    mkdirSync(dirname(target), { recursive: true });
    const before = lstatSync(target, { throwIfNoEntry: false });
    // A file gives way to a file in one step; anything else first moves out of the way, to be deleted with the scratch.
    const aside = before !== undefined && !(before.isFile() && content.type !== 'directory');
    crashPoint('publish-aside');
    if (aside) {
      mkdirSync(old, { recursive: true });
      await moveTree(target, join(old, String(i)));
    }
    crashPoint('publish-rename');
    try {
      await moveTree(from, target);
    } catch (error) {
      if (aside) await moveTree(join(old, String(i)), target);
      throw error;
    }
    crashPoint('publish-renamed');
    const settled = listing && (await unlinked(listing, target, join(old, String(i))));
    await workspace.memo.learn(workspace.root, path, { ...made, listing: settled });
  }
  crashPoint('published');
}

/**
 * Removes the old names of files that the new directory shares with the one it replaces. That changes their stamps for the last
 * time.
 * @returns the listing with these
 */
async function unlinked(listing: Listing, target: string, old: string): Promise<Listing> {
  if (listing.linked === 0) return listing;
  try {
    for (const { items } of listing.groups())
      for (const [[, file], , linked] of items) if (linked === 1) unlinkSync(join(old, file));
  } catch {
    await removeTree(old); // it has read-only folders
  }
  return listing.restamped(([[, file], before, linked]) => {
    if (linked !== 1) return before;
    const now = stampOf(lstatSync(join(target, file), { bigint: true }));
    return sameWrite(before, now) ? now : before;
  });
}
