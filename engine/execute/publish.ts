// Puts outs into the workspace: what was made or restored in scratch takes the old one's place by rename.
import { lstatSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Instance } from '../plan/instance.ts';
import { type Content, contentOfManifest, hashFile, type ManifestLine, manifestOf } from '../store/tree.ts';
import type { Workspace } from './workspace.ts';

/** An out that stands complete in scratch. */
export interface ReadyOut {
  /** Where in scratch. */
  readonly from: string;
  /** Where in the workspace, relative to the project. */
  readonly path: string;
  readonly content: Content;
  /** Manifest of a directory. */
  readonly lines: readonly ManifestLine[] | undefined;
}

/** Hashes what a command left in scratch; the name of an out that it did not make otherwise. */
export async function collect(
  instance: Instance,
  scratch: Readonly<Record<string, string>>,
): Promise<{ missing: string } | { outs: Record<string, ReadyOut> }> {
  const outs: Record<string, ReadyOut> = {};
  for (const { name, path } of instance.outs) {
    const from = scratch[name]!;
    const stat = lstatSync(from, { throwIfNoEntry: false });
    if (stat?.isDirectory()) {
      const lines = await manifestOf(from);
      outs[name] = { from, path, content: contentOfManifest(lines), lines };
    } else if (stat?.isFile()) {
      outs[name] = {
        from,
        path,
        content: { type: 'file', ...(await hashFile(from)), files: 1 },
        lines: undefined,
      };
    } else return { missing: name };
  }
  return { outs };
}

/** Replaces each out that differs from what the workspace holds; `old` is a folder in scratch for what gives way. */
export async function publish(
  workspace: Workspace,
  outs: Readonly<Record<string, ReadyOut>>,
  present: Readonly<Record<string, Content | null>>,
  old: string,
): Promise<void> {
  await mkdir(old, { recursive: true });
  for (const [i, [name, { from, path, content, lines }]] of Object.entries(outs).entries()) {
    if (present[name]?.hash === content.hash) continue;
    const target = join(workspace.root, path);
    await mkdir(dirname(target), { recursive: true });
    const before = lstatSync(target, { throwIfNoEntry: false });
    // A file gives way to a file in one step; anything else first moves out of the way, to be deleted with the scratch.
    if (before !== undefined && !(before.isFile() && content.type === 'file'))
      await rename(target, join(old, String(i)));
    await rename(from, target);
    await workspace.memo.learn(workspace.root, path, content, lines);
  }
  await rm(old, { recursive: true, force: true });
}
