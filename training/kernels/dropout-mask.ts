// Dropout masks drawn on the backend. tfjs draws each number by itself in JavaScript, slowly on large tensors, and repeats one mask
// when it is given a seed.
import * as tf from '@tensorflow/tfjs-core';
import { statelessUniform } from './philox.ts';
import { floatType, intType, tensorflowBackend } from './tensorflow-op.ts';

/**
 * A mask of inverted dropout: `1 / (1 − rate)` with probability `1 − rate`, else 0. One seed gives one mask, the same on every
 * backend.
 *
 * @param shape of the layer's input, `[batch, …]`
 * @param rate share that is dropped, 0 ≤ rate < 1
 * @param seed two 32-bit integers: say the layer's seed, and the number of the step
 * @returns float32
 */
export function dropoutMask(
  shape: readonly number[],
  rate: number,
  seed: readonly [number, number],
): tf.Tensor {
  if (!(rate >= 0 && rate < 1)) throw new RangeError(`Dropout's rate ${rate} is not in [0, 1).`);
  return tf.tidy(() => {
    const kept = tf.greaterEqual(uniform(shape, seed), tf.scalar(rate));
    return tf.mul(tf.cast(kept, 'float32'), tf.scalar(1 / (1 - rate)));
  });
}

/** Uniform numbers in [0, 1). */
function uniform(shape: readonly number[], seed: readonly [number, number]): tf.Tensor {
  if (tf.getBackend() !== 'tensorflow') {
    return tf.tensor(statelessUniform(tf.util.sizeFromShape([...shape]), seed), [...shape], 'float32');
  }
  const backend = tensorflowBackend();
  return backend.executeSingleOutput(
    'StatelessRandomUniform',
    [floatType(backend, 'dtype'), intType(backend, 'T'), intType(backend, 'Tseed')],
    [tf.tensor1d([...shape], 'int32'), tf.tensor1d([...seed], 'int32')],
  );
}
