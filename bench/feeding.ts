// Feeding: the share of a training's time that goes into getting its batches. Bytes are normalized in the step itself.
import { fileURLToPath } from 'node:url';
import { UserError } from '../engine/stage.ts';
import { setUpNative } from '../training/native/setup.ts';
import { type Bench, compared, inTurn, type Row } from './bench.ts';
import { startWorker } from './worker.ts';

/** So many pictures of 64 × 64 are kept in memory, as the default study's are; those of 224 × 224 (0.6 GB) are read in each epoch. */
const cases = [
  { name: 'feeding-64', size: 64, batch: 32, pictures: 2000, steps: 50 },
  { name: 'feeding-224', size: 224, batch: 64, pictures: 4000, steps: 8 },
];

export const feeding: Bench = {
  name: 'feeding',
  title: 'waiting for batches, 64 × 64, batch 32, and 224 × 224, batch 64: share of the time of a step',
  async run({ quick, report }) {
    const native = await setUpNative({ report });
    if (native.kind === 'failed') throw new UserError(`feeding measures native TensorFlow: ${native.reason}`);
    const rows: Row[] = [];
    for (const { name, size, batch, pictures, steps } of cases) {
      const numbers = [size, batch, pictures, quick ? Math.ceil(steps / 4) : steps].map(String);
      const script = fileURLToPath(new URL('feeding-worker.ts', import.meta.url));
      const ours = await startWorker(process.execPath, ['--import', 'tsx', script, ...numbers]);
      try {
        rows.push(compared(name, await inTurn(quick ? 2 : 5, ours.measure, null), '% of step', 'smaller'));
      } finally {
        await ours.stop();
      }
    }
    return rows;
  },
};
