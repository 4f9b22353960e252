// The gradient of a convolution's filter on WASM, which tfjs-backend-wasm lacks: without it no convolution can be trained there.
import * as tf from '@tensorflow/tfjs-core';

type Conv2DInfo = tf.backend_util.Conv2DInfo;

/**
 * Registers the kernel `Conv2DBackpropFilter` of the WASM backend.
 *
 * With x `[n, h, w, cin]`, padded to `xp`, and dy `[n, oh, ow, cout]` the gradient is
 * `dw[a, b, ci, co] = Σ_n,i,j xp[n, i·stride + a, j·stride + b, ci] · dy[n, i, j, co]`: for each filter position (a, b) one
 * matrix product of shape `[cin, positions] × [positions, cout]`. The products share their right-hand side, which XNNPACK
 * packs only once.
 */
export function registerConv2dBackpropFilter(): void {
  tf.registerKernel({
    kernelName: tf.Conv2DBackpropFilter,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => {
      const { strides, pad, dataFormat, dimRoundingMode, filterShape } =
        attrs as unknown as tf.Conv2DBackpropFilterAttrs;
      tf.util.assert(
        dataFormat === 'NHWC',
        () => `Conv2DBackpropFilter on WASM: ${dataFormat} is not supported`,
      );
      // A kernel is handed the tensors themselves; only their declared type is the narrower TensorInfo.
      const x = inputs.x as tf.Tensor4D;
      const dy = inputs.dy as tf.Tensor4D;
      const computeInfo = tf.backend_util.computeConv2DInfo;
      const info = computeInfo(x.shape, filterShape, strides, 1, pad, dimRoundingMode, false, 'channelsLast');
      return tf.tidy(() => {
        const { left, right } =
          info.strideHeight === 1 && info.strideWidth === 1 ? shifted(x, dy, info) : strided(x, dy, info);
        const products: tf.Tensor[] = [];
        for (let a = 0; a < info.filterHeight; a++) {
          for (let b = 0; b < info.filterWidth; b++)
            products.push(tf.tidy(() => tf.matMul(left(a, b), right)));
        }
        return tf.reshape(tf.stack(products), filterShape);
      });
    },
  });
}

/** The factors of the products: the left one for each filter position. */
interface Factors {
  left(a: number, b: number): tf.Tensor2D;
  readonly right: tf.Tensor2D;
}

/**
 * Stride 1: dy is laid, with zeros around it, on the grid of the padded x. A filter position is then one shift along the flattened
 * grid, and each left factor a few long copies; where a shift runs over a row's end, it meets a zero of dy.
 */
function shifted(x: tf.Tensor4D, dy: tf.Tensor4D, info: Conv2DInfo): Factors {
  const { batchSize, inChannels, outChannels, filterHeight, filterWidth } = info;
  const padded = padInput(x, info);
  const [, height, width] = padded.shape;
  const grid = tf.pad4d(dy, [
    [0, 0],
    [0, height - info.outHeight],
    [0, width - info.outWidth],
    [0, 0],
  ]);
  const positions = batchSize * height * width;
  const farthest = (filterHeight - 1) * width + filterWidth - 1;
  const count = positions - farthest; // dy is zero at all later ones
  const channelsFirst = tf.reshape(tf.transpose(padded, [3, 0, 1, 2]), [
    inChannels,
    positions,
  ]) as tf.Tensor2D;
  return {
    left: (a, b) => tf.slice2d(channelsFirst, [0, a * width + b], [inChannels, count]),
    right: tf.slice2d(tf.reshape(grid, [positions, outChannels]), [0, 0], [count, outChannels]),
  };
}

function strided(x: tf.Tensor4D, dy: tf.Tensor4D, info: Conv2DInfo): Factors {
  const { batchSize, inChannels, outChannels, outHeight, outWidth, strideHeight, strideWidth } = info;
  const positions = batchSize * outHeight * outWidth;
  const channelsFirst = tf.transpose(padInput(x, info), [3, 0, 1, 2]);
  return {
    left: (a, b) => {
      const end = [
        inChannels,
        batchSize,
        a + (outHeight - 1) * strideHeight + 1,
        b + (outWidth - 1) * strideWidth + 1,
      ];
      const every = tf.stridedSlice(channelsFirst, [0, 0, a, b], end, [1, 1, strideHeight, strideWidth]);
      return tf.reshape(every, [inChannels, positions]);
    },
    right: tf.reshape(dy, [positions, outChannels]),
  };
}

function padInput(x: tf.Tensor4D, { padInfo }: Conv2DInfo): tf.Tensor4D {
  return tf.pad4d(x, [
    [0, 0],
    [padInfo.top, padInfo.bottom],
    [padInfo.left, padInfo.right],
    [0, 0],
  ]);
}
