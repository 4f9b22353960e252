// The kernels of our own WebAssembly module against the cpu backend's plain loops, at the edges of their tiles and blocks.
import { readFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs-core';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { loadBackend } from '../../training/backend.ts';
import { binaryFile, buildAssembly } from '../../training/kernels/build-assembly.ts';
import { floatsAt, type WasmBackend } from '../../training/kernels/wasm-memory.ts';
import { normal, on, relativeDifference } from './on-backend.ts';

/** Computes on both backends, and expects the same but for rounding. */
async function expectAsOnCpu(compute: () => tf.Tensor, tolerance = 1e-5): Promise<Float32Array> {
  const expected = await on('cpu', compute);
  const actual = await on('wasm', compute);
  expect(relativeDifference(actual, expected)).toBeLessThan(tolerance);
  return actual;
}

it('is what its sources compile to', async () => {
  expect(await readFile(binaryFile, 'utf8')).toBe(await buildAssembly());
}, 60_000);

describe('threads', () => {
  const trained = async (threads: number) => {
    const { stdout, stderr } = await execa('node', ['--import', 'tsx', 'test/backend/trained-bytes.ts'], {
      env: { TF_NUM_INTRAOP_THREADS: String(threads) },
      timeout: 60_000,
    });
    expect(stderr).toBe('');
    return JSON.parse(stdout) as { threads: number; bytes: string };
  };

  it('change nothing about the result, whatever their number, and let the process end', async () => {
    const [one, two, again, five, most] = [
      await trained(1),
      await trained(2),
      await trained(2),
      await trained(5),
      await trained(100),
    ];
    expect([one, two, again, five, most].map(({ threads }) => threads)).toEqual([1, 2, 2, 5, 8]);
    expect(new Set([one, two, again, five, most].map(({ bytes }) => bytes)).size).toBe(1);
  }, 300_000);

  it('leave no listener and no global behind', async () => {
    const before = process.listenerCount('uncaughtException');
    await loadBackend('wasm');
    expect(process.listenerCount('uncaughtException')).toBe(before);
    expect('Worker' in globalThis).toBe(false);
  });
});

describe("a convolution's filter gradient", () => {
  type Case = [x: number[], filter: number[], strides: [number, number], pad: 'same' | 'valid'];
  it.each<Case>([
    [[1, 5, 5, 1], [3, 3, 1, 1], [1, 1], 'same'], // one picture, one channel, one filter
    [[1, 64, 64, 3], [3, 3, 3, 32], [1, 1], 'same'], // several blocks of rows
    [[2, 37, 61, 3], [3, 3, 3, 9], [1, 1], 'valid'], // a last block that is not full
    [[2, 150, 3, 2], [3, 2, 2, 8], [1, 1], 'same'], // narrow: many rows in a block
    [[1, 3, 300, 1], [3, 3, 1, 7], [1, 1], 'same'], // a row longer than a block
    [[3, 11, 13, 5], [3, 5, 5, 17], [2, 3], 'same'],
    [[3, 11, 13, 5], [4, 2, 5, 16], [3, 1], 'valid'],
    [[2, 9, 9, 4], [1, 1, 4, 8], [2, 2], 'valid'], // columns at the right that no patch reaches
    [[2, 2, 2, 3], [5, 5, 3, 4], [1, 1], 'same'], // a filter larger than the picture
    [[4, 16, 16, 64], [3, 3, 64, 128], [1, 1], 'same'],
  ])('x %j, filter %j, strides %j, pad %s', async (x, filter, strides, pad) => {
    await expectAsOnCpu(() => {
      const picture = normal(x, 1) as tf.Tensor4D;
      const convolve = (w: tf.Tensor) => tf.conv2d(picture, w as tf.Tensor4D, strides, pad);
      const dy = normal(convolve(tf.zeros(filter)).shape, 2);
      return tf.grad((w) => tf.sum(tf.mul(convolve(w), dy)))(tf.zeros(filter));
    });
  });

  it('stays exact over a hundred thousand positions', async () => {
    await expectAsOnCpu(() => {
      const x = tf.add(normal([32, 64, 64, 1], 1), 1) as tf.Tensor4D;
      const convolve = (w: tf.Tensor) => tf.conv2d(x, w as tf.Tensor4D, 1, 'same');
      return tf.grad((w) => tf.sum(tf.mul(convolve(w), tf.add(x, 1))))(tf.zeros([3, 3, 1, 1]));
    }, 2e-6);
  });
});

describe("a convolution's input gradient", () => {
  type Case = [x: number[], filter: number[], stride: number, pad: 'same' | 'valid'];
  it.each<Case>([
    [[1, 1, 1, 1], [1, 1, 1, 1], 1, 'valid'],
    [[1, 5, 6, 1], [3, 3, 1, 1], 1, 'same'],
    [[2, 9, 11, 3], [3, 3, 3, 7], 1, 'same'], // neither positions nor channels fill the last tile
    [[3, 10, 16, 16], [3, 3, 16, 8], 1, 'valid'],
    [[2, 7, 9, 9], [5, 2, 9, 4], 1, 'same'],
    [[2, 6, 13, 8], [1, 4, 8, 5], 1, 'valid'],
    [[2, 2, 2, 3], [5, 5, 3, 4], 1, 'same'], // a filter larger than the picture
    [[2, 8, 9, 3], [3, 3, 3, 4], 2, 'same'], // left to tfjs' kernel
  ])('x %j, filter %j, stride %i, pad %s', async (x, filter, stride, pad) => {
    await expectAsOnCpu(() => {
      const w = normal(filter, 1) as tf.Tensor4D;
      const convolve = (each: tf.Tensor) => tf.conv2d(each as tf.Tensor4D, w, stride, pad);
      const dy = normal(convolve(tf.zeros(x)).shape, 2);
      return tf.grad((each) => tf.sum(tf.mul(convolve(each), dy)))(tf.zeros(x));
    });
  });
});

describe('a product of matrices', () => {
  const sizes = [
    [1, 1, 1],
    [3, 5, 7],
    [4, 8, 8],
    [66, 300, 517], // over the edge of a block in each direction
    [32, 1030, 10],
    [1030, 32, 4],
  ] as const;
  const cases = sizes.flatMap(([height, depth, width]) =>
    [false, true].flatMap((left) => [false, true].map((right) => ({ height, depth, width, left, right }))),
  );
  it.each(cases)('$height × $depth × $width, transposed: $left, $right', async ({
    height,
    depth,
    width,
    left,
    right,
  }) => {
    await expectAsOnCpu(() =>
      tf.matMul(
        normal(left ? [depth, height] : [height, depth], 1),
        normal(right ? [width, depth] : [depth, width], 2),
        left,
        right,
      ),
    );
  });

  it('of each pair in a batch, and of one matrix with all of a batch', async () => {
    await expectAsOnCpu(() => tf.matMul(normal([2, 3, 5, 6], 1), normal([2, 3, 7, 6], 2), false, true));
    await expectAsOnCpu(() => tf.matMul(normal([1, 5, 6], 1), normal([4, 6, 7], 2)));
  });

  it('is zero where there is nothing to sum up', async () => {
    expect([...(await on('wasm', () => tf.matMul(tf.zeros([2, 0]), tf.zeros([0, 3]))))]).toEqual(
      Array(6).fill(0),
    );
  });
});

describe("max-pooling's gradient", () => {
  type Case = [
    x: number[],
    window: [number, number],
    strides: [number, number],
    pad: 'same' | 'valid' | number,
  ];
  it.each<Case>([
    [[1, 4, 4, 1], [2, 2], [2, 2], 'valid'],
    [[2, 9, 7, 3], [2, 2], [2, 2], 'same'],
    [[3, 8, 9, 5], [3, 3], [2, 2], 'same'], // windows that overlap
    [[2, 8, 8, 8], [3, 2], [1, 1], 'valid'],
    [[2, 7, 7, 6], [2, 2], [3, 3], 'valid'], // gaps between the windows
    [[1, 6, 5, 4], [3, 3], [2, 2], 1],
  ])('x %j, window %j, strides %j, pad %s', async (x, window, strides, pad) => {
    await expectAsOnCpu(() => {
      const picture = normal(x, 1) as tf.Tensor4D;
      const mode = pad === 1 ? 'floor' : undefined;
      const pool = (each: tf.Tensor) => tf.maxPool(each as tf.Tensor4D, window, strides, pad, mode);
      return tf.grad((each) => tf.sum(tf.mul(pool(each), normal(pool(picture).shape, 2))))(picture);
    });
  });

  it('goes to the first of equal values, and nowhere where all are -∞ or no number', async () => {
    const low = Number.NEGATIVE_INFINITY;
    for (const channels of [1, 4]) {
      const windows = [
        [0, 0, 0, 0],
        [1, 2, 2, 1],
        [low, low, low, low],
        [Number.NaN, 3, Number.NaN, 1],
        [Number.NaN, Number.NaN, Number.NaN, Number.NaN],
      ];
      const x = () =>
        tf.tensor4d(
          windows.flatMap((window) => window.flatMap((value) => Array<number>(channels).fill(value))),
          [windows.length, 2, 2, channels],
        );
      const gradient = await on('wasm', () =>
        tf.grad((each) => tf.maxPool(each as tf.Tensor4D, 2, 2, 'valid'))(x()),
      );
      const first = [...gradient].filter((_, i) => i % channels === 0);
      expect(first).toEqual([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    }
  });
});

describe('a sum', () => {
  it.each([
    [[700, 5], [0], false],
    [[3, 9, 8, 33], [0, 1, 2], false],
    [[3, 9, 8, 16], [0], true],
    [[4, 3, 2], [1, 0], true],
    [[4, 3, 2], [2], false], // and those that are left to tfjs' kernel
    [[4, 3, 2], [0, 2], false],
    [[4, 3, 2], [0, 1, 2], true],
  ] as [number[], number[], boolean][])('of %j over the axes %j, kept: %j', async (shape, axes, keep) => {
    const summed = () => tf.sum(normal(shape, 1), axes, keep);
    await expectAsOnCpu(summed);
    await loadBackend('cpu');
    const expected = tf.tidy(() => summed().shape);
    await loadBackend('wasm');
    expect(tf.tidy(() => summed().shape)).toEqual(expected);
  });

  it('of integers and truth values', async () => {
    for (const dtype of ['int32', 'bool'] as const) {
      await expectAsOnCpu(() => tf.sum(tf.cast(tf.tensor2d([1, 0, 1, 1, 1, 0], [3, 2]), dtype), 0));
    }
  });
});

describe("ReLU's gradient", () => {
  it.each([1, 4, 7, 1024])('of %i values', async (count) => {
    await expectAsOnCpu(() => tf.grad((x) => tf.relu(x))(normal([count], 1), tf.add(normal([count], 2), 9)));
  });
});

it('says when memory is out, of which WebAssembly has 4 GB', async () => {
  await loadBackend('wasm');
  const backend = tf.backend() as unknown as WasmBackend;
  const large = Array.from({ length: 5 }, () => backend.makeOutput([2 ** 28 - 1024], 'float32')); // reserved, never written
  try {
    expect(() => large.map((each) => floatsAt(backend, each))).toThrow('out of memory');
  } finally {
    for (const each of large) backend.disposeData(each.dataId, true);
  }
});

describe('a copy of a tensor', () => {
  it('keeps the values when the original is gone', async () => {
    await loadBackend('wasm');
    const original = tf.tensor1d([1, 2, 3]);
    const copy = original.clone();
    original.dispose();
    const other = tf.tensor1d([4, 5, 6]); // would take the original's place
    expect([...copy.dataSync()]).toEqual([1, 2, 3]);
    tf.dispose([copy, other]);
  });

  it('keeps the values when the variable that it was taken of moves on', async () => {
    await loadBackend('wasm');
    const variable = tf.variable(tf.tensor1d([1, 2, 3]));
    const copy = variable.clone();
    variable.assign(tf.tensor1d([7, 8, 9]));
    expect([...copy.dataSync()]).toEqual([1, 2, 3]);
    expect([...variable.dataSync()]).toEqual([7, 8, 9]);
    tf.dispose([copy, variable]);
  });
});
