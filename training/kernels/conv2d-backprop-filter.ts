// The gradient of a convolution's filter on WASM, which tfjs-backend-wasm lacks: without it no convolution can be trained there.
import * as tf from '@tensorflow/tfjs-core';

/**
 * Registers the kernel `Conv2DBackpropFilter` of the WASM backend.
 *
 * With x `[n, h, w, cin]`, padded to `xp`, and dy `[n, oh, ow, cout]` the gradient is
 * `dw[a, b, ci, co] = Σ_n,i,j xp[n, i·stride + a, j·stride + b, ci] · dy[n, i, j, co]`: for each filter position (a, b) one
 * matrix product of shape `[cin, n·oh·ow] × [n·oh·ow, cout]`. The products share their right-hand side, which XNNPACK
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
      const info = tf.backend_util.computeConv2DInfo(
        x.shape,
        filterShape,
        strides,
        1,
        pad,
        dimRoundingMode,
        false,
        'channelsLast',
      );
      return tf.tidy(() => filterGradient(x, dy, info));
    },
  });
}

function filterGradient(x: tf.Tensor4D, dy: tf.Tensor4D, info: tf.backend_util.Conv2DInfo): tf.Tensor {
  const { padInfo, filterHeight, filterWidth, inChannels, outChannels, outHeight, outWidth } = info;
  const { strideHeight, strideWidth, batchSize } = info;
  const positions = batchSize * outHeight * outWidth;
  const right = tf.reshape(dy, [positions, outChannels]);
  // Channels first, so that each filter position's slice is the left matrix as it lies in memory.
  const padded = tf.pad4d(x, [
    [0, 0],
    [padInfo.top, padInfo.bottom],
    [padInfo.left, padInfo.right],
    [0, 0],
  ]);
  const channelsFirst = tf.transpose(padded, [3, 0, 1, 2]);
  const products: tf.Tensor2D[] = [];
  for (let a = 0; a < filterHeight; a++) {
    for (let b = 0; b < filterWidth; b++) {
      const left = tf.tidy(() => {
        const end = [a + (outHeight - 1) * strideHeight + 1, b + (outWidth - 1) * strideWidth + 1] as const;
        const slice =
          strideHeight === 1 && strideWidth === 1
            ? tf.slice(channelsFirst, [0, 0, a, b], [inChannels, batchSize, outHeight, outWidth])
            : tf.stridedSlice(
                channelsFirst,
                [0, 0, a, b],
                [inChannels, batchSize, ...end],
                [1, 1, strideHeight, strideWidth],
              );
        return tf.reshape(slice, [inChannels, positions]) as tf.Tensor2D;
      });
      products.push(tf.matMul(left, right));
      left.dispose();
    }
  }
  return tf.reshape(tf.stack(products), [filterHeight, filterWidth, inChannels, outChannels]);
}
