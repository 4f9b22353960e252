// Philox4x32-10, the counter-based random generator of TensorFlow's stateless operations, for the backends without them.
// Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (2011).

const multiplierA = 0xd2511f53;
const multiplierB = 0xcd9e8d57;
const weylA = 0x9e3779b9; // golden ratio
const weylB = 0xbb67ae85; // √3 − 1
const rounds = 10;

/**
 * Uniform float32 numbers in [0, 1), bit for bit those of TensorFlow's `StatelessRandomUniform` for the same seed.
 *
 * @param count how many
 * @param seed two 32-bit integers, as that operation takes them (`int32`)
 */
export function statelessUniform(count: number, seed: readonly [number, number]): Float32Array {
  // TensorFlow first scrambles the seed with a fixed key: 64-bit seeds, low word first, sign-extended from int32.
  const scrambled = new Uint32Array(4);
  philox(
    scrambled,
    0,
    [seed[0] >>> 0, (seed[0] >> 31) >>> 0, seed[1] >>> 0, (seed[1] >> 31) >>> 0],
    [0x3ec8f720, 0x02461e29],
  );
  const key: [number, number] = [scrambled[0]!, scrambled[1]!];
  const bits = new Uint32Array(Math.ceil(count / 4) * 4);
  for (let block = 0; block * 4 < count; block++) {
    philox(bits, block * 4, [block >>> 0, Math.floor(block / 2 ** 32), scrambled[2]!, scrambled[3]!], key);
  }
  // 23 random bits as the mantissa of a float in [1, 2), less 1.
  for (let i = 0; i < count; i++) bits[i] = (bits[i]! & 0x7fffff) | 0x3f800000;
  const floats = new Float32Array(bits.buffer, 0, count);
  for (let i = 0; i < count; i++) floats[i] = floats[i]! - 1;
  return floats;
}

/** Writes the four words of one block into `out` at `offset`. */
function philox(
  out: Uint32Array,
  offset: number,
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): void {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < rounds; round++) {
    const highA = multiplyHigh(multiplierA, c0);
    const lowA = Math.imul(multiplierA, c0);
    const highB = multiplyHigh(multiplierB, c2);
    const lowB = Math.imul(multiplierB, c2);
    c0 = (highB ^ c1 ^ k0) >>> 0;
    c1 = lowB >>> 0;
    c2 = (highA ^ c3 ^ k1) >>> 0;
    c3 = lowA >>> 0;
    k0 = (k0 + weylA) >>> 0;
    k1 = (k1 + weylB) >>> 0;
  }
  out[offset] = c0;
  out[offset + 1] = c1;
  out[offset + 2] = c2;
  out[offset + 3] = c3;
}

/** The upper 32 bits of the product of two unsigned 32-bit integers, from products of their 16-bit halves. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >>> 16);
  const cross = aLow * bHigh + (middle & 0xffff); // exact: below 2^33
  return aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000);
}
