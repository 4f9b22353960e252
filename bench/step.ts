// The training step of a three-block CNN: native TensorFlow from TypeScript beside Keras' `fit` on the same TensorFlow.
import { fileURLToPath } from 'node:url';
import { UserError } from '../engine/stage.ts';
import { setUpNative } from '../training/native/setup.ts';
import { type Bench, type BenchOptions, compared, inTurn, type Row } from './bench.ts';
import { peerPython } from './peer-python.ts';
import { startWorker, type Worker } from './worker.ts';

interface Case {
  readonly size: number;
  readonly batch: number;
  /** Steps of one run: about two seconds. */
  readonly steps: number;
}

export const step64 = stepBench('step-64', { size: 64, batch: 32, steps: 20 });
export const step224 = stepBench('step-224', { size: 224, batch: 64, steps: 2 });

function stepBench(name: string, which: Case): Bench {
  return {
    name,
    title: `training step, ${which.size} × ${which.size}, batch ${which.batch}: native beside Keras' fit`,
    run: (options) => runStep(name, which, options),
  };
}

async function runStep(
  name: string,
  { size, batch, steps }: Case,
  { quick, report }: BenchOptions,
): Promise<Row[]> {
  const native = await setUpNative({ report });
  if (native.kind === 'failed') throw new UserError(`${name} measures native TensorFlow: ${native.reason}`);
  const numbers = [size, batch, quick ? Math.ceil(steps / 4) : steps].map(String);
  const python = await peerPython(report);
  const script = fileURLToPath(new URL('peers/keras_step.py', import.meta.url));
  const ours = await startOurs('tensorflow', 'train', numbers);
  let keras: Worker | null = null;
  try {
    if (python !== null) keras = await startWorker(python, [script, ...numbers]);
    const figures = await inTurn(quick ? 3 : 5, ours.measure, keras?.measure ?? null);
    return [compared(name, figures, 'images/s', 'larger')];
  } finally {
    await Promise.all([ours.stop(), keras?.stop()]);
  }
}

/** Starts `bench/step-worker.ts`. */
export function startOurs(backend: string, what: 'train' | 'evaluate', numbers: readonly string[]) {
  const script = fileURLToPath(new URL('step-worker.ts', import.meta.url));
  return startWorker(process.execPath, ['--import', 'tsx', script, backend, what, ...numbers]);
}
