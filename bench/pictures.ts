// Pictures to measure with: their content doesn't matter to the time, only their number and size.
import { NpyWriter } from '../pictures/npy-writer.ts';

const classes = 4;

/**
 * Writes `uint8 [count, size, size, 3]` of noise.
 * @returns a label for each row, 0 … 3
 */
export async function writePictures(file: string, count: number, size: number): Promise<Int32Array> {
  const writer = await NpyWriter.open(file, 'uint8', [size, size, 3]);
  let state = 20;
  const noise = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // the linear congruential generator of Numerical Recipes
    return state >>> 24;
  };
  for (let row = 0; row < count; row++)
    await writer.append(Uint8Array.from({ length: size * size * 3 }, noise));
  await writer.close();
  return Int32Array.from({ length: count }, (_, row) => row % classes);
}
