// Decodes one picture of any format that sharp reads into RGB pixels of one size.
import { stat } from 'node:fs/promises';
import sharp from 'sharp';
import type { ResizeParams } from '../params/resize.ts';

/** How a picture is brought to a square: keep all of it and pad with white, stretch it, or crop it. */
export type Fit = ResizeParams['fit'];

/** Why a picture could not be decoded. The message is ours, not the library's, whose text varies from run to run. */
export class CorruptPicture extends Error {}

const white = '#ffffff';

/**
 * Reads a picture as `uint8 [size, size, 3]`, sRGB.
 *
 * The orientation of EXIF is applied, transparency laid on white, grayscale and CMYK converted, and of an animation the first
 * frame taken. sharp renders an SVG at the size that is wanted instead of enlarging it from its own, so that it is crisp; one
 * whose sides differ so much that this takes more than 32,767 pixels counts as damaged.
 *
 * @param size width and height, pixels
 * @throws CorruptPicture when the file is missing, empty, no picture, or damaged
 */
export async function decodePicture(file: string, size: number, fit: Fit): Promise<Uint8Array<ArrayBuffer>> {
  await refuseUnreadable(file);
  const { data, info } = await sharp(file, { failOn: 'truncated' })
    .autoOrient()
    .toColourspace('srgb')
    .resize(size, size, { fit, background: white })
    .flatten({ background: white })
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch(async () => {
      throw new CorruptPicture(
        (await hasHeader(file))
          ? 'its pixels are damaged or cut short'
          : 'not a picture of a known format, or its header is damaged',
      );
    });
  if (info.channels !== 3 || data.length !== size * size * 3) {
    throw new Error(`${file} was decoded to ${info.width} × ${info.height} × ${info.channels}.`);
  }
  // A copy, because a small Buffer is a slice of a pool that Node shares.
  return Uint8Array.from(data);
}

/** What can be said without a decoder. */
async function refuseUnreadable(file: string): Promise<void> {
  const size = await stat(file).then(
    (status) => status.size,
    (error: NodeJS.ErrnoException) => {
      throw new CorruptPicture(
        error.code === 'ENOENT' ? 'the file is missing' : `the file can't be opened (${error.code})`,
      );
    },
  );
  if (size === 0) throw new CorruptPicture('the file is empty');
}

async function hasHeader(file: string): Promise<boolean> {
  return sharp(file)
    .metadata()
    .then(
      () => true,
      () => false,
    );
}
