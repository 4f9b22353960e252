// .npy files: NumPy reads ours, we read NumPy's, and what is wrong with a damaged one is said in a sentence.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../engine/stage.ts';
import { type Dtype, NpyFile, NpyWriter, type TypedArrays } from '../../pictures/npy.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rodada-npy-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What NumPy 2.4's `numpy.save` wrote for `np.array([[1, -2, 3], [4, 5, -6]], dtype='<i4')`. */
const savedByNumpy = Buffer.concat([
  Buffer.from('934e554d505901007600', 'hex'),
  Buffer.from("{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }".padEnd(117)),
  Buffer.from('0a01000000feffffff030000000400000005000000faffffff', 'hex'),
]);

async function write<Name extends Dtype>(
  name: string,
  dtype: Name,
  rowShape: number[],
  ...parts: TypedArrays[Name][]
): Promise<string> {
  const file = join(folder, name);
  const writer = await NpyWriter.open(file, dtype, rowShape);
  for (const part of parts) await writer.append(part);
  await writer.close();
  return file;
}

async function readRows(
  file: string,
  dtype: Dtype,
  indices: number[],
  keepBelow?: number,
): Promise<number[]> {
  const npy = await NpyFile.open(file, dtype, keepBelow === undefined ? {} : { keepBelow });
  try {
    return [...(await npy.rows(indices))];
  } finally {
    await npy.close();
  }
}

describe('a file that NumPy saved', () => {
  it('has the same bytes when written here', async () => {
    const file = await write('same.npy', 'int32', [3], Int32Array.of(1, -2, 3), Int32Array.of(4, 5, -6));
    expect(await readFile(file)).toEqual(savedByNumpy);
  });

  it.each([0, 2 ** 20])('is read row by row, keeping files below %i bytes in memory', async (keepBelow) => {
    const file = join(folder, 'numpy.npy');
    await writeFile(file, savedByNumpy);
    expect(await readRows(file, 'int32', [1, 0, 1], keepBelow)).toEqual([4, 5, -6, 1, -2, 3, 4, 5, -6]);
    const npy = await NpyFile.open(file, 'int32');
    expect(npy.shape).toEqual([2, 3]);
    expect([...(await npy.readAll())]).toEqual([1, -2, 3, 4, 5, -6]);
    await npy.close();
  });
});

const python = spawnSync('python3', ['-c', 'import numpy']).status === 0;

describe.skipIf(!python)('NumPy itself (skipped where `python3 -c "import numpy"` fails)', () => {
  it.each([
    'uint8',
    'int32',
    'float32',
  ] as const)('reads what is written here, and the other way: %s', async (dtype) => {
    const values = { uint8: new Uint8Array(24), int32: new Int32Array(24), float32: new Float32Array(24) }[
      dtype
    ];
    for (let i = 0; i < 24; i++)
      values[i] = dtype === 'uint8' ? i * 10 : dtype === 'int32' ? i * -1e8 : i / 7;
    const ours = await write(`ours-${dtype}.npy`, dtype, [2, 3], values as TypedArrays[typeof dtype]);
    const theirs = join(folder, `theirs-${dtype}.npy`);
    const script =
      'import sys, json, numpy as np; a = np.load(sys.argv[1]); np.save(sys.argv[2], a);' +
      'print(json.dumps([str(a.dtype), list(a.shape), a.astype(float).ravel().tolist()]))';
    const printed = execFileSync('python3', ['-c', script, ours, theirs], { encoding: 'utf8' });
    expect(JSON.parse(printed)).toEqual([dtype, [4, 2, 3], [...values]]);
    expect(await readRows(theirs, dtype, [3, 1])).toEqual([...values.slice(18), ...values.slice(6, 12)]);
  });
});

it('gathers any rows, in memory or from the file, as indexing an array does', async () => {
  const rowLength = 40_000; // long enough for several reads
  const data = Int32Array.from({ length: 30 * rowLength }, (_, i) => Math.imul(i, 2654435761));
  const file = await write('gather.npy', 'int32', [rowLength], data);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(29), { maxLength: 12 }),
      fc.constantFrom(0, 2 ** 30),
      async (indices, keepBelow) => {
        const npy = await NpyFile.open(file, 'int32', { keepBelow });
        const into = new Int32Array(12 * rowLength).fill(7);
        const rows = await npy.rows(indices, into);
        await npy.close();
        expect(rows.length).toBe(indices.length * rowLength);
        const expected = new Int32Array(12 * rowLength).fill(7);
        for (const [place, index] of indices.entries()) {
          expected.set(data.subarray(index * rowLength, (index + 1) * rowLength), place * rowLength);
        }
        expect(Buffer.from(into.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
      },
    ),
    { numRuns: 40 },
  );
});

