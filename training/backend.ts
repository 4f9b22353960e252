// The backend ladder: loads one rung into the tfjs engine that all of the project shares.
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers'; // registers all gradients, which ours must replace: so it goes first
import { UserError } from '../engine/stage.ts';
import { type BackendName, backendNameOf, type Rung } from './backend-name.ts';
import { registerKernels } from './kernels/index.ts';
import { loadNativeKernels } from './kernels/native-kernels.ts';
import { ownKernelsBeside } from './native/own-kernels.ts';
import { nativePlaces } from './native/places.ts';
import { linkedFlavour } from './native/state.ts';
import { tensorflowThreads } from './numerics.ts';
import { registerThreadedWasm } from './wasm-backend.ts';

export { type BackendName, backendNameOf };

/** A loaded backend. */
export interface Backend {
  readonly name: BackendName;
  /** For people and metrics: `tensorflow 2.15.1 (kernels for avx512)`, `tensorflow-gpu 2.15.1`. */
  readonly label: string;
  /** Threads that rodada's kernels may use. */
  readonly threads: number;
}

/**
 * Loads exactly this rung, with our kernels and gradients, and makes it the current one. Nothing falls back: a run that is
 * recorded as native TensorFlow's must be that.
 *
 * @throws UserError where the backend can't be loaded, with the next step
 */
export async function loadBackend(rung: Rung): Promise<Backend> {
  const load = {
    'tensorflow-gpu': () => loadTensorflow('tensorflow-gpu'),
    tensorflow: () => loadTensorflow('tensorflow'),
    wasm: loadWasm,
    cpu: loadCpu,
  }[rung];
  const backend = await load();
  registerKernels(backend.name);
  await withoutNewListeners(async () => {
    if (!(await tf.setBackend(backend.name))) throw new UserError(`The ${rung} backend doesn't start.`);
    await tf.ready();
  });
  return backend;
}

/**
 * The WASM module listens to uncaught errors only to throw them again, from a line of 20 kB that Node then prints: an error of
 * ours would be lost in it. So the listeners that it adds are taken off.
 */
async function withoutNewListeners(start: () => Promise<void>): Promise<void> {
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = events.map((event) => new Set<unknown>(process.rawListeners(event)));
  await start();
  events.forEach((event, i) => {
    for (const listener of process.rawListeners(event)) {
      if (!before[i]!.has(listener)) process.off(event, listener as () => void);
    }
  });
}

/** TensorFlow reads its environment once, when it is loaded, so a process has one of the two rungs. */
async function loadTensorflow(rung: 'tensorflow-gpu' | 'tensorflow'): Promise<Backend> {
  const gpu = rung === 'tensorflow-gpu';
  if (gpu) {
    // The same seed gives the same bytes: else cuDNN picks algorithms by trial, and some kernels add in the order of their threads.
    // It stands for TF_CUDNN_DETERMINISTIC, too.
    process.env.TF_DETERMINISTIC_OPS = '1';
  } else {
    process.env.CUDA_VISIBLE_DEVICES = '-1';
  }
  // Without TensorFlow's notes on CPU features and missing GPUs. With CUDA it also reports three errors at each start that are none
  // (factories that both its libraries register).
  process.env.TF_CPP_MIN_LOG_LEVEL ??= gpu ? '3' : '2';
  restoreIsNullOrUndefined();
  const asked = process.env.TF_NUM_INTRAOP_THREADS;
  if (!asked) process.env.TF_NUM_INTRAOP_THREADS = String(tensorflowThreads);
  try {
    // Synchronous: tfjs-node starts TensorFlow and its threads when it is loaded, and its CommonJS build shares our tfjs-core.
    createRequire(import.meta.url)('@tensorflow/tfjs-node-gpu');
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0];
    throw new UserError(`Native TensorFlow doesn't load; \`npm run native\` sets it up. (${reason})`);
  } finally {
    // rodada's kernels read it later, for their own threads.
    if (!asked) delete process.env.TF_NUM_INTRAOP_THREADS;
  }
  const node = tf.findBackend('tensorflow') as tf.KernelBackend & {
    binding: { TF_Version: string };
    isUsingGpuDevice: boolean;
  };
  if (node.isUsingGpuDevice !== gpu) {
    throw new UserError(
      gpu
        ? 'TensorFlow finds no GPU now, and this is to run on one; `npm run native` looks again.'
        : 'TensorFlow was started on the GPU, and this is to run on the CPU.',
    );
  }
  const places = nativePlaces();
  const kernels = gpu ? undefined : ownKernelsBeside(places.binding);
  if (!gpu && kernels === undefined && linkedFlavour(places) !== undefined) {
    throw new UserError("rodada's kernels for TensorFlow are gone; `npm run native` makes them anew.");
  }
  const instructions = kernels === undefined ? '' : ` (kernels for ${loadNativeKernels(kernels)})`;
  return {
    name: 'tensorflow',
    label: `${rung} ${node.binding.TF_Version}${instructions}`,
    threads: Number(asked) || availableParallelism(),
  };
}

async function loadWasm(): Promise<Backend> {
  const { version, threads } = await registerThreadedWasm();
  return { name: 'wasm', label: `wasm ${version}`, threads };
}

async function loadCpu(): Promise<Backend> {
  const { version_cpu } = await import('@tensorflow/tfjs-backend-cpu');
  const cpu = tf.findBackend('cpu') as tf.KernelBackend & { firstUse: boolean };
  cpu.firstUse = false; // it would print a paragraph that recommends tfjs-node
  return { name: 'cpu', label: `cpu ${version_cpu}`, threads: 1 };
}

/** tfjs-node 4.22 calls `util.isNullOrUndefined`, which Node 23 removed. */
function restoreIsNullOrUndefined(): void {
  const legacy = util as { isNullOrUndefined?: (value: unknown) => boolean };
  legacy.isNullOrUndefined ??= (value) => value === null || value === undefined;
}
