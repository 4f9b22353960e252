// `npm test` alone sets native TensorFlow up, so that no test is skipped that this machine can run.
import { expect, it } from 'vitest';
import { nativePlaces } from '../../training/native/places.ts';
import { nativeState } from '../../training/native/state.ts';

it('was tried before the first test', () => {
  expect(['ready', 'failed']).toContain(nativeState(nativePlaces()).kind);
});
