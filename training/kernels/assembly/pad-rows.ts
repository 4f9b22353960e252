// Rows of a picture with zeros around them, so that a convolution meets no edge.

/** Copies `count` rows of one picture, from row `top` on and with `padLeft` zeros at the left, to rows of `width` columns. */
export function padRows(
  picture: usize,
  height: i32,
  columns: i32,
  channels: i32,
  top: i32,
  count: i32,
  padLeft: i32,
  width: i32,
  to: usize,
): void {
  const pixel = (<usize>channels) << 2;
  const rowBytes = <usize>width * pixel;
  const copied = max(0, min(columns, width - padLeft));
  const leftBytes = <usize>min(padLeft, width) * pixel;
  const copiedBytes = <usize>copied * pixel;
  for (let r = top; r < top + count; r++) {
    if (r < 0 || r >= height) {
      memory.fill(to, 0, rowBytes);
    } else {
      memory.fill(to, 0, leftBytes);
      memory.copy(to + leftBytes, picture + <usize>(r * columns) * pixel, copiedBytes);
      memory.fill(to + leftBytes + copiedBytes, 0, rowBytes - leftBytes - copiedBytes);
    }
    to += rowBytes;
  }
}
