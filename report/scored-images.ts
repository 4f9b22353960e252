// The images that are scored and what each training says about them, small enough for git: a digit for each image.
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { UserError } from '../engine/stage.ts';

/** The contents of metrics/images.json. */
export const ScoredImages = z.strictObject({
  /** Which side of the split they are: nothing was chosen on the test side. */
  side: z.enum(['validation', 'test']),
  classes: z.array(z.string()).min(2),
  /** In the order of the predictions. */
  images: z.array(
    z.strictObject({
      path: z.string(),
      /** Position of the true class in `classes`. */
      class: z.int().min(0),
      /** Images that resemble each other, such as those of one designer, are one family. */
      family: z.string(),
    }),
  ),
});
export type ScoredImages = z.infer<typeof ScoredImages>;

/** The contents of metrics/<model>/<run>.predictions.json. */
export const CompactPredictions = z.strictObject({
  model: z.string(),
  run: z.string(),
  /** Path of the images, relative to the project. */
  images: z.string(),
  /** By seed: the predicted class of each image, {@link digitsFor} base-36 digits each. Seeds that diverged have no entry. */
  predicted: z.record(z.string(), z.string().regex(/^[0-9a-z]*$/)),
});
export type CompactPredictions = z.infer<typeof CompactPredictions>;

/** Digits that an image's class takes: one for up to 36 classes, two for up to 1,296. */
export const digitsFor = (classes: number): number =>
  classes <= 36 ? 1 : Math.ceil(Math.log(classes) / Math.log(36));

/** @param predicted positions of classes, one for each image */
export function encodePredicted(predicted: ArrayLike<number>, classes: number): string {
  const digits = digitsFor(classes);
  return Array.from(predicted, (label) => label.toString(36).padStart(digits, '0')).join('');
}

/** The inverse of {@link encodePredicted}. @throws RangeError if the text is not of so many images and classes */
export function decodePredicted(text: string, images: number, classes: number): number[] {
  const digits = digitsFor(classes);
  const labels = Array.from({ length: text.length / digits }, (_, i) =>
    Number.parseInt(text.slice(i * digits, (i + 1) * digits), 36),
  );
  if (labels.length !== images || labels.some((label) => !(label < classes)))
    throw new RangeError(`${text.length} digits are not the classes of ${images} images.`);
  return labels;
}

/** Writes the images, a line for each, so that a change of some is a small change of the file. */
export async function writeScoredImages(
  file: string,
  { side, classes, images }: ScoredImages,
): Promise<void> {
  const lines = images.map((image) => `    ${JSON.stringify(image)}`).join(',\n');
  await writeFile(
    file,
    `{\n  "side": ${JSON.stringify(side)},\n  "classes": ${JSON.stringify(classes)},\n  "images": [\n${lines}\n  ]\n}\n`,
  );
}

/** @throws UserError if the file is damaged */
export async function readScoredImages(file: string): Promise<ScoredImages> {
  const result = ScoredImages.safeParse(JSON.parse(await readFile(file, 'utf8')));
  if (result.success) return result.data;
  throw new UserError(
    `${file} is not a list of scored images. Run \`npm run repro -- split\` to make it again.`,
  );
}
