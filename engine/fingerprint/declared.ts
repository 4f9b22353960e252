// The part of a fingerprint that pipeline.yaml and params.yaml alone say.
import type { Instance } from '../plan/instance.ts';
import type { Fingerprint } from './fingerprint.ts';

/** What an instance declares, as its fingerprint says it. */
export function declared(
  instance: Instance,
): Pick<Fingerprint, 'cmd' | 'params' | 'matrix' | 'outs' | 'wdir'> {
  const { cmds, params, matrix, labels, outs, wdir } = instance;
  return {
    cmd: cmds.length === 1 ? cmds[0]! : cmds,
    params,
    matrix: Object.fromEntries(
      Object.entries(matrix).map(([axis, value]) => [axis, { label: labels[axis]!, value }]),
    ),
    outs: Object.fromEntries(outs.map(({ name, path }) => [name, path])),
    ...(wdir === '.' ? {} : { wdir }),
  };
}
