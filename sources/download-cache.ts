// Where downloads are kept: per user, so that every checkout shares them and a failed stage loses nothing.
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';

/**
 * Path for the download of a URL: in RODADA_DOWNLOAD_DIR, else in `rodada/downloads` of the user's cache directory
 * (XDG_CACHE_HOME, else ~/.cache). The file stays after success; it may be deleted at any time.
 */
export function downloadPath(url: string, env: NodeJS.ProcessEnv = process.env): string {
  const cache = env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const directory = resolve(env.RODADA_DOWNLOAD_DIR || join(cache, 'rodada', 'downloads'));
  const key = createHash('sha256').update(url).digest('hex').slice(0, 16);
  const name = basename(new URL(url).pathname).replace(/[^\w.-]/g, '_') || 'file';
  return join(directory, `${key}-${name}`);
}
