// Measures the memory of the training stage at the full study's size: 13,933 pictures of 224 × 224, of which a few are in the split.
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StageInputs } from '../engine/stage.ts';
import { writeIndex } from '../pictures/index.ts';
import { writeHeader } from '../pictures/npy-format.ts';
import { writeSplit } from '../pictures/split.ts';

const [size = 0, batch = 0, pictures = 0, steps = 0, validation = 0, epochs = 0] = process.argv
  .slice(2)
  .map(Number);
const classes = ['bus', 'car', 'motorcycle', 'truck'];
const folder = await mkdtemp(join(tmpdir(), 'rodada-bench-'));
const at = (name: string) => join(folder, name);
try {
  await writeBlack(at('pictures.npy'));
  const rows = Array.from({ length: pictures }, (_, row) => row);
  await writeIndex(
    at('pictures.jsonl'),
    rows.map((row) => ({
      path: `${row}.png`,
      class: classes[row % classes.length]!,
      group: `${row}`,
      origin: 'bench',
    })),
  );
  // Both sides lie spread over the whole file.
  const chosen = Array.from({ length: batch * steps + validation }, (_, i) =>
    Math.floor((i * pictures) / (batch * steps + validation)),
  );
  const isValidation = (i: number) => i % Math.ceil(chosen.length / validation) === 0;
  await writeSplit(at('split.json'), {
    classes,
    train: chosen.filter((_, i) => !isValidation(i)),
    validation: chosen.filter((_, i) => isValidation(i)),
  });
  await mkdir(at('partial'));
  const inputs: StageInputs = {
    name: 'train:cnn1',
    params: {
      seed: 20,
      models: {
        cnn1: {
          filters: [32, 64, 128],
          dense: 128,
          dropout: 0.5,
          optimizer: { name: 'nadam', learningRate: 0.001 },
        },
      },
    },
    matrix: { run: { batch, epochs } },
    labels: { model: 'cnn1', run: 'bench' },
    deps: { inputs: at('pictures.npy'), index: at('pictures.jsonl'), split: at('split.json') },
    lists: {},
    outs: {
      model: at('model.h5'),
      history: at('history.json'),
      timing: at('timing.json'),
      checkpoint: at('checkpoint.h5'),
    },
    env: { backend: 'tensorflow' },
    partial: at('partial'),
  };
  await writeFile(at('stage.json'), JSON.stringify(inputs));
  process.env.RODADA_STAGE = at('stage.json');
  process.env.RODADA_CHECKPOINTS = 'all';
  await import('../stages/train/cnn1.ts');
  if (process.exitCode !== undefined) throw new Error('The stage failed.');
  // In KiB: VmHWM, where there is a /proc.
  process.stdout.write(`${JSON.stringify({ value: process.resourceUsage().maxRSS / 2 ** 20 })}\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** An array of black pictures, which takes no room on disk where the file system leaves out what is 0. */
async function writeBlack(path: string): Promise<void> {
  const file = await open(path, 'w');
  const header = writeHeader('uint8', [pictures, size, size, 3]);
  await file.write(header);
  await file.truncate(header.length + pictures * size * size * 3);
  await file.close();
}
