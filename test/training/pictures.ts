// Small arrays of pictures that a network can learn to tell apart, for the training tests.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeIndex } from '../../pictures/index.ts';
import { NpyFile, NpyWriter } from '../../pictures/npy.ts';
import { type Random, seededRandom } from '../../pictures/random.ts';
import { writeSplit } from '../../pictures/split.ts';
import type { Examples } from '../../training/batches.ts';

export const classes = ['cross', 'disc', 'ring'];

/** Where the tests' pictures lie, as the stages' dependencies. */
export interface Study {
  readonly pictures: string;
  readonly index: string;
  readonly split: string;
  readonly train: number[];
  readonly validation: number[];
}

/** Writes `count` noisy drawings of three shapes, an index and a split in which every fourth picture validates. */
export async function writeStudy(directory: string, count: number, size: number): Promise<Study> {
  await mkdir(directory, { recursive: true });
  const pictures = join(directory, 'pictures.npy');
  const writer = await NpyWriter.open(pictures, 'uint8', [size, size, 3]);
  const random = seededRandom(7, 'test', 'pictures');
  for (let row = 0; row < count; row++) await writer.append(drawing(row % classes.length, size, random));
  await writer.close();
  const index = join(directory, 'pictures.jsonl');
  await writeIndex(
    index,
    Array.from({ length: count }, (_, row) => ({
      path: `${String(row).padStart(6, '0')}.png`,
      class: classes[row % classes.length]!,
      group: `group ${row}`,
      origin: 'test',
    })),
  );
  const rows = Array.from({ length: count }, (_, row) => row);
  const train = rows.filter((row) => row % 4 !== 3);
  const validation = rows.filter((row) => row % 4 === 3);
  const split = join(directory, 'split.json');
  await writeSplit(split, { classes, train, validation });
  return { pictures, index, split, train, validation };
}

/** The study's pictures with their labels. */
export async function openExamples(study: Study): Promise<Examples & { inputs: NpyFile<'uint8'> }> {
  const inputs = await NpyFile.open(study.pictures, 'uint8');
  return { inputs, labels: Int32Array.from({ length: inputs.length }, (_, row) => row % classes.length) };
}

function drawing(label: number, size: number, random: Random): Uint8Array<ArrayBuffer> {
  const pixels = new Uint8Array(size * size * 3);
  const [x, y] = [size / 2 + random.integer(3) - 1, size / 2 + random.integer(3) - 1];
  const radius = size / 3;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const [dx, dy] = [column - x, row - y];
      const distance = Math.hypot(dx, dy);
      const inside = [
        Math.min(Math.abs(dx), Math.abs(dy)) < 1.5 && distance < radius,
        distance < radius,
        distance < radius && distance > radius - 2,
      ][label];
      for (let channel = 0; channel < 3; channel++) {
        pixels[(row * size + column) * 3 + channel] = (inside ? 40 : 190) + random.integer(60);
      }
    }
  }
  return pixels;
}
