// VGG16's features: our stage's work beside Keras' `predict` on the same TensorFlow.
import { fileURLToPath } from 'node:url';
import { UserError } from '../engine/stage.ts';
import { setUpNative } from '../training/native/setup.ts';
import { type Bench, compared, inTurn } from './bench.ts';
import { peerPython } from './peer-python.ts';
import { startWorker, type Worker } from './worker.ts';

const size = 224;

export const features: Bench = {
  name: 'features',
  title: `VGG16's convolutions, ${size} × ${size}: the features stage beside Keras' predict`,
  async run({ quick, report }) {
    const native = await setUpNative({ report });
    if (native.kind === 'failed')
      throw new UserError(`features measures native TensorFlow: ${native.reason}`);
    const numbers = [size, quick ? 32 : 96].map(String);
    const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url));
    const python = await peerPython(report);
    const ours = await startWorker(process.execPath, [
      '--import',
      'tsx',
      pathOf('features-worker.ts'),
      ...numbers,
    ]);
    let keras: Worker | null = null;
    try {
      if (python !== null) keras = await startWorker(python, [pathOf('peers/keras_features.py'), ...numbers]);
      const figures = await inTurn(quick ? 1 : 5, ours.measure, keras?.measure ?? null);
      return [compared('features', figures, 'images/s', 'larger')];
    } finally {
      await Promise.all([ours.stop(), keras?.stop()]);
    }
  },
};
