// A file system that keeps times in whole seconds: ext4 with small inodes, in a file that is mounted as a disk.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface CoarseDisk {
  /** Where it is mounted. */
  readonly path: string;
  dispose(): void;
}

/** Mounts one; a text that says why there can be none here. It takes Linux, root and loop devices. */
export function mountCoarseDisk(): CoarseDisk | string {
  const folder = mkdtempSync(join(tmpdir(), 'rodada-disk-'));
  const [image, path] = [join(folder, 'image'), join(folder, 'mounted')];
  mkdirSync(path);
  chmodSync(folder, 0o755); // for users who are not root
  const call = (command: string, ...args: string[]): string | undefined => {
    const { status, error, stderr } = spawnSync(command, args, {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    });
    return status === 0 ? undefined : `${command}: ${error?.message ?? stderr.trim()}`;
  };
  const dispose = (): void => {
    call('umount', path);
    rmSync(folder, { recursive: true, force: true });
  };
  const problem =
    call('truncate', '-s', '32M', image) ??
    call('mkfs.ext4', '-q', '-F', '-I', '128', image) ??
    call('mount', '-o', 'loop', image, path);
  if (problem !== undefined) {
    dispose();
    return `a disk with whole seconds can't be mounted here: ${problem}`;
  }
  writeFileSync(join(path, 'probe'), '');
  if (statSync(join(path, 'probe'), { bigint: true }).mtimeNs % 1_000_000_000n === 0n)
    return { path, dispose };
  dispose();
  return 'ext4 with small inodes has finer times here';
}

/** Waits until a second has just begun, so that what follows happens within it. */
export async function beginningOfSecond(): Promise<void> {
  await delay(1010 - (Date.now() % 1000));
}
