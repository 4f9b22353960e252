// Sums over all but the last axis: a bias's gradient.

/** Rows that are summed up in registers before the sum goes to memory, so that rounding errors don't pile up in one chain. */
const blockRows: i32 = 256;

/**
 * `sums[c] = Σ_r x[r, c]`.
 *
 * @param x address of `[rows, columns]`
 * @param rowX floats from one row of x to the next: x may be some columns of a wider matrix
 * @param sums address of `[columns]`, which is overwritten
 */
export function columnSums(x: usize, rowX: i32, rows: i32, columns: i32, sums: usize): void {
  const stride = (<usize>rowX) << 2;
  const end = (<usize>columns) << 2;
  memory.fill(sums, 0, end);
  for (let top = 0; top < rows; top += blockRows) {
    const block = x + <usize>top * stride;
    const count = min(blockRows, rows - top);
    let c: usize = 0;
    for (; c + 64 <= end; c += 64) sixteenColumns(block + c, count, stride, sums + c);
    for (; c < end; c += 4) {
      let sum: f32 = 0;
      for (let r = 0; r < count; r++) sum += load<f32>(block + c + <usize>r * stride);
      store<f32>(sums + c, load<f32>(sums + c) + sum);
    }
  }
}

function sixteenColumns(from: usize, count: i32, stride: usize, sums: usize): void {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  for (let r = 0; r < count; r++) {
    s0 = f32x4.add(s0, v128.load(from));
    s1 = f32x4.add(s1, v128.load(from, 16));
    s2 = f32x4.add(s2, v128.load(from, 32));
    s3 = f32x4.add(s3, v128.load(from, 48));
    from += stride;
  }
  v128.store(sums, f32x4.add(v128.load(sums), s0));
  v128.store(sums, f32x4.add(v128.load(sums, 16), s1), 16);
  v128.store(sums, f32x4.add(v128.load(sums, 32), s2), 32);
  v128.store(sums, f32x4.add(v128.load(sums, 48), s3), 48);
}
