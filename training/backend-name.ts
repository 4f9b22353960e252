// The names of the training backends, apart from what loads them and from what sets them up.
import { UserError } from '../engine/stage.ts';

/** The rungs of the ladder, the fastest first. */
export const rungs = ['tensorflow-gpu', 'tensorflow', 'wasm', 'cpu'] as const;

/** `tensorflow` is native TensorFlow on the CPU. The two of it have one tfjs backend and set-up, but not the same figures. */
export type Rung = (typeof rungs)[number];

/** A backend as tfjs names it. */
export type BackendName = Exclude<Rung, 'tensorflow-gpu'>;

/**
 * The rung that a value of the environment fact `backend` names.
 * @param value as `training/environment.ts` returns it, `tensorflow 2.15.1`
 * @throws UserError for anything else
 */
export function backendNameOf(value: string): Rung {
  const name = rungs.find((each) => each === value.split(' ')[0]);
  if (name === undefined) throw new UserError(`"${value}" names no training backend (${rungs.join(', ')})`);
  return name;
}
