// Where the projects of random sequences lie: in memory if there is such a folder, because the disk is not what they test.
import { chmodSync, existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { removeTree } from '../../engine/store/trees.ts';

/** Makes a folder that everybody may enter, and removes it after the tests of the file, also from within read-only folders. */
export function homeOf(name: string): string {
  const home = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), `rodada-${name}-`));
  chmodSync(home, 0o755);
  afterAll(() => removeTree(home));
  return home;
}
