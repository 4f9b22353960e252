// Shares the parts of a kernel's work among threads that have this module on one memory. A part's result doesn't depend on which
// thread computes it, or when.
import { columnSums } from './column-sums';
import { conv2dBackpropFilter } from './conv2d-backprop-filter';
import { conv2dBackpropInput } from './conv2d-backprop-input';
import { matMul } from './mat-mul';
import { maxPoolGrad } from './max-pool-grad';
import { reluGrad } from './relu-grad';

// The work, at an address that all threads know: what is to be done, and after 64 bytes the arguments of its parts.
const ticketAt: usize = 0; // i64: number of the work · 2^16 + parts that nobody has taken yet
const doneAt: usize = 8; // i32: parts that are done
const kernelAt: usize = 12; // i32: which kernel
const partsAt: usize = 64;

/** Bytes of a part's arguments: 24 numbers of four bytes. */
const partBytes: usize = 96;

/** Bytes that the work takes up. */
export function workBytes(parts: i32): usize {
  return partsAt + <usize>parts * partBytes;
}

/** Computes parts whenever there are some, for ever: what each thread but the main one runs. */
export function serve(work: usize): void {
  while (true) {
    const ticket = atomic.load<i64>(work + ticketAt);
    if ((ticket & 0xffff) === 0) atomic.wait<i64>(work + ticketAt, ticket, -1);
    else take(work, ticket);
  }
}

/**
 * Computes all parts, together with the threads that are free; the arguments already lie in the work.
 *
 * @param kernel its place in the list in `compute`
 * @param count of parts, below 2^16
 * @returns whether all are done: a thread that has taken one and then says nothing for two minutes is dead
 */
export function run(work: usize, kernel: i32, count: i32): bool {
  store<i32>(work + kernelAt, kernel);
  atomic.store<i32>(work + doneAt, 0);
  const last = atomic.load<i64>(work + ticketAt);
  // The work's number makes the ticket another one, so that a thread that has looked at the last work can't take a part of it.
  atomic.store<i64>(work + ticketAt, (((last >> 16) + 1) << 16) | <i64>count);
  if (count > 1) atomic.notify(work + ticketAt, count - 1);
  while (true) {
    const ticket = atomic.load<i64>(work + ticketAt);
    if ((ticket & 0xffff) === 0) break;
    take(work, ticket);
  }
  let silences = 0;
  while (true) {
    const done = atomic.load<i32>(work + doneAt);
    if (done === count) return true;
    const tenSeconds: i64 = 10_000_000_000;
    if (atomic.wait<i32>(work + doneAt, done, tenSeconds) === 2 && ++silences === 12) return false;
  }
}

/** Takes a part and computes it, if no other thread has been faster. */
function take(work: usize, ticket: i64): void {
  if (atomic.cmpxchg<i64>(work + ticketAt, ticket, ticket - 1) !== ticket) return;
  const part = <usize>(ticket & 0xffff) - 1;
  compute(load<i32>(work + kernelAt), work + partsAt + part * partBytes);
  atomic.add<i32>(work + doneAt, 1);
  atomic.notify(work + doneAt, 1);
}

/** Calls a kernel with the arguments that lie at p. */
function compute(kernel: i32, p: usize): void {
  if (kernel === 0) {
    columnSums(n(p, 0), n(p, 1), n(p, 2), n(p, 3), n(p, 4));
  } else if (kernel === 1) {
    // biome-ignore format: in the order of the parameters
    conv2dBackpropFilter(
      n(p, 0), n(p, 1), n(p, 2), n(p, 3), n(p, 4), n(p, 5), n(p, 6), n(p, 7), n(p, 8), n(p, 9), n(p, 10), n(p, 11),
      n(p, 12), n(p, 13), n(p, 14), n(p, 15), n(p, 16), n(p, 17), n(p, 18), n(p, 19),
    );
  } else if (kernel === 2) {
    // biome-ignore format: in the order of the parameters
    matMul(
      n(p, 0), n(p, 1), n(p, 2), n(p, 3), n(p, 4), n(p, 5), n(p, 6), n(p, 7), n(p, 8), n(p, 9), n(p, 10), n(p, 11),
    );
  } else if (kernel === 3) {
    // biome-ignore format: in the order of the parameters
    conv2dBackpropInput(
      n(p, 0), n(p, 1), n(p, 2), n(p, 3), n(p, 4), n(p, 5), n(p, 6), n(p, 7), n(p, 8), n(p, 9), n(p, 10), n(p, 11),
      n(p, 12), n(p, 13), n(p, 14), n(p, 15),
    );
  } else if (kernel === 4) {
    // biome-ignore format: in the order of the parameters
    maxPoolGrad(
      n(p, 0), n(p, 1), n(p, 2), n(p, 3), n(p, 4), n(p, 5), n(p, 6), n(p, 7), n(p, 8), n(p, 9), n(p, 10), n(p, 11),
      n(p, 12), n(p, 13), n(p, 14),
    );
  } else {
    reluGrad(n(p, 0), n(p, 1), n(p, 2), n(p, 3));
  }
}

/** The i-th argument: a size, or an address, which has as many bits. */
function n(p: usize, i: usize): i32 {
  return load<i32>(p + (i << 2));
}
