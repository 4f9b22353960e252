// Memory: the most that the CNNs' training stages have resident at the full study's size, whose packed pictures take 2.1 GB.
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { type StageInputs, UserError } from '../engine/stage.ts';
import { writeIndex } from '../pictures/index.ts';
import { writeHeader } from '../pictures/npy-format.ts';
import { writeSplit } from '../pictures/split.ts';
import { setUpNative } from '../training/native/setup.ts';
import { type Bench, compared, type Row } from './bench.ts';

const pictures = 13_933;
const size = 224;
const batch = 64;
const classes = ['bus', 'car', 'motorcycle', 'truck'];
const cnn = { filters: [32, 64, 128], dense: 128, dropout: 0.5 };
const models = {
  cnn1: { ...cnn, optimizer: { name: 'nadam', learningRate: 0.001 } },
  cnn2: { ...cnn, optimizer: { name: 'adam', learningRate: 0.001 } },
};
type Model = keyof typeof models;

export const memory224: Bench = {
  name: 'memory-224',
  title: 'training cnn1 and, -cnn2, cnn2 on 13,933 pictures of 224 × 224, batch 64: most memory resident',
  async run({ quick, report }) {
    const native = await setUpNative({ report });
    if (native.kind === 'failed')
      throw new UserError(`memory-224 measures native TensorFlow: ${native.reason}`);
    const rows: Row[] = [];
    for (const model of ['cnn1', 'cnn2'] as const) {
      const value = await mostResident(model, quick);
      const name = model === 'cnn1' ? 'memory-224' : `memory-224-${model}`;
      rows.push(compared(name, { rodada: value, peer: null }, 'GiB', 'smaller'));
    }
    return rows;
  },
};

/** Of a model's training stage, in GiB. */
async function mostResident(model: Model, quick: boolean): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'rodada-bench-'));
  try {
    const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url));
    const args = ['--import', 'tsx', pathOf('memory-worker.ts'), pathOf(`../stages/train/${model}.ts`)];
    // More steps take no more; the checkpoints after each epoch, and its validation, come on top.
    const inputs = await writeInputs(
      folder,
      model,
      quick ? { steps: 2, epochs: 1 } : { steps: 8, epochs: 2 },
    );
    const env = { RODADA_STAGE: inputs, RODADA_CHECKPOINTS: 'all' };
    const { stdout } = await execa(process.execPath, args, { env });
    return (JSON.parse(stdout.trim().split('\n').at(-1)!) as { value: number }).value;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Writes what the stage reads: all pictures, of which the split has a few. @returns the file for RODADA_STAGE */
async function writeInputs(
  folder: string,
  model: Model,
  run: { steps: number; epochs: number },
): Promise<string> {
  const at = (name: string) => join(folder, name);
  await writeBlack(at('pictures.npy'));
  const entry = (row: number) => ({
    path: `${row}.png`,
    class: classes[row % classes.length]!,
    group: `${row}`,
    origin: 'bench',
  });
  await writeIndex(
    at('pictures.jsonl'),
    Array.from({ length: pictures }, (_, row) => entry(row)),
  );
  // Spread over the whole file; every fifth validates.
  const chosen = batch * run.steps * 1.25;
  const rows = Array.from({ length: chosen }, (_, i) => Math.floor((i * pictures) / chosen));
  await writeSplit(at('split.json'), {
    classes,
    train: rows.filter((_, i) => i % 5 !== 4),
    validation: rows.filter((_, i) => i % 5 === 4),
  });
  await mkdir(at('partial'));
  const inputs: StageInputs = {
    name: `train:${model}`,
    params: { seed: 20, models: { [model]: models[model] } },
    matrix: { run: { batch, epochs: run.epochs } },
    labels: { model, run: 'bench' },
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
  return at('stage.json');
}

/** An array of black pictures, which takes no room on disk where the file system leaves out what is 0. */
async function writeBlack(path: string): Promise<void> {
  const file = await open(path, 'w');
  const header = writeHeader('uint8', [pictures, size, size, 3]);
  await file.write(header);
  await file.truncate(header.length + pictures * size * size * 3);
  await file.close();
}
