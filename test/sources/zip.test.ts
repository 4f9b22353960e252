// No archive writes outside its folder, fills the disk, or passes damaged files on.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ZipFile } from 'yazl';
import { unzip } from '../../sources/zip.ts';

const limits = { file: 1_000_000, total: 2_000_000 };
const content = Buffer.from('the content of the file, long enough to be told apart');
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rodada-zip-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function zipOf(fill: (zip: ZipFile) => void): Promise<Buffer> {
  const zip = new ZipFile();
  fill(zip);
  zip.end();
  return buffer(zip.outputStream);
}

async function unpack(archive: Buffer): Promise<string[]> {
  const file = join(directory, 'archive.zip');
  await writeFile(file, archive);
  return unzip(file, join(directory, 'out', 'here'), (path) => path, limits);
}

/** Replaces a text in the archive's bytes, names and contents alike, by one of the same length. */
function replaced(archive: Buffer, from: string, to: string): Buffer {
  expect(to).toHaveLength(from.length);
  return Buffer.from(archive.toString('latin1').replaceAll(from, to), 'latin1');
}

test('files, folders and names outside ASCII are unpacked', async () => {
  const archive = await zipOf((zip) => {
    zip.addBuffer(content, 'a/ü ñ.txt');
    zip.addBuffer(Buffer.alloc(100_000), 'zeros', { compress: true });
    zip.addEmptyDirectory('b');
  });
  expect(await unpack(archive)).toEqual(['a/ü ñ.txt', 'zeros']);
  expect((await readFile(join(directory, 'out', 'here', 'a', 'ü ñ.txt'))).equals(content)).toBe(true);
});

test.each([
  ['../../x', 'aa/bb/x'],
  ['/tmp/xy', 'aatmp/x'],
])('a name that leaves the folder is refused: %s', async (name, placeholder) => {
  const archive = await zipOf((zip) => zip.addBuffer(content, placeholder));
  await expect(unpack(replaced(archive, placeholder, name))).rejects.toThrow(
    /not safe: (invalid relative|absolute) path/,
  );
  expect(existsSync(join(directory, 'x'))).toBe(false);
});

test('a symbolic link is refused', async () => {
  const archive = await zipOf((zip) => zip.addBuffer(Buffer.from('/etc'), 'link', { mode: 0o120777 }));
  await expect(unpack(archive)).rejects.toThrow('"link" is a symbolic link');
});

test('a file larger than allowed is refused before it is written', async () => {
  const archive = await zipOf((zip) => zip.addBuffer(Buffer.alloc(1_000_001), 'zeros'));
  await expect(unpack(archive)).rejects.toThrow(
    '"zeros" unpacks to 1000001 bytes, more than the 1000000 allowed',
  );
  expect(existsSync(join(directory, 'out'))).toBe(false);
});

test('many files that together are larger than allowed are refused', async () => {
  const archive = await zipOf((zip) => {
    for (const name of ['a', 'b', 'c']) zip.addBuffer(Buffer.alloc(800_000), name);
  });
  await expect(unpack(archive)).rejects.toThrow('"c" brings the unpacked files to 2400000 bytes');
});

test('a file that unpacks to more than it declares is refused', async () => {
  const archive = await zipOf((zip) => zip.addBuffer(Buffer.alloc(900_000), 'bomb'));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(900_000);
  await expect(unpack(replaced(archive, size.toString('latin1'), '\x10\0\0\0'))).rejects.toThrow(
    /"bomb" can't be unpacked: too many bytes/,
  );
});

test('a damaged file is told by its checksum and named', async () => {
  const archive = await zipOf((zip) => zip.addBuffer(content, 'a.txt', { compress: false }));
  await expect(unpack(replaced(archive, 'content', 'CONTENT'))).rejects.toThrow(
    '"a.txt" is damaged: its CRC-32',
  );
});

test('two files of one name are refused', async () => {
  const archive = await zipOf((zip) => {
    zip.addBuffer(content, 'a.txt');
    zip.addBuffer(content, 'b.txt');
  });
  await expect(unpack(replaced(archive, 'b.txt', 'a.txt'))).rejects.toThrow('"a.txt" is there twice');
});
