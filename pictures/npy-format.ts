// The header of NumPy's .npy format, version 1.0, for the three dtypes that pass between stages.
// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
import { UserError } from '../engine/stage.ts';

/** What one element is. */
export type Dtype = 'uint8' | 'int32' | 'float32';

/** The typed array that holds elements of a dtype. */
export interface TypedArrays {
  uint8: Uint8Array<ArrayBuffer>;
  int32: Int32Array<ArrayBuffer>;
  float32: Float32Array<ArrayBuffer>;
}

/** NumPy's name and the size in bytes of each dtype; multi-byte elements are little-endian. */
export const dtypes = {
  uint8: { descr: '|u1', bytes: 1, make: (n: number | ArrayBuffer) => new Uint8Array(n as ArrayBuffer) },
  int32: { descr: '<i4', bytes: 4, make: (n: number | ArrayBuffer) => new Int32Array(n as ArrayBuffer) },
  float32: { descr: '<f4', bytes: 4, make: (n: number | ArrayBuffer) => new Float32Array(n as ArrayBuffer) },
} as const satisfies {
  [Name in Dtype]: { descr: string; bytes: number; make: (n: number | ArrayBuffer) => TypedArrays[Name] };
};

/** Bytes before the header's text: magic, version, length. */
export const preambleBytes = 10;

/** The header is padded so that the data starts at a multiple of this, as NumPy does it. */
const alignment = 64;

/** Digits that the first dimension may take, so that it can be patched once the number of rows is known. */
const rowDigits = 20;

const magic = Buffer.from('\x93NUMPY\x01\x00', 'latin1');

/** What the header says. */
export interface NpyHeader {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Offset of the first element in the file. */
  readonly dataOffset: number;
}

/** Bytes of a header whose length does not depend on the number of rows. */
export function writeHeader(dtype: Dtype, shape: readonly number[]): Buffer {
  const rows = String(shape[0] ?? 0);
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${dtypes[dtype].descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const room = text.length - rows.length + rowDigits + 1; // with the final newline
  const length = Math.ceil((preambleBytes + room) / alignment) * alignment - preambleBytes;
  const header = Buffer.alloc(preambleBytes + length, ' ');
  magic.copy(header);
  header.writeUInt16LE(length, 8);
  header.write(text, preambleBytes, 'latin1');
  header.write('\n', header.length - 1, 'latin1');
  return header;
}

/** Bytes of the whole header, or null when this is not a .npy file of a version whose header is at most 64 KiB. */
export function headerBytes(preamble: Uint8Array): number | null {
  const bytes = Buffer.from(preamble.buffer, preamble.byteOffset, preamble.byteLength);
  if (bytes.length < preambleBytes || !bytes.subarray(0, 8).equals(magic)) return null;
  return preambleBytes + bytes.readUInt16LE(8);
}

/**
 * Reads the header.
 *
 * @param header its bytes, preamble included, as many as `headerBytes` says
 * @param name of the file, for the message
 * @throws UserError for what this project does not write: other dtypes, Fortran order, a damaged header
 */
export function parseHeader(header: Uint8Array, name: string): NpyHeader {
  const text = Buffer.from(header.subarray(preambleBytes)).toString('latin1');
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const tuple = /'shape':\s*\(([\d,\s]*)\)/.exec(text)?.[1];
  if (descr === undefined || order === undefined || tuple === undefined) {
    throw new UserError(
      `The header of ${name} is damaged. Delete the file and run the stage that makes it again.`,
    );
  }
  const dtype = (Object.keys(dtypes) as Dtype[]).find((candidate) => dtypes[candidate].descr === descr);
  if (dtype === undefined) {
    const known = Object.values(dtypes).map((known) => known.descr);
    throw new UserError(
      `${name} holds elements of NumPy's type ${descr}; only ${known.join(', ')} can be read. Save it with one of those.`,
    );
  }
  if (order === 'True') {
    throw new UserError(
      `${name} is in Fortran order; only C order can be read. Save it with numpy.ascontiguousarray.`,
    );
  }
  const shape = tuple
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(Number);
  if (shape.length === 0) {
    throw new UserError(
      `${name} holds a single number and not rows. Save an array of at least one dimension.`,
    );
  }
  return { dtype, shape, dataOffset: header.length };
}
