// The answers of a run image by image, as metrics folders keep them: which are right, and about which images.
import * as z from 'zod';
import { isMapping } from './flatten.ts';

const ImagesSchema = z.object({
  classes: z.array(z.string()).min(1),
  images: z
    .array(
      z.object({
        path: z.string(),
        class: z.int().min(0),
        family: z.union([z.string(), z.number()]),
      }),
    )
    .min(1),
});

/** The images that runs are scored on, in the order of their answers. */
export type Images = z.infer<typeof ImagesSchema>;

const PredictionsSchema = z.object({
  /** Path of the file that lists the images. */
  images: z.string(),
  /** Seed → the class of each image: a base-36 digit, or two if there are more than 36 classes. */
  predicted: z.record(z.string(), z.string().regex(/^[0-9a-z]+$/)),
});
export type PredictionsFile = z.infer<typeof PredictionsSchema>;

/** The answers of one run. */
export interface Predictions {
  /** Tells one file of predictions from another. */
  readonly hash: string;
  readonly images: Images;
  /** Seed → whether the answer is right, for each image. */
  readonly right: ReadonlyMap<string, readonly boolean[]>;
}

/** Ends the name of a run's file of predictions. */
export const predictionsEnd = '.predictions.json';

/** The images that a document lists; undefined if it lists none. */
export function imagesOf(document: unknown): Images | undefined {
  if (!isMapping(document) || !Array.isArray(document.images)) return undefined;
  const parsed = ImagesSchema.safeParse(document);
  return parsed.success ? parsed.data : undefined;
}

export function predictionsFileOf(document: unknown): PredictionsFile | undefined {
  const parsed = PredictionsSchema.safeParse(document);
  return parsed.success ? parsed.data : undefined;
}

/** The answers that a file of predictions writes; undefined if they are not one for each image. */
export function decode(
  { predicted }: PredictionsFile,
  images: Images,
  hash: string,
): Predictions | undefined {
  const width = images.classes.length > 36 ? 2 : 1;
  const right = new Map<string, boolean[]>();
  for (const [seed, digits] of Object.entries(predicted)) {
    if (digits.length !== width * images.images.length) return undefined;
    right.set(
      seed,
      images.images.map(
        (image, i) => Number.parseInt(digits.slice(width * i, width * (i + 1)), 36) === image.class,
      ),
    );
  }
  return right.size === 0 ? undefined : { hash, images, right };
}

const known = new WeakMap<Images, WeakMap<Images, boolean>>();

/** Whether two lists have the same images with the same classes in the same order. */
export function sameImages(one: Images, other: Images): boolean {
  // Each run of a study has the same list.
  const cached = known.get(one)?.get(other);
  if (cached !== undefined) return cached;
  const same =
    one.classes.join('\0') === other.classes.join('\0') &&
    one.images.length === other.images.length &&
    one.images.every(({ path, class: label }, i) => {
      const twin = other.images[i]!;
      return twin.path === path && twin.class === label;
    });
  const others = known.get(one) ?? new WeakMap<Images, boolean>();
  known.set(one, others.set(other, same));
  return same;
}

/** The share of right answers over all seeds. */
export function accuracyOfAnswers({ right }: Predictions): number {
  const rows = [...right.values()];
  const count = rows.reduce((sum, row) => sum + row.filter(Boolean).length, 0);
  return count / (rows.length * rows[0]!.length);
}

/** Paths of the images whose answer changed, by the majority over seeds. */
export interface Flips {
  /** From right to wrong. */
  readonly lost: readonly string[];
  /** From wrong to right. */
  readonly won: readonly string[];
}

/** @returns undefined if the sides answered about other images */
export function flipsBetween(old: Predictions, now: Predictions): Flips | undefined {
  if (!sameImages(old.images, now.images)) return undefined;
  const lost: string[] = [];
  const won: string[] = [];
  now.images.images.forEach(({ path }, i) => {
    const [before, after] = [isMostlyRight(old, i), isMostlyRight(now, i)];
    if (before && !after) lost.push(path);
    if (after && !before) won.push(path);
  });
  return { lost, won };
}

function isMostlyRight({ right }: Predictions, image: number): boolean {
  const answers = [...right.values()].map((row) => row[image]!);
  return 2 * answers.filter(Boolean).length > answers.length;
}
