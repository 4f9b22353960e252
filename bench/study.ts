// The study as its authors ran it, in Keras, beside ours: the same pictures, models, iterations and epochs on the same CPU.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { UserError } from '../engine/stage.ts';
import { setUpNative } from '../training/native/setup.ts';
import { type Bench, compared, inTurn } from './bench.ts';
import { peerPython } from './peer-python.ts';
import { writeStudyPictures } from './study-pictures.ts';

/** Of the study; a run of fewer pictures takes as much less on both sides. */
const iterations = [
  { batch: 32, epochs: 20 },
  { batch: 64, epochs: 20 },
  { batch: 64, epochs: 30 },
];

/** A tenth of the epochs: what is computed once counts for ten times as much as in the study. */
const shortened = iterations.map(({ batch, epochs }) => ({ batch, epochs: epochs / 10 }));

export const study: Bench = {
  name: 'study',
  title:
    'the study’s three models × three iterations: ours beside Keras as its authors ran it (some 20 minutes)',
  async run({ quick, report }) {
    const native = await setUpNative({ report });
    if (native.kind === 'failed') throw new UserError(`study measures native TensorFlow: ${native.reason}`);
    const python = await peerPython(report);
    const folder = await mkdtemp(join(tmpdir(), 'rodada-bench-'));
    try {
      const pictures = await writeStudyPictures(
        folder,
        quick ? { train: 12, validation: 4 } : { train: 32, validation: 8 },
      );
      const settings = ['224', JSON.stringify(quick ? shortened : iterations)];
      const secondsOf = async (command: string, args: readonly string[]) => {
        const { stdout } = await execa(command, args, { env: { TF_CPP_MIN_LOG_LEVEL: '2' } });
        return (JSON.parse(stdout.trim().split('\n').at(-1)!) as { value: number }).value;
      };
      const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url));
      const ours = async () => {
        for (const name of ['backbone', 'pictures.npy', 'features.npy'])
          await rm(join(folder, name), { recursive: true, force: true });
        const args = [pathOf('study-worker.ts'), folder, ...settings, JSON.stringify(pictures)];
        return secondsOf(process.execPath, ['--import', 'tsx', ...args]);
      };
      const keras =
        python === null
          ? null
          : () => secondsOf(python, [pathOf('peers/keras_study.py'), folder, ...settings]);
      // Minutes long, so that one run of each is steady enough.
      return [compared('study', await inTurn(1, ours, keras), 's', 'smaller')];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
