// Decodes one picture of any format that sharp reads into RGB pixels of one size.
import { open } from 'node:fs/promises';
import sharp from 'sharp';
import type { ResizeParams } from '../params/resize.ts';

/** How a picture is brought to a square: keep all of it and pad with white, stretch it, or crop it. */
export type Fit = ResizeParams['fit'];

/** Why a picture could not be decoded. The message is ours, not the library's, whose text varies from run to run. */
export class CorruptPicture extends Error {}

const white = '#ffffff';

/** The density at which librsvg draws a user unit as one pixel. */
const svgDensity = 72;

/** The range that sharp takes. */
const [lowestDensity, highestDensity] = [1, 100_000];

/** The longer side of a rendered SVG is at most so many times the wanted size, however thin the drawing is. */
const longestSvgSide = 16;

/**
 * Reads a picture as `uint8 [size, size, 3]`, sRGB.
 *
 * The orientation of EXIF is applied, transparency laid on white, grayscale and CMYK converted, and of an animation the first
 * frame taken. An SVG is rendered at the size that is wanted and not enlarged from its own, so that it is crisp.
 *
 * @param size width and height, pixels
 * @throws CorruptPicture when the file is missing, empty, no picture, or damaged
 */
export async function decodePicture(file: string, size: number, fit: Fit): Promise<Uint8Array<ArrayBuffer>> {
  const beginning = await firstBytes(file);
  const { width, height } = await sharp(file)
    .metadata()
    .catch(() => {
      throw new CorruptPicture('not a picture of a known format, or its header is damaged');
    });
  const density = isSvg(beginning) ? { density: densityFor(width, height, size, fit) } : {};
  const { data, info } = await sharp(file, { failOn: 'truncated', ...density })
    .autoOrient()
    .toColourspace('srgb')
    .resize(size, size, { fit, background: white })
    .flatten({ background: white })
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch(() => {
      throw new CorruptPicture('its pixels are damaged or cut short');
    });
  if (info.channels !== 3 || data.length !== size * size * 3) {
    throw new Error(`${file} was decoded to ${info.width} × ${info.height} × ${info.channels}.`);
  }
  // A copy, because a small Buffer is a slice of a pool that Node shares.
  return Uint8Array.from(data);
}

/** The density at which an SVG comes out as large as it is needed, and not less than a pixel wide or high. */
function densityFor(width: number, height: number, size: number, fit: Fit): number {
  const [shorter, longer] = [Math.min(width, height), Math.max(width, height)];
  const side = fit === 'contain' ? longer : Math.max(shorter, longer / longestSvgSide);
  const density = svgDensity * Math.max(size / side, 1 / shorter);
  return Math.min(Math.max(density, lowestDensity), highestDensity);
}

/** Whether the file begins as XML does; its name may say anything. */
function isSvg(beginning: string): boolean {
  return /^\uFEFF?\s*<(\?xml|!|svg)/.test(beginning);
}

async function firstBytes(file: string): Promise<string> {
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new CorruptPicture(
      error.code === 'ENOENT' ? 'the file is missing' : `the file can't be opened (${error.code})`,
    );
  });
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(256), 0, 256, 0);
    if (bytesRead === 0) throw new CorruptPicture('the file is empty');
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
