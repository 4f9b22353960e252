// Reads rows of a .npy file by index, straight from the file, so that an array larger than memory can be trained on.
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { UserError } from '../engine/stage.ts';
import {
  type Dtype,
  dtypes,
  headerBytes,
  parseHeader,
  preambleBytes,
  type TypedArrays,
} from './npy-format.ts';

/** How a file is read. */
export interface NpyOptions {
  /** A file whose data is at most so many bytes is read once and kept in memory; 0 always reads from the file. */
  readonly keepBelow?: number;
}

/** Half a GiB: the default study (25 MB) is kept, 13,933 pictures of 224 × 224 (2.1 GB) are not. */
const defaultKeepBelow = 512 * 2 ** 20;

/** Rows whose distance in the file is less than this are fetched by one read. */
const largestGap = 64 * 1024;

/** At most so many bytes are fetched by one read. */
const largestRead = 8 * 2 ** 20;

/** What lies between two rows of one read is put here, and read by nobody. */
const gap = new Uint8Array(largestGap);

/** An open .npy file. The rows of several calls of `rows` may be read at the same time. */
export class NpyFile<Name extends Dtype = Dtype> {
  readonly path: string;
  readonly dtype: Name;
  /** `[rows, ...rowShape]`. */
  readonly shape: readonly number[];
  /** Elements of one row. */
  readonly rowElements: number;
  readonly #file: FileHandle;
  readonly #dataOffset: number;
  readonly #keep: boolean;
  #kept: Promise<Uint8Array<ArrayBuffer>> | undefined;

  private constructor(
    file: FileHandle,
    path: string,
    dtype: Name,
    shape: readonly number[],
    dataOffset: number,
    keepBelow: number,
  ) {
    this.#file = file;
    this.path = path;
    this.dtype = dtype;
    this.shape = shape;
    this.rowElements = shape.slice(1).reduce((product, size) => product * size, 1);
    this.#dataOffset = dataOffset;
    this.#keep = this.#rowBytes * this.length <= keepBelow;
  }

