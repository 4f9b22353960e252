// Whether native TensorFlow is set up here, for the tests that need it.
import { nativePlaces } from '../../training/native/places.ts';
import { nativeState } from '../../training/native/state.ts';

/** @param env the variables that choose which build of it */
export const isNativeReady = (env: NodeJS.ProcessEnv = process.env): boolean =>
  nativeState(nativePlaces(env)).kind === 'ready';

export const native: boolean = isNativeReady();
