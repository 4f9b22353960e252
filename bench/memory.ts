// Memory: the most that the training stage has resident at the full study's size, whose packed pictures take 2.1 GB.
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { UserError } from '../engine/stage.ts';
import { setUpNative } from '../training/native/setup.ts';
import { type Bench, compared } from './bench.ts';

export const memory224: Bench = {
  name: 'memory-224',
  title: 'the training stage of cnn1, 13,933 pictures of 224 × 224, batch 64: most memory resident',
  async run({ quick, report }) {
    const native = await setUpNative({ report });
    if (native.kind === 'failed')
      throw new UserError(`memory-224 measures native TensorFlow: ${native.reason}`);
    // Memory has reached its plateau after six steps; validation and the checkpoints come on top.
    const steps = quick ? 2 : 8;
    const numbers = [224, 64, 13_933, steps, 300, quick ? 1 : 2].map(String);
    const script = fileURLToPath(new URL('memory-worker.ts', import.meta.url));
    const { stdout } = await execa(process.execPath, ['--import', 'tsx', script, ...numbers]);
    const { value } = JSON.parse(stdout.trim().split('\n').at(-1)!) as { value: number };
    return [compared('memory-224', { rodada: value, peer: null }, 'GiB', 'smaller')];
  },
};
