// What is noted of the outputs that an instance made: that they are the engine's, and the block of pipeline.lock.
import type { Fingerprint } from '../fingerprint/fingerprint.ts';
import { lockedFingerprint } from '../lock/locked-fingerprint.ts';
import type { LockBlock } from '../lock-file.ts';
import type { Instance } from '../plan/instance.ts';
import type { Content } from '../store/tree.ts';
import { marked } from '../varying.ts';
import type { ReadyOut } from './publish.ts';
import type { Workspace } from './workspace.ts';

/** Notes which paths a run made, before they get their content. */
export function noteMade(
  { made }: Workspace,
  { name: stage, outs }: Instance,
  contentOf: (name: string) => Content | undefined,
): void {
  for (const { name, path, cache } of outs) {
    const content = contentOf(name);
    if (content !== undefined) made.note({ ...content, path, stage, ...(cache ? {} : { cache }) });
  }
}

/** What pipeline.lock says of an instance with these outs. */
export function blockOf(
  { plan }: Pick<Workspace, 'plan'>,
  instance: Instance,
  key: string,
  fingerprint: Fingerprint,
  outs: Readonly<Record<string, Pick<ReadyOut, 'path' | 'content'>>>,
): LockBlock {
  const locked = instance.outs.map(({ name, cache }) => {
    const { path, content } = outs[name]!;
    return [name, { path, ...content, ...(cache ? {} : { cache }) }] as const;
  });
  const block = {
    stage: instance.name,
    key,
    fingerprint: lockedFingerprint(fingerprint),
    outs: Object.fromEntries(locked),
  };
  return marked(block, instance, plan.graph.outs);
}
