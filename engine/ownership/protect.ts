// Keeps what people wrote at the paths of outputs: a stage stops before it, or it is moved aside.
import type { Emit } from '../event.ts';
import type { Workspace } from '../execute/workspace.ts';
import type { UnownedFailure } from '../failure.ts';
import type { Instance } from '../plan/instance.ts';
import type { Content } from '../store/tree.ts';
import { displace } from './displaced.ts';

/** The first of the instance's outputs whose path holds what no run made. */
export async function findUnowned(
  workspace: Workspace,
  instance: Instance,
  present: Readonly<Record<string, Content | null>>,
): Promise<UnownedFailure | undefined> {
  for (const { name, path } of instance.outs) {
    const standing = await workspace.standings.of(path, present[name]);
    if (standing.is === 'unowned') return unowned(instance, standing.path);
  }
  return undefined;
}

export interface ProtectOptions {
  /** What the outputs' paths hold; they are looked at again if nothing is given. */
  readonly present?: Readonly<Record<string, Content | null>>;
  /** Whether also what no run made is moved aside. */
  readonly force: boolean;
  readonly emit: Emit;
}

/**
 * Moves aside what was changed by hand at the outputs that are about to be replaced.
 * @param isHeld whether an output stays as it is
 */
export async function moveAside(
  workspace: Workspace,
  instance: Instance,
  isHeld: (name: string) => boolean,
  { present, force, emit }: ProtectOptions,
): Promise<UnownedFailure | undefined> {
  const { root, memo, standings } = workspace;
  const aside: { path: string; made: boolean }[] = [];
  for (const { name, path } of instance.outs) {
    if (isHeld(name)) continue;
    const now = present === undefined ? await memo.look(root, path) : present[name];
    const standing = await standings.of(path, now);
    if (standing.is === 'edited') aside.push({ path, made: true });
    if (standing.is !== 'unowned') continue;
    if (!force) return unowned(instance, standing.path);
    aside.push({ path: standing.path, made: false });
  }
  if (aside.length > 0) workspace.check();
  for (const { path, made } of aside) {
    const to = await displace(root, path);
    emit({ type: 'displaced', stage: instance.name, path, to, made });
  }
  return undefined;
}

const unowned = ({ name }: Instance, path: string): UnownedFailure => ({
  reason: 'unowned',
  stage: name,
  path,
  skips: [],
});
