// Our own WebAssembly module, working on the memory of tfjs-backend-wasm's, on several threads.
import { Worker } from 'node:worker_threads';
import { assemblyBinary } from './assembly-binary.ts';
import type { WasmBackend } from './wasm-memory.ts';

/** What assembly/index.ts exports: addresses and sizes are numbers. */
type Exports = Readonly<
  Record<
    | 'conv2dBackpropFilterScratch'
    | 'conv2dBackpropFilterTiles'
    | 'conv2dBackpropInputScratch'
    | 'matMulScratch'
    | 'run'
    | 'serve'
    | 'workBytes',
    (...numbers: number[]) => number
  >
>;

/** The kernels, in the order of the numbers by which assembly/threads.ts knows them. */
const kernels = [
  'columnSums',
  'conv2dBackpropFilter',
  'matMul',
  'conv2dBackpropInput',
  'maxPoolGrad',
  'reluGrad',
] as const;

/** Our kernels on one backend's memory. */
export class OwnKernels {
  readonly threads: number;
  readonly exports: Exports;
  readonly #memory: WebAssembly.Memory;
  readonly #work: number;

  /** Starts the threads; they don't keep the process alive. */
  constructor({ wasm }: WasmBackend) {
    const memory = wasm.wasmMemory;
    const module = new WebAssembly.Module(Buffer.from(assemblyBinary, 'base64'));
    this.threads = wasm.tfjs.getThreadsCount();
    this.exports = new WebAssembly.Instance(module, { env: { memory } }).exports as Exports;
    this.#memory = memory;
    const bytes = this.exports.workBytes(this.threads);
    this.#work = wasm._malloc(bytes) >>> 0;
    new Uint8Array(memory.buffer, this.#work, bytes).fill(0);
    const workerData = { module, memory, work: this.#work };
    for (let i = 1; i < this.threads; i++) {
      new Worker(serving, { eval: true, execArgv: [], workerData }).unref();
    }
  }

  /**
   * Runs a kernel, and returns when all of its parts are done.
   *
   * @param parts the kernel's arguments for each part, at most as many parts as threads; parts must not write to the same memory
   * @throws Error if a thread has died
   */
  run(kernel: (typeof kernels)[number], parts: readonly (readonly number[])[]): void {
    const words = new Int32Array(this.#memory.buffer, this.#work); // the buffer is another when the memory has grown
    parts.forEach((numbers, part) => {
      words.set(numbers, 16 + 24 * part);
    });
    if (this.exports.run(this.#work, kernels.indexOf(kernel), parts.length) === 0) {
      throw new Error(`${kernel} on WASM: a thread has died`);
    }
  }

  /**
   * Divides `0 … count` into ranges, at most one for each thread, of about the same size.
   *
   * @param step that all ranges but the last are multiples of
   */
  ranges(count: number, step = 1): { readonly start: number; readonly end: number }[] {
    const steps = Math.ceil(count / step);
    const parts = Math.max(1, Math.min(this.threads, steps));
    return Array.from({ length: parts }, (_, i) => ({
      start: Math.floor((i * steps) / parts) * step,
      end: Math.min(count, Math.floor(((i + 1) * steps) / parts) * step),
    }));
  }
}

const serving = `
const { module, memory, work } = require('node:worker_threads').workerData;
new WebAssembly.Instance(module, { env: { memory } }).exports.serve(work);
`;

const loaded = new WeakMap<WasmBackend, OwnKernels>();

/** The kernels on this backend's memory. */
export function ownKernels(backend: WasmBackend): OwnKernels {
  const known = loaded.get(backend);
  if (known !== undefined) return known;
  const made = new OwnKernels(backend);
  loaded.set(backend, made);
  return made;
}
