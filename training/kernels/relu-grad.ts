// The gradient of ReLU as one operation. tfjs computes it as step, cast and multiplication over the whole tensor, which costs a
// training step on native TensorFlow a third of its time.
import * as tf from '@tensorflow/tfjs-core';
import type { BackendName } from '../backend-name.ts';
import { ownKernels } from './own-kernels.ts';
import { floatType, type TensorflowBackend } from './tensorflow-op.ts';
import { floatsAt, type WasmBackend } from './wasm-memory.ts';

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
  const kernels = ownKernels(wasm);
  const parts = kernels
    .ranges(tf.util.sizeFromShape(dx.shape), 1024)
    .map(({ start, end }) => [
      ...[inputs.dy!, inputs.y!, dx].map((each) => floatsAt(wasm, each) + 4 * start),
      end - start,
    ]);
  kernels.run('reluGrad', parts);
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

function reluGrad(dy: Float32Array, y: Float32Array, dx: Float32Array): void {
  for (let i = 0; i < dx.length; i++) dx[i] = y[i]! > 0 ? dy[i]! : 0;
}
