// Gathers batches of pictures or features out of a .npy file as tensors.

import { open } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs-core';
import { NpyFile } from '../pictures/npy.ts';
import { headerBytes, parseHeader, preambleBytes } from '../pictures/npy-format.ts';
import type { Augment } from './augmentation.ts';
import { bytesTensor } from './bytes-tensor.ts';
import type { Batch, InputType } from './training-step.ts';

/** An array of pictures (bytes 0 … 255) or of features. */
export type InputsFile = NpyFile<'uint8'> | NpyFile<'float32'>;

/** Rows of an array, with a label each. */
export interface Examples {
  readonly inputs: InputsFile;
  /** Label of each row of the array, not only of those in use. */
  readonly labels: Int32Array;
}

/**
 * Opens an array of pictures or of features, whichever it is.
 *
 * @throws UserError as `NpyFile.open` does
 */
export async function openInputs(path: string): Promise<InputsFile> {
  return (await holdsFloats(path)) ? NpyFile.open(path, 'float32') : NpyFile.open(path, 'uint8');
}

/** Whether the header says float32; what is wrong with a file, `NpyFile.open` says better. */
async function holdsFloats(path: string): Promise<boolean> {
  const file = await open(path).catch(() => null);
  if (file === null) return false;
  try {
    const preamble = Buffer.alloc(preambleBytes);
    await file.read(preamble, 0, preambleBytes, 0);
    const header = Buffer.alloc(headerBytes(preamble) ?? 0);
    await file.read(header, 0, header.length, 0);
    return header.length > 0 && parseHeader(header, path).dtype === 'float32';
  } catch {
    return false;
  } finally {
    await file.close();
  }
}

/**
 * Reads rows as `float32 [rows.length, …]`, bytes unchanged as 0 … 255: only one batch at a time is ever held as floats.
 *
 * The caller disposes of the tensor.
 *
 * @param type `uint8`, of an array of bytes, gives them as they are, for a graph that takes them
 * @param augment makes other pictures of an array's of bytes
 * @param into where bytes are read, and stay: leave it alone until the tensor is disposed of
 */
export async function inputsOf(
  file: InputsFile,
  rows: ArrayLike<number>,
  type: InputType = 'float32',
  augment?: Augment,
  into?: Uint8Array<ArrayBuffer>,
): Promise<tf.Tensor> {
  const stored = await (file as NpyFile).rows(rows, into);
  const values =
    augment !== undefined && stored instanceof Uint8Array ? augment(stored, Array.from(rows)) : stored;
  const shape = [rows.length, ...file.shape.slice(1)];
  if (type === 'uint8') return bytesTensor(values as Uint8Array, shape);
  return tf.tensor(values instanceof Float32Array ? values : Float32Array.from(values), shape, 'float32');
}

/**
 * Walks through the rows in the order given, batch by batch; the last batch may be smaller. The next batch is read while the
 * caller works on this one. Each batch is disposed of when the next one is asked for.
 */
export async function* batches(
  { inputs, labels }: Examples,
  rows: ArrayLike<number>,
  size: number,
  type: InputType = 'float32',
  augment?: Augment,
): AsyncGenerator<Batch> {
  const all = Array.from(rows);
  // Two buffers take turns, of which one is read into while the other trains: new ones would pile up until they are collected.
  const buffers = type === 'uint8' ? [0, 1].map(() => new Uint8Array(size * inputs.rowElements)) : [];
  const read = async (start: number): Promise<Batch | null> => {
    const own = all.slice(start, start + size);
    if (own.length === 0) return null;
    const tensor = await inputsOf(inputs, own, type, augment, buffers[(start / size) % 2]);
    return {
      inputs: tensor,
      labels: tf.tensor1d(
        Int32Array.from(own, (row) => labels[row]!),
        'int32',
      ),
    };
  };
  let next = read(0);
  try {
    for (let start = size; ; start += size) {
      const batch = await next;
      next = read(start);
      if (batch === null) return;
      try {
        yield batch;
      } finally {
        tf.dispose([batch.inputs, batch.labels]);
      }
    }
  } finally {
    // Left early, a batch may be under way.
    const unused = await next.catch(() => null);
    if (unused !== null) tf.dispose([unused.inputs, unused.labels]);
  }
}
