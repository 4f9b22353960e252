// The product of two matrices, either of them transposed: blocks of both are packed into panels that stay in the cache.
import { addProducts, tileColumns, tileRows } from './tile';

/** Depth of a block: summed up in registers before the sums go to memory. */
const blockDepth: i32 = 256;
/** Rows of a block of the left factor: 64 kB. */
const blockHeight: i32 = 64;
/** Columns of a block of the right factor: 512 kB. */
const blockWidth: i32 = 512;

/** Bytes of scratch memory that `matMul` needs. */
export function matMulScratch(): usize {
  return (<usize>(blockDepth * (blockHeight + blockWidth) + tileRows * tileColumns)) << 2;
}

/**
 * `c[m, n] = Σ_k a[m, k] · b[k, n]`; the factors are given by their steps, so that a transposed one is the same matrix with its steps
 * exchanged.
 *
 * @param a address of the left factor; element (m, k) lies `m · rowA + k · columnA` floats on
 * @param b address of the right factor; element (k, n) lies `k · rowB + n · columnB` floats on
 * @param c address of the product, `[height, width]`, which is overwritten
 * @param rowC floats from one row of c to the next: c may be a part of a wider product
 * @param scratch address of `matMulScratch()` bytes
 */
export function matMul(
  a: usize,
  rowA: i32,
  columnA: i32,
  b: usize,
  rowB: i32,
  columnB: i32,
  c: usize,
  rowC: i32,
  height: i32,
  depth: i32,
  width: i32,
  scratch: usize,
): void {
  const panelsA = scratch;
  const panelsB = panelsA + ((<usize>(blockDepth * blockHeight)) << 2);
  const edge = panelsB + ((<usize>(blockDepth * blockWidth)) << 2);
  const strideC = (<usize>rowC) << 2;
  for (let m = 0; m < height; m++) memory.fill(c + <usize>m * strideC, 0, (<usize>width) << 2);
  for (let n0 = 0; n0 < width; n0 += blockWidth) {
    const across = min(blockWidth, width - n0);
    for (let k0 = 0; k0 < depth; k0 += blockDepth) {
      const deep = min(blockDepth, depth - k0);
      pack(
        b + ((<usize>k0 * <usize>rowB + <usize>n0 * <usize>columnB) << 2),
        columnB,
        rowB,
        across,
        deep,
        tileColumns,
        panelsB,
      );
      for (let m0 = 0; m0 < height; m0 += blockHeight) {
        const down = min(blockHeight, height - m0);
        pack(
          a + ((<usize>m0 * <usize>rowA + <usize>k0 * <usize>columnA) << 2),
          rowA,
          columnA,
          down,
          deep,
          tileRows,
          panelsA,
        );
        for (let n = 0; n < across; n += tileColumns) {
          const right = panelsB + ((<usize>(n * deep)) << 2);
          for (let m = 0; m < down; m += tileRows) {
            const left = panelsA + ((<usize>(m * deep)) << 2);
            const to = c + <usize>(m0 + m) * strideC + ((<usize>(n0 + n)) << 2);
            if (m + tileRows <= down && n + tileColumns <= across) {
              addProducts(left, 16, 0, right, 1, deep, to, strideC);
            } else {
              memory.fill(edge, 0, 128);
              addProducts(left, 16, 0, right, 1, deep, edge, 32);
              addEdge(edge, min(tileRows, down - m), min(tileColumns, across - n), to, strideC);
            }
          }
        }
      }
    }
  }
}

/** `panels[r / size, k, r % size] = from[r · rowStep + k · depthStep]`, with zeros after the last row; steps in floats. */
function pack(
  from: usize,
  rowStep: i32,
  depthStep: i32,
  rows: i32,
  depth: i32,
  size: i32,
  panels: usize,
): void {
  const deeper = (<usize>depthStep) << 2;
  const panelStep = (<usize>size) << 2;
  for (let r = 0; r < rows; r += size) {
    const count = min(size, rows - r);
    const first = from + ((<usize>r * <usize>rowStep) << 2);
    if (count < size) memory.fill(panels, 0, <usize>depth * panelStep);
    if (rowStep === 1 && count === size) {
      let source = first;
      let to = panels;
      for (let k = 0; k < depth; k++) {
        for (let i: usize = 0; i < panelStep; i += 16) v128.store(to + i, v128.load(source + i));
        source += deeper;
        to += panelStep;
      }
    } else {
      for (let i = 0; i < count; i++) {
        let source = first + ((<usize>i * <usize>rowStep) << 2);
        let to = panels + ((<usize>i) << 2);
        for (let k = 0; k < depth; k++) {
          store<f32>(to, load<f32>(source));
          source += deeper;
          to += panelStep;
        }
      }
    }
    panels += <usize>depth * panelStep;
  }
}

function addEdge(tile: usize, rows: i32, columns: i32, to: usize, strideC: usize): void {
  for (let m = 0; m < rows; m++) {
    for (let n = 0; n < columns; n++) {
      const at = to + ((<usize>n) << 2);
      store<f32>(at, load<f32>(at) + load<f32>(tile + ((<usize>(m * tileColumns + n)) << 2)));
    }
    to += strideC;
  }
}
