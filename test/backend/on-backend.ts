// Runs a computation on one backend and measures how far two results are from each other.
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { type BackendName, loadBackend } from '../../training/backend.ts';

/** Runs on a backend, and gives the result's values with nothing left behind. */
export async function on(backend: BackendName, compute: () => tf.Tensor): Promise<Float32Array> {
  await loadBackend(backend);
  const before = tf.memory().numTensors;
  const result = tf.tidy(compute);
  const values = (await result.data()) as Float32Array;
  result.dispose();
  expect(tf.memory().numTensors, 'tensors left behind').toBe(before);
  return Float32Array.from(values);
}

/** The largest difference, relative to the largest value. */
export function relativeDifference(actual: Float32Array, expected: Float32Array): number {
  expect(actual.length).toBe(expected.length);
  const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const most = actual.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i]!)), 0);
  return most / scale;
}

/** Normally distributed numbers, the same for the same seed. */
export const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);
