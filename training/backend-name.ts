// The names of the training backends, apart from what loads them and from what sets them up.
import { UserError } from '../engine/stage.ts';

/** The rungs of the ladder, the fastest first. */
export const backendNames = ['tensorflow', 'wasm', 'cpu'] as const;
export type BackendName = (typeof backendNames)[number];

/**
 * The rung that a value of the environment fact `backend` names.
 * @param value as `training/environment.ts` returns it, `tensorflow 2.15.1`
 * @throws UserError for anything else
 */
export function backendNameOf(value: string): BackendName {
  const name = backendNames.find((each) => each === value.split(' ')[0]);
  if (name === undefined)
    throw new UserError(`"${value}" names no training backend (${backendNames.join(', ')})`);
  return name;
}