  /**
   * Opens a file. Close it when done.
   *
   * @param dtype the one that the caller can work with
   * @throws UserError when the file is absent, truncated, damaged, of another dtype or not a .npy file
   */
  static async open<Name extends Dtype>(
    path: string,
    dtype: Name,
    options: NpyOptions = {},
  ): Promise<NpyFile<Name>> {
    const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      throw new UserError(`There is no ${path}. Run the stage that makes it first.`);
    });
    try {
      const name = basename(path);
      const preamble = Buffer.alloc(preambleBytes);
      await file.read(preamble, 0, preambleBytes, 0);
      const length = headerBytes(preamble);
      if (length === null) {
        throw new UserError(
          `${name} is not a NumPy file of version 1.0. Delete it and run the stage that makes it again.`,
        );
      }
      const { size } = await file.stat();
      const truncated = (expected: number) =>
        new UserError(
          `${name} is truncated: it has ${size} bytes and should have ${expected}. Delete it and run the stage that makes it again.`,
        );
      if (size < length) throw truncated(length);
      const bytes = Buffer.alloc(length);
      await file.read(bytes, 0, length, 0);
      const header = parseHeader(bytes, name);
      if (header.dtype !== dtype) {
        throw new UserError(
          `${name} holds ${header.dtype} and ${dtype} is needed: it is not the file that is expected here. ` +
            'Run the stage that makes it again.',
        );
      }
      const expected =
        header.dataOffset + header.shape.reduce((product, n) => product * n, 1) * dtypes[dtype].bytes;
      if (size < expected) throw truncated(expected);
      if (size > expected) {
        throw new UserError(
          `${name} has ${size - expected} bytes more than its header says. Delete it and run the stage that makes it again.`,
        );
      }
      return new NpyFile(
        file,
        path,
        dtype,
        header.shape,
        header.dataOffset,
        options.keepBelow ?? defaultKeepBelow,
      );
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Number of rows. */
  get length(): number {
    return this.shape[0] as number;
  }

  get #rowBytes(): number {
    return this.rowElements * dtypes[this.dtype].bytes;
  }

  /**
   * Gathers rows, in the order asked for; an index may be repeated.
   *
   * @param indices of the rows, each in 0 … length − 1
   * @param into where the rows are put, from its beginning; at least `indices.length × rowElements` long. A new one by default
   * @returns the rows, `[indices.length, ...shape.slice(1)]`, as a view of `into`
   * @throws RangeError for an index or a target out of range
   */
  async rows(indices: ArrayLike<number>, into?: TypedArrays[Name]): Promise<TypedArrays[Name]> {
    const elements = indices.length * this.rowElements;
    const target = into ?? this.#make(elements);
    if (target.length < elements) {
      throw new RangeError(
        `${indices.length} rows need ${elements} elements and the target has ${target.length}.`,
      );
    }
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i] as number;
      if (!Number.isInteger(index) || index < 0 || index >= this.length) {
        throw new RangeError(`Row ${index} of ${this.path}, which has ${this.length}.`);
      }
    }
    const bytes = new Uint8Array(target.buffer, target.byteOffset, elements * dtypes[this.dtype].bytes);
    if (this.#keep) await this.#gatherKept(indices, bytes);
    else await this.#gatherFromFile(indices, bytes);
    return target.subarray(0, elements) as TypedArrays[Name];
  }

  /** All rows at once, in memory. */
  async readAll(): Promise<TypedArrays[Name]> {
    const all = this.#make(this.length * this.rowElements);
    const bytes = new Uint8Array(all.buffer);
    if (this.#kept !== undefined) bytes.set(await this.#kept);
    else await this.#read(bytes, 0);
    return all;
  }

  async close(): Promise<void> {
    this.#kept = undefined;
    await this.#file.close();
  }

  #make(elements: number): TypedArrays[Name] {
    return dtypes[this.dtype].make(elements) as TypedArrays[Name];
  }

  async #gatherKept(indices: ArrayLike<number>, target: Uint8Array): Promise<void> {
    this.#kept ??= this.#readWhole();
    const data = await this.#kept;
    const row = this.#rowBytes;
    for (let i = 0; i < indices.length; i++) {
      const start = (indices[i] as number) * row;
      target.set(data.subarray(start, start + row), i * row);
    }
  }

  async #readWhole(): Promise<Uint8Array<ArrayBuffer>> {
    const data = new Uint8Array(this.length * this.#rowBytes);
    await this.#read(data, 0);
    return data;
  }

  /**
   * Reads in the order of the file, near rows by one read, each row straight into its place. All reads are under way when this
   * returns: threads of libuv's do them, also while the caller's own is busy, as it is in a training step.
   */
  async #gatherFromFile(indices: ArrayLike<number>, target: Uint8Array): Promise<void> {
    const row = this.#rowBytes;
    const places = Uint32Array.from({ length: indices.length }, (_, place) => place);
    places.sort((a, b) => (indices[a] as number) - (indices[b] as number));
    const placeOf = (place: number, count = 1) => target.subarray(place * row, (place + count) * row);
    const reads: Promise<void>[] = [];
    const repeated: { place: number; like: number }[] = [];
    let run: Uint8Array[] = [];
    let [start, end] = [0, 0]; // of the run, in the data
    let [first, together] = [0, 0]; // place of rows that lie together here as there, and their number
    const endPart = () => {
      if (together > 0) run.push(placeOf(first, together));
      together = 0;
    };
    const read = () => {
      endPart();
      if (run.length > 0) reads.push(this.#readParts(run, start));
      run = [];
    };
    for (const [k, place] of places.entries()) {
      const from = (indices[place] as number) * row;
      const before = places[k - 1];
      if (before !== undefined && indices[before] === indices[place]) {
        repeated.push({ place, like: before });
        continue;
      }
      if (end === 0 || from - end > largestGap || from + row - start > largestRead) {
        read();
        start = from;
      } else if (from > end) {
        endPart();
        run.push(gap.subarray(0, from - end));
      } else if (place !== first + together) endPart();
      if (together++ === 0) first = place;
      end = from + row;
    }
    read();
    // Until all have ended they write into the target.
    const ended = await Promise.allSettled(reads);
    for (const result of ended) if (result.status === 'rejected') throw result.reason;
    for (const { place, like } of repeated) placeOf(place).set(placeOf(like));
  }

  /** Fills `parts`, one after the other, from `offset` of the data on. */
  async #readParts(parts: readonly Uint8Array[], offset: number): Promise<void> {
    const position = this.#dataOffset + offset;
    const wanted = parts.reduce((sum, part) => sum + part.length, 0);
    let { bytesRead } = await this.#file.readv(parts as Uint8Array<ArrayBuffer>[], position);
    if (bytesRead === wanted) return;
    // A system takes only so many parts at once.
    for (const part of parts) {
      if (bytesRead < part.length) await this.#read(part.subarray(bytesRead), offset + bytesRead);
      bytesRead = Math.max(0, bytesRead - part.length);
      offset += part.length;
    }
  }

  /** Fills `bytes` from `offset` of the data on. */
  async #read(bytes: Uint8Array, offset: number): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      // One read of libuv takes at most 2 GiB.
      const want = Math.min(bytes.length - done, 2 ** 30);
      const { bytesRead } = await this.#file.read(bytes, done, want, this.#dataOffset + offset + done);
      if (bytesRead === 0) throw new UserError(`${this.path} became shorter while it was read. Run again.`);
      done += bytesRead;
    }
  }
}