it('gathers thousands of small rows, near ones and far ones, in any order and repeated', async () => {
  const data = Int32Array.from({ length: 100_000 }, (_, i) => Math.imul(i, 2654435761));
  const file = await write('small.npy', 'int32', [2], data);
  const near = Array.from({ length: 6000 }, (_, i) => (i * 7919) % 5000); // with gaps, in more parts than one call takes
  const indices = [...near, 49_999, 0, ...Array.from({ length: 3000 }, (_, i) => 30_000 + i)];
  const expected = indices.flatMap((index) => [data[2 * index]!, data[2 * index + 1]!]);
  expect(await readRows(file, 'int32', indices, 0)).toEqual(expected);
});

it('reads the rows that were asked for while the thread that asked is busy', async () => {
  const rowLength = 70_000; // every second: too far apart for one read
  const file = await write('busy.npy', 'uint8', [rowLength], new Uint8Array(64 * rowLength).fill(1));
  const npy = await NpyFile.open(file, 'uint8', { keepBelow: 0 });
  const into = new Uint8Array(32 * rowLength);
  const rows = npy.rows(
    Array.from({ length: 32 }, (_, i) => 63 - 2 * i),
    into,
  );
  const isRead = (): boolean => into.every((value) => value === 1);
  const began = performance.now();
  // As in a training step, no callback of this thread runs meanwhile.
  while (!isRead() && performance.now() - began < 20_000);
  expect(isRead()).toBe(true);
  await rows;
  await npy.close();
});

it('says it when the file becomes shorter while it is open', async () => {
  const file = await write('shorter.npy', 'uint8', [4], new Uint8Array(400));
  const npy = await NpyFile.open(file, 'uint8', { keepBelow: 0 });
  await truncate(file, 300);
  await expect(npy.rows([99, 3, 98])).rejects.toThrow(/became shorter while it was read/);
  await npy.close();
});

it('keeps the header valid from no row to more than nine', async () => {
  for (const rows of [0, 1, 9, 10, 1000]) {
    const file = await write('count.npy', 'uint8', [], new Uint8Array(rows));
    const npy = await NpyFile.open(file, 'uint8');
    expect(npy.shape).toEqual([rows]);
    await npy.close();
  }
});

describe('what is wrong is said in a sentence', () => {
  const cases: [string, (file: string) => Promise<void>, RegExp][] = [
    ['absent', (file) => rm(file), /^There is no .*Run the stage/],
    [
      'truncated',
      (file) => truncate(file, 140),
      /truncated: it has 140 bytes and should have 152\. Delete it/,
    ],
    ['cut in the header', (file) => truncate(file, 30), /truncated/],
    ['empty', (file) => truncate(file, 0), /is not a NumPy file/],
    ['another kind of file', (file) => writeFile(file, '<html>not found</html>'), /is not a NumPy file/],
    [
      'with bytes too many',
      (file) => writeFile(file, Buffer.concat([savedByNumpy, Buffer.alloc(5)])),
      /5 bytes more/,
    ],
    [
      'of another dtype',
      (file) => writeFile(file, patched("'<i4'", "'<f4'")),
      /holds float32 and int32 is needed/,
    ],
    ['of an unknown dtype', (file) => writeFile(file, patched("'<i4'", "'>i4'")), /NumPy's type >i4; only/],
    ['in Fortran order', (file) => writeFile(file, patched('False', 'True ')), /Fortran order/],
    [
      'with a damaged header',
      (file) => writeFile(file, patched("'shape'", "'shbpe'")),
      /header of .* is damaged/,
    ],
  ];
  it.each(cases)('%s', async (name, damage, message) => {
    const file = join(folder, `${name}.npy`);
    await writeFile(file, savedByNumpy);
    await damage(file);
    const error = await NpyFile.open(file, 'int32').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toMatch(message);
  });

  it('an index out of range and elements that are no whole row are the caller’s mistakes', async () => {
    const file = join(folder, 'range.npy');
    await writeFile(file, savedByNumpy);
    await expect(readRows(file, 'int32', [2])).rejects.toThrow(RangeError);
    await expect(readRows(file, 'int32', [-1])).rejects.toThrow(RangeError);
    const writer = await NpyWriter.open(file, 'uint8', [3]);
    await expect(writer.append(new Uint8Array(4))).rejects.toThrow(RangeError);
    await writer.close();
  });
});

function patched(from: string, to: string): Buffer {
  return Buffer.from(savedByNumpy.toString('latin1').replace(from, to), 'latin1');
}
