// Augmentation of pictures, drawn anew for each picture and epoch: flips, shifts, zoom and brightness on the bytes of a batch.
import type { AugmentationParams } from '../params/training.ts';
import { type Random, seededRandom } from '../pictures/random.ts';

/** Makes other pictures of those of a batch, `uint8 [rows.length, height, width, channels]`. */
export type Augment = (pictures: Uint8Array, rows: readonly number[]) => Uint8Array<ArrayBuffer>;

/** What happens to one picture. */
export interface Change {
  readonly flipX: boolean;
  readonly flipY: boolean;
  /** In pixels: what is shown at (x, y) comes from (x + shiftX, y + shiftY). */
  readonly shiftX: number;
  readonly shiftY: number;
  /** Pixels of the original for one of the result, about the centre: below 1 enlarges. */
  readonly zoomX: number;
  readonly zoomY: number;
  /** What the values are multiplied by. */
  readonly brightness: number;
}

type Shape = readonly [height: number, width: number, channels: number];

/** Whether any of it is on. */
export const augments = (params: AugmentationParams | undefined): params is AugmentationParams =>
  params !== undefined &&
  (params.flip !== 'none' || params.shift > 0 || params.zoom > 0 || params.brightness > 0);

/**
 * Augments as Keras' `ImageDataGenerator` with `horizontal_flip`, `vertical_flip`, `width_shift_range` and `height_shift_range`
 * (shares), `zoom_range`, `brightness_range` and `fill_mode='nearest'`, bilinear between pixels.
 *
 * @param shape of a picture
 * @param seed the study's; with epoch and row it fixes what happens to a picture, whatever batch it is in
 */
export function augmentation(params: AugmentationParams, shape: Shape, seed: number, epoch: number): Augment {
  const rowSize = shape[0] * shape[1] * shape[2];
  return (pictures, rows) => {
    const result = new Uint8Array(pictures.length);
    rows.forEach((row, i) => {
      const change = drawChange(params, shape, seededRandom(seed, 'augmentation', epoch, row));
      const part = [i * rowSize, (i + 1) * rowSize] as const;
      apply(change, shape, pictures.subarray(...part), result.subarray(...part));
    });
    return result;
  };
}

function drawChange(params: AugmentationParams, [height, width]: Shape, random: Random): Change {
  // All are drawn, whichever are on, so that switching one on leaves the others as they were.
  const [flipX, flipY, shiftX, shiftY, zoomX, zoomY, brightness] = Array.from({ length: 7 }, () =>
    random.next(),
  ) as [number, number, number, number, number, number, number];
  const around = (uniform: number, share: number) => (2 * uniform - 1) * share;
  const flips = (direction: 'horizontal' | 'vertical') => params.flip === direction || params.flip === 'both';
  return {
    flipX: flips('horizontal') && flipX < 0.5,
    flipY: flips('vertical') && flipY < 0.5,
    shiftX: around(shiftX, params.shift) * width,
    shiftY: around(shiftY, params.shift) * height,
    zoomX: 1 + around(zoomX, params.zoom),
    zoomY: 1 + around(zoomY, params.zoom),
    brightness: 1 + around(brightness, params.brightness),
  };
}

/** Applies a change to one picture, `[height, width, channels]`: zoom and shift, then the flips, then the brightness. */
export function apply(
  change: Change,
  [height, width, channels]: Shape,
  from: Uint8Array,
  to: Uint8Array,
): void {
  const columns = positions(width, change.flipX, change.zoomX, change.shiftX);
  const rows = positions(height, change.flipY, change.zoomY, change.shiftY);
  let index = 0;
  for (let y = 0; y < height; y++) {
    const top = rows.first[y]! * width;
    const bottom = rows.second[y]! * width;
    const down = rows.weight[y]!;
    for (let x = 0; x < width; x++) {
      const left = columns.first[x]!;
      const right = columns.second[x]!;
      const across = columns.weight[x]!;
      for (let c = 0; c < channels; c++) {
        const upper = mix(from[(top + left) * channels + c]!, from[(top + right) * channels + c]!, across);
        const lower = mix(
          from[(bottom + left) * channels + c]!,
          from[(bottom + right) * channels + c]!,
          across,
        );
        to[index++] = Math.min(255, Math.round(mix(upper, lower, down) * change.brightness));
      }
    }
  }
}

const mix = (a: number, b: number, share: number) => a + (b - a) * share;

/** Along one side: the two pixels that each pixel of the result lies between, and how near it is to the second. */
function positions(size: number, flip: boolean, zoom: number, shift: number) {
  const first = new Int32Array(size);
  const second = new Int32Array(size);
  const weight = new Float64Array(size);
  const centre = (size - 1) / 2;
  for (let i = 0; i < size; i++) {
    const shown = flip ? size - 1 - i : i;
    const at = Math.min(size - 1, Math.max(0, (shown - centre) * zoom + centre + shift)); // the edge is continued
    first[i] = Math.floor(at);
    second[i] = Math.min(size - 1, first[i]! + 1);
    weight[i] = at - first[i]!;
  }
  return { first, second, weight };
}
