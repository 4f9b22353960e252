// Photos to run the study on: JPEG files of four classes, to be decoded and resized; what they show doesn't matter to the time.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { seededRandom } from '../pictures/random.ts';

export const studyClasses = ['bus', 'car', 'motorcycle', 'truck'];

/** Paths below the folder of `train` and `validation` pictures, `<side>/<class>/<number>.jpg`. */
export interface StudyPictures {
  readonly train: readonly string[];
  readonly validation: readonly string[];
}

/** Writes pictures of 640 × 480. */
export async function writeStudyPictures(
  folder: string,
  counts: { readonly train: number; readonly validation: number },
): Promise<StudyPictures> {
  const [width, height] = [32, 24];
  const write = async (side: 'train' | 'validation'): Promise<string[]> => {
    const random = seededRandom(20, side);
    const paths: string[] = [];
    for (let i = 0; i < counts[side]; i++) {
      const path = `${side}/${studyClasses[i % studyClasses.length]}/${i}.jpg`;
      const pixels = Uint8Array.from({ length: width * height * 3 }, () => random.integer(256));
      await mkdir(join(folder, path, '..'), { recursive: true });
      await sharp(pixels, { raw: { width, height, channels: 3 } })
        .resize(640, 480)
        .jpeg()
        .toFile(join(folder, path));
      paths.push(path);
    }
    return paths;
  };
  return { train: await write('train'), validation: await write('validation') };
}
