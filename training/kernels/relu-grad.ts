// The gradient of ReLU as one operation. tfjs computes it as step, cast and multiplication over the whole tensor, which costs a
// training step on native TensorFlow a third of its time.
import * as tf from '@tensorflow/tfjs-core';
import type { BackendName } from '../backend-name.ts';
import { floatType, type TensorflowBackend } from './tensorflow-op.ts';
import type { WasmBackend } from './wasm-memory.ts';
import { wasmFloats } from './wasm-memory.ts';

/** Named as TensorFlow's operation: `ReluGrad(dy, y) = y > 0 ? dy : 0`; `y` may be ReLU's input or its output. */
const ReluGrad = 'ReluGrad';

interface ReluGradArguments {
  inputs: tf.NamedTensorInfoMap;
  backend: unknown;
}

/**
 * Registers the kernel for a backend, and the gradient of `Relu` that runs it. All of a layer's ways to ReLU come here when they
 * are trained: tfjs fuses the activation of conv2d and dense layers only where no gradient is taken.
 */
export function registerReluGrad(backend: BackendName): void {
  const kernels = { tensorflow: onTensorflow, wasm: onWasm, cpu: onCpu };
  tf.registerKernel({ kernelName: ReluGrad, backendName: backend, kernelFunc: kernels[backend] });
  tf.registerGradient({
    kernelName: tf.Relu,
    outputsToSave: [true], // the output, so that the input need not be kept until the backward pass
    gradFunc: (dy, saved) => {
      const [y] = saved;
      return { x: () => tf.engine().runKernel(ReluGrad, { dy: dy as tf.Tensor, y: y! }) as tf.Tensor };
    },
  });
}

function onTensorflow({ inputs, backend }: ReluGradArguments): tf.TensorInfo {
  const node = backend as TensorflowBackend;
  return node.executeSingleOutput(ReluGrad, [floatType(node, 'T')], [inputs.dy!, inputs.y!]);
}

function onWasm({ inputs, backend }: ReluGradArguments): tf.TensorInfo {
  const wasm = backend as WasmBackend;
  const dx = wasm.makeOutput(inputs.dy!.shape, 'float32');
  // The views are taken after the output is made: making it may grow the memory, which detaches older views.
  reluGrad(wasmFloats(wasm, inputs.dy!), wasmFloats(wasm, inputs.y!), wasmFloats(wasm, dx));
  return dx;
}

function onCpu({ inputs, backend }: ReluGradArguments): tf.TensorInfo {
  const cpu = backend as tf.KernelBackend & {
    makeTensorInfo(shape: number[], dtype: tf.DataType, values: Float32Array): tf.TensorInfo;
  };
  const values = (tensor: tf.TensorInfo): Float32Array => cpu.readSync(tensor.dataId) as Float32Array;
  const dx = new Float32Array(tf.util.sizeFromShape(inputs.dy!.shape));
  reluGrad(values(inputs.dy!), values(inputs.y!), dx);
  return cpu.makeTensorInfo(inputs.dy!.shape, 'float32', dx);
}

/**
 * On the bits of the floats, without a branch: half of the signs can't be predicted, which makes the plain comparison four times
 * slower. As integers, positive floats are positive; 0 is 0; negative ones and -0 are negative.
 */
function reluGrad(dy: Float32Array, y: Float32Array, dx: Float32Array): void {
  const [dyBits, yBits, dxBits] = [dy, y, dx].map(
    (a) => new Int32Array(a.buffer, a.byteOffset, a.length),
  ) as [Int32Array, Int32Array, Int32Array];
  for (let i = 0; i < dxBits.length; i++) {
    const bits = yBits[i]!;
    dxBits[i] = dyBits[i]! & ((-bits & ~bits) >> 31); // all ones where bits > 0, else 0
  }
}
