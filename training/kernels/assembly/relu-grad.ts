// The gradient of ReLU: one pass.

/**
 * `dx = y > 0 ? dy : 0`.
 *
 * @param count of floats at each of the addresses
 */
export function reluGrad(dy: usize, y: usize, dx: usize, count: i32): void {
  const end = (<usize>count) << 2;
  const zero = f32x4.splat(0);
  let i: usize = 0;
  for (; i + 16 <= end; i += 16) {
    v128.store(dx + i, v128.and(v128.load(dy + i), f32x4.gt(v128.load(y + i), zero)));
  }
  for (; i < end; i += 4) store<f32>(dx + i, load<f32>(y + i) > 0 ? load<f32>(dy + i) : 0);
}
