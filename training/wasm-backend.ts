// tfjs' WASM backend in its binary with SIMD and threads, which tfjs itself offers to browsers only.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasmModule } from './kernels/wasm-memory.ts';

/** The binary has this many workers ready; more can't be had, since they would start only when the main thread is idle. */
const mostThreads = 8;

const binary = '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd';

/** What `registerThreadedWasm` gives. */
export interface ThreadedWasm {
  /** Of tfjs-backend-wasm. */
  readonly version: string;
  readonly threads: number;
}

type Imports = WebAssembly.Imports & { env: WebAssembly.ModuleImports };

let registered: ThreadedWasm | undefined;

/**
 * Registers the backend `wasm`, with as many threads as `TF_NUM_INTRAOP_THREADS` says or the machine has, at most 8. What it
 * computes doesn't depend on their number: threads share out the results, never the terms of a sum.
 */
export async function registerThreadedWasm(): Promise<ThreadedWasm> {
  if (registered !== undefined) return registered;
  const { BackendWasm, setThreadsCount, version_wasm } = await import('@tensorflow/tfjs-backend-wasm');
  const asked = Number(process.env.TF_NUM_INTRAOP_THREADS);
  const threads = Math.min(mostThreads, asked > 0 ? asked : availableParallelism());
  tf.removeBackend('wasm'); // tfjs' own, which has not been started
  tf.registerBackend('wasm', async () => {
    setThreadsCount(threads);
    const wasm = await instantiate(threads);
    const backend = new BackendWasm(wasm as never); // starts XNNPACK's threads
    stopSpareWorkers(wasm);
    return backend;
  });
  registered = { version: version_wasm, threads };
  return registered;
}

/** Emscripten's module, as tfjs' loader makes it, but for the number of threads: that one takes half of the processors at most. */
async function instantiate(threads: number): Promise<BackendWasmModule> {
  const require = createRequire(import.meta.url);
  const factory = require(`${binary}.js`) as (config: object) => Promise<BackendWasmModule>;
  const { wasmWorkerContents } = require(`${binary}.worker.js`) as { wasmWorkerContents: string };
  // tfjs keeps the worker's script in a template string, in which a line feed of the script's own has become a real one.
  const script = wasmWorkerContents.replaceAll('\n', '\\n');
  const module = await WebAssembly.compile(await readFile(require.resolve(`${binary}.wasm`)));
  const config = {
    mainScriptUrlOrBlob: require.resolve(`${binary}.js`),
    instantiateWasm(imports: Imports, receive: (instance: object, module: object) => void) {
      imports.env.emscripten_num_logical_cores = () => 2 * threads;
      const instance = new WebAssembly.Instance(module, imports);
      receive(instance, module);
      return instance.exports;
    },
  };
  const wasm = await startingWorkersWith(script, () => factory(config));
  wasm.tfjs = {
    init: wasm.cwrap('init', null, []),
    initWithThreadsCount: wasm.cwrap('init_with_threads_count', null, ['number']),
    getThreadsCount: wasm.cwrap('get_threads_count', 'number', []),
    registerTensor: wasm.cwrap('register_tensor', null, ['number', 'number', 'number']),
    disposeData: wasm.cwrap('dispose_data', null, ['number']),
    dispose: wasm.cwrap('dispose', null, []),
  };
  return wasm;
}

/**
 * Emscripten's loader starts its workers at once, from a file that tfjs doesn't ship, and leaves the class behind as a global.
 * Here they get the script itself, and not the parent's `--import tsx`, which would take them longer than all else.
 */
function startingWorkersWith<T>(script: string, load: () => T): T {
  const threads = createRequire(import.meta.url)(
    'node:worker_threads',
  ) as typeof import('node:worker_threads');
  const { Worker } = threads;
  const globals = globalThis as { Worker?: unknown };
  const before = Object.getOwnPropertyDescriptor(globals, 'Worker');
  threads.Worker = class extends Worker {
    constructor() {
      super(script, { eval: true, execArgv: [] });
    }
  };
  try {
    return load();
  } finally {
    threads.Worker = Worker;
    if (before === undefined) delete globals.Worker;
    else Object.defineProperty(globals, 'Worker', before);
  }
}

/** The workers that no thread of XNNPACK's has been given to: each takes some ten megabytes. None keeps the process alive. */
function stopSpareWorkers({ PThread }: BackendWasmModule): void {
  for (const worker of PThread.unusedWorkers) void worker.terminate();
  PThread.unusedWorkers.length = 0;
  for (const worker of PThread.runningWorkers) worker.unref();
}
