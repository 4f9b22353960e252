// The one loop in which the products are computed: a tile of 4 × 8 sums, held in registers.

/** Rows of a tile. With 8 columns it is the largest that the registers hold: 5 × 8 takes half as long again for each product. */
export const tileRows: i32 = 4;
/** Columns of a tile: two vectors of four floats. */
export const tileColumns: i32 = 8;

/**
 * `c[m, n] += Σ_i,j a[i·rowA + j·stepA + m] · b[(i·columns + j) · 8 + n]` for m < 4 and n < 8.
 *
 * The sum starts at 0 and is added to c at the end, so that the rounding errors of a long sum don't pile up in one chain.
 *
 * @param a address of the left factor, whose four rows lie side by side
 * @param stepA bytes from one position of a to the next
 * @param rowA bytes from one row of positions of a to the next
 * @param b address of a panel: eight floats for each position
 * @param c address of the tile
 * @param strideC bytes from one row of the tile to the next
 */
export function addProducts(
  a: usize,
  stepA: usize,
  rowA: usize,
  b: usize,
  rows: i32,
  columns: i32,
  c: usize,
  strideC: usize,
): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  for (let i = 0; i < rows; i++) {
    let p = a;
    for (let j = 0; j < columns; j++) {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      const a0 = v128.load_splat<f32>(p);
      c00 = f32x4.add(c00, f32x4.mul(a0, b0));
      c01 = f32x4.add(c01, f32x4.mul(a0, b1));
      const a1 = v128.load_splat<f32>(p, 4);
      c10 = f32x4.add(c10, f32x4.mul(a1, b0));
      c11 = f32x4.add(c11, f32x4.mul(a1, b1));
      const a2 = v128.load_splat<f32>(p, 8);
      c20 = f32x4.add(c20, f32x4.mul(a2, b0));
      c21 = f32x4.add(c21, f32x4.mul(a2, b1));
      const a3 = v128.load_splat<f32>(p, 12);
      c30 = f32x4.add(c30, f32x4.mul(a3, b0));
      c31 = f32x4.add(c31, f32x4.mul(a3, b1));
      p += stepA;
      b += 32;
    }
    a += rowA;
  }
  addTo(c, c00, c01);
  addTo(c + strideC, c10, c11);
  addTo(c + 2 * strideC, c20, c21);
  addTo(c + 3 * strideC, c30, c31);
}

function addTo(at: usize, left: v128, right: v128): void {
  v128.store(at, f32x4.add(v128.load(at), left));
  v128.store(at, f32x4.add(v128.load(at, 16), right), 16);
}

/**
 * Copies columns of a row-major matrix into panels of eight: `panels[n / 8, p, n % 8] = from[p, n]`, with zeros after the last column.
 *
 * @param from address of `[positions, columns]`
 */
export function packPanels(from: usize, positions: i32, columns: i32, panels: usize): void {
  const stride = (<usize>columns) << 2;
  for (let n = 0; n < columns; n += tileColumns) {
    let source = from + ((<usize>n) << 2);
    const width = min(tileColumns, columns - n);
    if (width === tileColumns) {
      for (let p = 0; p < positions; p++) {
        v128.store(panels, v128.load(source));
        v128.store(panels, v128.load(source, 16), 16);
        source += stride;
        panels += 32;
      }
    } else {
      for (let p = 0; p < positions; p++) {
        memory.fill(panels, 0, 32);
        memory.copy(panels, source, (<usize>width) << 2);
        source += stride;
        panels += 32;
      }
    }
  }
}
