// Streams icon sets out of the tarball of @iconify/json, one set in memory at a time.
import type { IconifyJSON } from '@iconify/types';
import { list } from 'tar';
import { UserError } from '../../engine/stage.ts';

const iconSetPath = /^[^/]+\/json\/([^/]+)\.json$/;

/**
 * Calls `visit` with each icon set of the tarball, in the tarball's order. Nothing is unpacked to disk.
 *
 * @param visit must keep no reference to the set: the largest is 100 MB of JSON
 * @returns how many sets there were
 * @throws UserError when the tarball holds no icon sets, or one that isn't JSON
 */
export async function forEachIconSet(tarball: string, visit: (set: IconifyJSON) => void): Promise<number> {
  let sets = 0;
  let failure: unknown;
  await list({
    file: tarball,
    strict: true,
    maxReadSize: 1 << 20,
    filter: (path) => iconSetPath.test(path),
    onReadEntry: (entry) => {
      const chunks: Buffer[] = [];
      entry.on('data', (chunk) => chunks.push(chunk));
      entry.on('end', () => {
        if (failure !== undefined) return;
        try {
          visit(parseIconSet(entry.path, Buffer.concat(chunks)));
          sets++;
        } catch (error) {
          failure = error; // thrown in here it would end the process, not the promise
        }
      });
    },
  });
  if (failure !== undefined) throw failure;
  if (sets === 0) {
    throw new UserError(
      'The package holds no icon sets (json/*.json): `source.icons.package` must be @iconify/json or laid out like it.',
    );
  }
  return sets;
}

function parseIconSet(path: string, bytes: Buffer): IconifyJSON {
  let set: Partial<IconifyJSON> | null;
  try {
    set = JSON.parse(bytes.toString('utf8'));
  } catch {
    set = null;
  }
  if (typeof set?.prefix !== 'string' || typeof set.icons !== 'object') {
    throw new UserError(`${path} of the icon package is not an icon set in Iconify's JSON format.`);
  }
  return set as IconifyJSON;
}
