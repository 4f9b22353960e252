// Writes a .npy file row by row: how many rows there are need not be known before the last one.
import { type FileHandle, open } from 'node:fs/promises';
import { type Dtype, dtypes, type TypedArrays, writeHeader } from './npy-format.ts';

/**
 * A .npy file being written, C order.
 *
 * ```ts
 * const writer = await NpyWriter.open('data/pictures.npy', 'uint8', [32, 32, 3]);
 * await writer.append(row);
 * await writer.close();
 * ```
 */
export class NpyWriter<Name extends Dtype = Dtype> {
  readonly #file: FileHandle;
  readonly #dtype: Name;
  readonly #rowShape: readonly number[];
  readonly #rowElements: number;
  #position: number;
  #rows = 0;

  private constructor(file: FileHandle, dtype: Name, rowShape: readonly number[], position: number) {
    this.#file = file;
    this.#dtype = dtype;
    this.#rowShape = rowShape;
    this.#rowElements = rowShape.reduce((product, size) => product * size, 1);
    this.#position = position;
  }

  /**
   * Creates the file, or empties it.
   *
   * @param rowShape shape of one row: `[height, width, channels]`; `[]` for single numbers
   */
  static async open<Name extends Dtype>(
    path: string,
    dtype: Name,
    rowShape: readonly number[],
  ): Promise<NpyWriter<Name>> {
    const file = await open(path, 'w');
    try {
      const header = writeHeader(dtype, [0, ...rowShape]);
      await writeAll(file, header, 0);
      return new NpyWriter(file, dtype, rowShape, header.length);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Rows appended so far. */
  get rows(): number {
    return this.#rows;
  }

  /**
   * Appends one row or several, one after the other in `elements`. Wait for it before the next call.
   *
   * @throws RangeError when `elements` is not a whole number of rows
   */
  async append(elements: TypedArrays[Name]): Promise<void> {
    const rows = this.#rowElements === 0 ? 0 : elements.length / this.#rowElements;
    if (!Number.isInteger(rows) || elements.BYTES_PER_ELEMENT !== dtypes[this.#dtype].bytes) {
      throw new RangeError(
        `${elements.length} elements are not whole rows of ${this.#dtype} [${this.#rowShape.join(', ')}].`,
      );
    }
    await writeAll(
      this.#file,
      new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength),
      this.#position,
    );
    this.#position += elements.byteLength;
    this.#rows += rows;
  }

  /** Writes the number of rows into the header and closes the file. */
  async close(): Promise<void> {
    try {
      await writeAll(this.#file, writeHeader(this.#dtype, [this.#rows, ...this.#rowShape]), 0);
    } finally {
      await this.#file.close();
    }
  }

  /** Closes the file as it is, for when the work failed. */
  async abort(): Promise<void> {
    await this.#file.close();
  }
}

/** A write may take fewer bytes than it was given. */
async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}
