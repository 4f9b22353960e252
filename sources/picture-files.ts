// Which files count as pictures: by extension, and by the first bytes.
import { open } from 'node:fs/promises';
import { extname } from 'node:path';

type Format = 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff' | 'avif' | 'svg';

/** Formats that sharp decodes as it is installed, by extension. */
const formats: Readonly<Record<string, Format>> = {
  '.avif': 'avif',
  '.gif': 'gif',
  '.jpe': 'jpeg',
  '.jpeg': 'jpeg',
  '.jpg': 'jpeg',
  '.png': 'png',
  '.svg': 'svg',
  '.tif': 'tiff',
  '.tiff': 'tiff',
  '.webp': 'webp',
};

/** Extensions of picture files, in lower case and with the dot. */
export const pictureExtensions = Object.keys(formats);

/** Whether a file's name says that it is a picture. */
export function isPictureName(name: string): boolean {
  return extname(name).toLowerCase() in formats;
}

const headSize = 1024; // bytes

/**
 * Looks at a file's first bytes. A picture of another format than its extension says is fine: decoders look at the bytes too.
 *
 * @returns why the file is no picture, or undefined
 */
export async function notAPicture(file: string): Promise<string | undefined> {
  if (!isPictureName(file)) return `not a picture: extension ${extname(file) || 'missing'}`;
  let head: Buffer;
  try {
    head = await readHead(file);
  } catch (error) {
    return `unreadable: ${(error as NodeJS.ErrnoException).code ?? 'error'}`;
  }
  if (head.length === 0) return 'empty file';
  if (formatOf(head) === undefined) {
    return `not a picture: begins with ${JSON.stringify(head.subarray(0, 8).toString('latin1'))}`;
  }
  return undefined;
}

async function readHead(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headSize), 0, headSize, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Format by the signature that its specification gives. */
function formatOf(head: Buffer): Format | undefined {
  const latin1 = head.toString('latin1');
  if (latin1.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (latin1.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (latin1.startsWith('GIF87a') || latin1.startsWith('GIF89a')) return 'gif';
  if (latin1.startsWith('RIFF') && latin1.slice(8, 12) === 'WEBP') return 'webp';
  if (latin1.startsWith('II*\0') || latin1.startsWith('MM\0*')) return 'tiff';
  if (/^ftypavi[fs]/.test(latin1.slice(4, 12))) return 'avif';
  if (/^(\xef\xbb\xbf)?\s*<(\?xml|!--|!DOCTYPE svg|svg[\s>])/i.test(latin1)) return 'svg';
  return undefined;
}
