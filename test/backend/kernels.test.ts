// Our kernels against the cpu backend's plain loops, and against native TensorFlow where it is set up.
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { BackendName } from '../../training/backend.ts';
import { dropoutMask } from '../../training/kernels/dropout-mask.ts';
import { native } from '../support/native.ts';
import { normal, on, relativeDifference } from './on-backend.ts';

const fastBackends: BackendName[] = native ? ['tensorflow', 'wasm'] : ['wasm'];

describe('gradients of a convolution', () => {
  const shapes = [
    { x: [2, 9, 8, 3], filter: [3, 3, 3, 5] },
    { x: [3, 7, 10, 4], filter: [5, 2, 4, 6] },
    { x: [1, 6, 6, 8], filter: [1, 1, 8, 2] },
  ];
  const pads = ['same', 'valid', 1] as const;
  const cases = shapes
    .flatMap((shape) => pads.flatMap((pad) => [1, 2].map((stride) => ({ ...shape, pad, stride }))))
    .filter(({ filter, pad }) => pad !== 1 || filter[0] === 3); // explicit padding with the filter that it suits
  it.each(cases)('x $x, filter $filter, pad $pad, stride $stride', async ({ x, filter, pad, stride }) => {
    for (const wanted of ['filter', 'input'] as const) {
      const compute = () => {
        const [$x, $filter] = [normal(x, 1) as tf.Tensor4D, normal(filter, 2) as tf.Tensor4D];
        const loss = (a: tf.Tensor, b: tf.Tensor) =>
          tf.sum(tf.square(tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, stride, pad)));
        return wanted === 'filter'
          ? tf.grad((b) => loss($x, b))($filter)
          : tf.grad((a) => loss(a, $filter))($x);
      };
      const expected = await on('cpu', compute);
      for (const backend of fastBackends) {
        if (backend === 'tensorflow' && pad === 1) continue; // tfjs-node has no explicit padding
        expect(
          relativeDifference(await on(backend, compute), expected),
          `${wanted} on ${backend}`,
        ).toBeLessThan(1e-5);
      }
    }
  });
});

describe('the gradient of ReLU', () => {
  const inputs = [-1.5, -0, 0, 1e-30, 2, -3e38, 3e38, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const dy = [1, 2, 3, 4, 5, 6, -7, 8, -9];
  it.each<BackendName>([
    ...fastBackends,
    'cpu',
  ])('passes where the input is positive, on %s', async (backend) => {
    const gradient = await on(backend, () =>
      tf.grad((x) => tf.relu(x))(tf.tensor1d(inputs), tf.tensor1d(dy)),
    );
    expect([...gradient]).toEqual(dy.map((each, i) => (inputs[i]! > 0 ? each : 0)));
  });
});

describe('a dropout mask', () => {
  it('is the same on every backend: TensorFlow is the oracle of our Philox', async () => {
    for (const seed of [
      [0, 0],
      [7, 1],
      [-3, 2 ** 31 - 1],
      [-(2 ** 31), -1],
    ] as [number, number][]) {
      const masks: Float32Array[] = [];
      for (const backend of [...fastBackends, 'cpu' as const]) {
        masks.push(await on(backend, () => dropoutMask([5, 7, 3], 0.3, seed)));
      }
      for (const mask of masks) expect(mask).toEqual(masks[0]);
    }
  });

  it('keeps 1 − rate of the values, scaled so that their mean stays 1, and differs from step to step', async () => {
    for (const rate of [0.2, 0.5, 0.9]) {
      const one = await on('cpu', () => dropoutMask([400, 500], rate, [20, 1]));
      const next = await on('cpu', () => dropoutMask([400, 500], rate, [20, 2]));
      const kept = one.filter((value) => value > 0);
      expect([...new Set(kept)]).toEqual([Math.fround(1 / (1 - rate))]);
      // Standard error of the share: √(rate · (1 − rate) / 200,000), at most 0.0012; four of them.
      expect(Math.abs(kept.length / one.length - (1 - rate))).toBeLessThan(0.005);
      const agreeing = one.filter((value, i) => value > 0 === next[i]! > 0).length / one.length;
      expect(Math.abs(agreeing - (rate ** 2 + (1 - rate) ** 2))).toBeLessThan(0.005);
    }
  });

  it('refuses a rate outside [0, 1)', () => {
    expect(() => dropoutMask([1], 1, [0, 0])).toThrow(RangeError);
    expect(() => dropoutMask([1], Number.NaN, [0, 0])).toThrow(RangeError);
  });
});
