// The gradient of a convolution's input for stride 1: a convolution of dy with the filter turned by 180° and its channels exchanged.
import { padRows } from './pad-rows';
import { tileColumns, tileRows } from './tile';

/** Rows of dx that are computed while the rows of dy that they need lie in the cache. */
const blockRows: i32 = 4;

/**
 * `dx[n, i, j, ci] = Σ_a,b,co dyp[n, i + a, j + b, co] · w[filterHeight - 1 - a, filterWidth - 1 - b, ci, co]`, with dyp the padded dy.
 *
 * A tile of dx is four positions side by side and eight channels; row a of its patch is `filterWidth · outChannels` floats side by
 * side in dyp.
 *
 * @param dy address of `[batch, outHeight, outWidth, outChannels]`
 * @param filter address of `[filterHeight, filterWidth, inChannels, outChannels]`
 * @param dx address of `[batch, inHeight, inWidth, inChannels]`; the rows' part of it is overwritten
 * @param padTop rows of zeros above dy: filterHeight - 1, less those that the convolution had above x
 * @param padLeft columns of zeros left of dy
 * @param firstRow of dx to compute, counted through the batch: `batch · inHeight` in all
 * @param endRow row of dx to end before
 * @param scratch address of as many bytes as `conv2dBackpropInputScratch` says
 */
export function conv2dBackpropInput(
  dy: usize,
  filter: usize,
  dx: usize,
  inHeight: i32,
  inWidth: i32,
  inChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
  padTop: i32,
  padLeft: i32,
  firstRow: i32,
  endRow: i32,
  scratch: usize,
): void {
  const depth = filterWidth * outChannels;
  const panelBytes = (<usize>(filterHeight * depth)) << 5;
  const position = (<usize>outChannels) << 2;
  const width = inWidth + filterWidth - 1;
  const rowBytes = <usize>width * position;
  const strideC = (<usize>inChannels) << 2;
  const edge = scratch;
  const panels = edge + 128;
  const padded = panels + <usize>((inChannels + tileColumns - 1) / tileColumns) * panelBytes;
  packTurned(filter, filterHeight, filterWidth, inChannels, outChannels, panels);

  let row = firstRow;
  while (row < endRow) {
    const n = row / inHeight;
    const top = row % inHeight;
    const rows = min(min(blockRows, inHeight - top), endRow - row);
    const picture = dy + <usize>(n * outHeight * outWidth) * position;
    padRows(
      picture,
      outHeight,
      outWidth,
      outChannels,
      top - padTop,
      rows + filterHeight - 1,
      padLeft,
      width,
      padded,
    );
    let panel = panels;
    for (let ci = 0; ci < inChannels; ci += tileColumns) {
      const columns = min(tileColumns, inChannels - ci);
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < inWidth; j += tileRows) {
          const from = padded + <usize>i * rowBytes + <usize>j * position;
          const to = dx + <usize>((row + i) * inWidth + j) * strideC + ((<usize>ci) << 2);
          const count = min(tileRows, inWidth - j);
          if (count === tileRows && columns === tileColumns) {
            storePatchProducts(from, position, rowBytes, filterHeight, depth, panel, to, strideC);
          } else {
            storePatchProducts(from, position, rowBytes, filterHeight, depth, panel, edge, 32);
            for (let m: usize = 0; m < <usize>count; m++) {
              memory.copy(to + m * strideC, edge + (m << 5), (<usize>columns) << 2);
            }
          }
        }
      }
      panel += panelBytes;
    }
    row += rows;
  }
}

/** Bytes of scratch memory that `conv2dBackpropInput` needs. */
export function conv2dBackpropInputScratch(
  inWidth: i32,
  inChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  outChannels: i32,
): usize {
  const panels =
    ((inChannels + tileColumns - 1) / tileColumns) * filterHeight * filterWidth * outChannels * 8;
  // The last tile of a row reads up to three positions more than there are; what it makes of them is not used.
  const padded = ((blockRows + filterHeight - 1) * (inWidth + filterWidth - 1) + 3) * outChannels;
  return (<usize>(32 + panels + padded)) << 2;
}

/**
 * `c[m, n] = Σ_r,k a[m · stepA + r · rowA + k] · b[r · depth + k, n]` for m < 4 and n < 8: like `addProducts`, but the sums run along
 * the rows of a, which here lie side by side for k.
 */
function storePatchProducts(
  a: usize,
  stepA: usize,
  rowA: usize,
  rows: i32,
  depth: i32,
  b: usize,
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
  const bytes = (<usize>depth) << 2;
  for (let r = 0; r < rows; r++) {
    let p0 = a;
    let p1 = a + stepA;
    let p2 = p1 + stepA;
    let p3 = p2 + stepA;
    const end = a + bytes;
    while (p0 < end) {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      const a0 = v128.load_splat<f32>(p0);
      c00 = f32x4.add(c00, f32x4.mul(a0, b0));
      c01 = f32x4.add(c01, f32x4.mul(a0, b1));
      const a1 = v128.load_splat<f32>(p1);
      c10 = f32x4.add(c10, f32x4.mul(a1, b0));
      c11 = f32x4.add(c11, f32x4.mul(a1, b1));
      const a2 = v128.load_splat<f32>(p2);
      c20 = f32x4.add(c20, f32x4.mul(a2, b0));
      c21 = f32x4.add(c21, f32x4.mul(a2, b1));
      const a3 = v128.load_splat<f32>(p3);
      c30 = f32x4.add(c30, f32x4.mul(a3, b0));
      c31 = f32x4.add(c31, f32x4.mul(a3, b1));
      p0 += 4;
      p1 += 4;
      p2 += 4;
      p3 += 4;
      b += 32;
    }
    a += rowA;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += strideC;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += strideC;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  c += strideC;
  v128.store(c, c30);
  v128.store(c, c31, 16);
}

/** `panels[ci / 8, a, b, co, ci % 8] = filter[filterHeight - 1 - a, filterWidth - 1 - b, ci, co]`, with zeros after the last ci. */
function packTurned(
  filter: usize,
  filterHeight: i32,
  filterWidth: i32,
  inChannels: i32,
  outChannels: i32,
  panels: usize,
): void {
  const places = filterHeight * filterWidth;
  for (let ci = 0; ci < inChannels; ci += tileColumns) {
    for (let place = places - 1; place >= 0; place--) {
      const from = filter + ((<usize>((place * inChannels + ci) * outChannels)) << 2);
      const count = min(tileColumns, inChannels - ci);
      if (count < tileColumns) memory.fill(panels, 0, (<usize>outChannels) << 5);
      for (let i = 0; i < count; i++) {
        for (let co = 0; co < outChannels; co++) {
          store<f32>(
            panels + ((<usize>(co * tileColumns + i)) << 2),
            load<f32>(from + ((<usize>(i * outChannels + co)) << 2)),
          );
        }
      }
      panels += (<usize>outChannels) << 5;
    }
  }
}
