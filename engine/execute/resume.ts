// Finds what a run may go on from: the outs of a run that differs only in a smaller number.
import { declared } from '../fingerprint/declared.ts';
import { type Fingerprint, keyOf } from '../fingerprint/fingerprint.ts';
import type { Instance } from '../plan/instance.ts';
import { variantOf } from '../plan/variant.ts';
import { DamagedObject } from '../store/object-store.ts';
import type { RunRecord } from '../store/run-records.ts';
import type { Workspace } from './workspace.ts';

export interface Resumption {
  /** The smaller number. */
  readonly by: number;
  /** Key of the run. */
  readonly key: string;
  /** The run, for the user. */
  readonly run: { readonly stage: string; readonly by: string; readonly value: number };
  /** The outs to bring back, the one to go on from first, and where each stands in the workspace of that run. */
  readonly outs: readonly { readonly name: string; readonly path: string }[];
  /** Recreates an out at a path that does not exist; false where the store turns out to be damaged. */
  restore(name: string, to: string): Promise<boolean>;
}

/**
 * The run with the largest smaller number whose outs are in the store.
 *
 * A number can show in labels, in paths with labels, in the command and in parameters. So records are not compared with
 * these left out: for each number that a record has, the instance is made anew from pipeline.yaml with that number, and its
 * fingerprint, with the contents of the present dependencies, must have the very key of the record. Whatever differs besides
 * the number and what follows from it gives another key.
 */
export async function findResumption(
  workspace: Workspace,
  instance: Instance,
  fingerprint: Fingerprint,
): Promise<Resumption | undefined> {
  const { resume } = instance;
  if (resume === null) return undefined;
  for (const { key, value } of workspace.shorterRuns.of(instance)) {
    const record = workspace.records.get(key);
    if (record === undefined) continue;
    const names = [resume.from, ...resume.with];
    if (!(await areStored(workspace, record, names))) continue;
    const label = record.fingerprint.matrix[resume.by.path[0]!]?.label;
    const variant = variantOf(workspace.plan, instance, value, label);
    if (
      variant === undefined ||
      (await keyOfVariant(workspace, instance, variant, fingerprint)) !== record.key
    )
      continue;
    return {
      by: value,
      key: record.key,
      run: { stage: record.stage, by: resume.by.path.join('.'), value },
      outs: names.map((name) => ({ name, path: record.fingerprint.outs[name]! })),
      restore: async (name, to) => {
        try {
          await workspace.objects.restore(
            record.outs[name]!,
            to,
            workspace.memo.targets.of(workspace.root, to),
          );
          return true;
        } catch (error) {
          if (error instanceof DamagedObject) return false;
          throw error;
        }
      },
    };
  }
  return undefined;
}

async function areStored(
  workspace: Workspace,
  record: RunRecord,
  names: readonly string[],
): Promise<boolean> {
  for (const name of names) {
    const content = record.outs[name];
    if (content === undefined || !(await workspace.objects.has(content))) return false;
  }
  return true;
}

/** The key that a run of the variant would have, if its dependencies hold what the instance's do; their paths may differ. */
async function keyOfVariant(
  workspace: Workspace,
  instance: Instance,
  variant: Instance,
  fingerprint: Fingerprint,
): Promise<string | undefined> {
  const codeOf = async (each: Instance): Promise<string> => {
    const { modules, files } = await workspace.codeOf(each);
    return JSON.stringify([modules, files]);
  };
  if ((await codeOf(variant)) !== (await codeOf(instance))) return undefined;
  const deps = variant.deps.map(({ name, paths }, i) => {
    const own = instance.deps[i]!;
    const hashes = fingerprint.deps[own.name]!;
    return [name, Object.fromEntries(paths.map((path, j) => [path, hashes[own.paths[j]!]!]))] as const;
  });
  const { wdir: _, shell: __, ...rest } = fingerprint;
  return keyOf({ ...rest, ...declared(variant), deps: Object.fromEntries(deps) });
}
