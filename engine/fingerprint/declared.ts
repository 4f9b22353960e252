// The part of a fingerprint that pipeline.yaml and params.yaml alone say.
import { usualShell } from '../config/shell.ts';
import type { Instance } from '../plan/instance.ts';
import type { Fingerprint } from './fingerprint.ts';

/** What an instance declares, as its fingerprint says it. */
export function declared(
  instance: Instance,
): Pick<Fingerprint, 'cmd' | 'shell' | 'params' | 'matrix' | 'outs' | 'wdir'> {
  const { cmds, params, matrix, labels, outs, shell, wdir } = instance;
  return {
    cmd: cmds.length === 1 ? cmds[0]! : cmds,
    ...(shell === usualShell ? {} : { shell }),
    params,
    matrix: Object.fromEntries(
      Object.entries(matrix).map(([axis, value]) => [axis, { label: labels[axis]!, value }]),
    ),
    outs: Object.fromEntries(outs.map(({ name, path }) => [name, path])),
    ...(wdir === '.' ? {} : { wdir }),
  };
}
