// The gradient of a convolution's filter, as products of patches of x with dy, computed where x and dy lie in the cache.
import { padRows } from './pad-rows';
import { addProducts, packPanels, tileColumns, tileRows } from './tile';

/**
 * `dw[a, b, ci, co] = Σ_n,i,j xp[n, i·strideHeight + a, j·strideWidth + b, ci] · dy[n, i, j, co]`, with xp the padded x.
 *
 * Row a of a patch is `filterWidth · inChannels` floats side by side in xp, so that each row of the filter is one matrix product,
 * `[filterWidth · inChannels, positions] × [positions, outChannels]`. It is summed up over blocks of `blockRows` output rows: those
 * rows of xp, and dy in panels, are laid in the scratch memory, and all tiles of dw go over them while they are in the cache.
 *
 * The tiles are computed independently of each other, so that several threads can each take some of their rows.
 *
 * @param x address of `[batch, inHeight, inWidth, inChannels]`
 * @param dy address of `[batch, outHeight, outWidth, outChannels]`
 * @param dw address of `[filterHeight, filterWidth, inChannels, outChannels]`; the tiles' part of it is overwritten
 * @param firstTiles first row of tiles to compute
 * @param endTiles row of tiles to end before; there are `conv2dBackpropFilterTiles` rows
 * @param scratch address of as many bytes as `conv2dBackpropFilterScratch` says
 */
export function conv2dBackpropFilter(
  x: usize,
  dy: usize,
  dw: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  inChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
  strideHeight: i32,
  strideWidth: i32,
  padTop: i32,
  padLeft: i32,
  blockRows: i32,
  firstTiles: i32,
  endTiles: i32,
  scratch: usize,
): void {
  const patchRow = filterWidth * inChannels;
  const tilesDown = (patchRow + tileRows - 1) / tileRows;
  const tilesAcross = (outChannels + tileColumns - 1) / tileColumns;
  const width = (outWidth - 1) * strideWidth + filterWidth;
  const rowBytes = (<usize>(width * inChannels)) << 2;
  const stepBytes = (<usize>(strideWidth * inChannels)) << 2;
  const tileBytes: usize = 4 * 4 * 8;

  const tilesSize = <usize>((endTiles - firstTiles) * tilesAcross) * tileBytes;
  const panels = scratch + tilesSize;
  const padded = panels + ((<usize>(blockRows * outWidth * tilesAcross)) << 5);
  memory.fill(scratch, 0, tilesSize);

  for (let n = 0; n < batch; n++) {
    for (let top = 0; top < outHeight; top += blockRows) {
      const rows = min(blockRows, outHeight - top);
      const positions = rows * outWidth;
      packPanels(
        dy + ((<usize>((n * outHeight + top) * outWidth) * <usize>outChannels) << 2),
        positions,
        outChannels,
        panels,
      );
      padRows(
        x + ((<usize>(n * inHeight * inWidth) * <usize>inChannels) << 2),
        inHeight,
        inWidth,
        inChannels,
        top * strideHeight - padTop,
        (rows - 1) * strideHeight + filterHeight,
        padLeft,
        width,
        padded,
      );
      let tile = scratch;
      for (let each = firstTiles; each < endTiles; each++) {
        const a = each / tilesDown;
        const down = each % tilesDown;
        const left = padded + <usize>a * rowBytes + ((<usize>(down * tileRows)) << 2);
        for (let across = 0; across < tilesAcross; across++) {
          addProducts(
            left,
            stepBytes,
            <usize>strideHeight * rowBytes,
            panels + ((<usize>(across * positions)) << 5),
            rows,
            outWidth,
            tile,
            32,
          );
          tile += tileBytes;
        }
      }
    }
  }
  copyTiles(scratch, firstTiles, endTiles, patchRow, outChannels, dw);
}

/** Rows of tiles that the gradient consists of. */
export function conv2dBackpropFilterTiles(inChannels: i32, filterHeight: i32, filterWidth: i32): i32 {
  return filterHeight * ((filterWidth * inChannels + tileRows - 1) / tileRows);
}

/** Bytes of scratch memory that `conv2dBackpropFilter` needs for `tiles` rows of tiles. */
export function conv2dBackpropFilterScratch(
  inChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  outWidth: i32,
  outChannels: i32,
  strideHeight: i32,
  strideWidth: i32,
  blockRows: i32,
  tiles: i32,
): usize {
  const tilesAcross = (outChannels + tileColumns - 1) / tileColumns;
  const sums = tiles * tilesAcross * 32;
  const panels = blockRows * outWidth * tilesAcross * 8;
  const paddedRows = (blockRows - 1) * strideHeight + filterHeight;
  const padded = paddedRows * ((outWidth - 1) * strideWidth + filterWidth) * inChannels;
  // The last tile of a patch's row reads up to three floats more than there are; what it makes of them is not used.
  return (<usize>(sums + panels + padded + 3)) << 2;
}

/** Puts the tiles in their places in `[filterHeight, patchRow, outChannels]`. */
function copyTiles(tiles: usize, first: i32, end: i32, patchRow: i32, outChannels: i32, dw: usize): void {
  const tilesDown = (patchRow + tileRows - 1) / tileRows;
  for (let each = first; each < end; each++) {
    const top = (each % tilesDown) * tileRows;
    const rows = min(tileRows, patchRow - top);
    for (let left = 0; left < outChannels; left += tileColumns) {
      const bytes = (<usize>min(tileColumns, outChannels - left)) << 2;
      for (let m = 0; m < rows; m++) {
        const row = (each / tilesDown) * patchRow + top + m;
        memory.copy(dw + ((<usize>(row * outChannels + left)) << 2), tiles + ((<usize>m) << 5), bytes);
      }
      tiles += 4 * 4 * 8;
    }
  }
}
