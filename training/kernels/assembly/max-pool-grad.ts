// The gradient of max-pooling, four channels at a time.

/**
 * Adds each value of dy to the place of dx that was its window's maximum: the first in reading order where there are several, none
 * where nothing in the window is above -∞.
 *
 * @param x address of the pooling's input, `[batch, height, width, channels]`
 * @param dy address of `[batch, outHeight, outWidth, channels]`
 * @param dx address of the input's gradient, which is overwritten
 */
export function maxPoolGrad(
  x: usize,
  dy: usize,
  dx: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  windowHeight: i32,
  windowWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  padTop: i32,
  padLeft: i32,
): void {
  const pixel = (<usize>channels) << 2;
  const row = <usize>width * pixel;
  const vectors = (<usize>(channels & ~3)) << 2;
  memory.fill(dx, 0, <usize>(batch * height) * row);
  for (let n = 0; n < batch; n++) {
    const picture = <usize>(n * height) * row;
    for (let i = 0; i < outHeight; i++) {
      const top = max(0, i * strideHeight - padTop);
      const bottom = min(height, i * strideHeight - padTop + windowHeight);
      for (let j = 0; j < outWidth; j++) {
        const left = max(0, j * strideWidth - padLeft);
        const right = min(width, j * strideWidth - padLeft + windowWidth);
        const corner = picture + <usize>top * row + <usize>left * pixel;
        const rows = bottom - top;
        const columns = right - left;
        let c: usize = 0;
        for (; c < vectors; c += 16)
          fourChannels(x, dx, corner + c, rows, columns, row, pixel, v128.load(dy + c));
        for (; c < pixel; c += 4) oneChannel(x, dx, corner + c, rows, columns, row, pixel, load<f32>(dy + c));
        dy += pixel;
      }
    }
  }
}

function fourChannels(
  x: usize,
  dx: usize,
  corner: usize,
  rows: i32,
  columns: i32,
  row: usize,
  pixel: usize,
  gradient: v128,
): void {
  let most = f32x4.splat(-Infinity);
  let where = i32x4.splat(-1);
  let offset = corner;
  let place = 0;
  for (let a = 0; a < rows; a++) {
    for (let b = 0; b < columns; b++) {
      const value = v128.load(x + offset + <usize>b * pixel);
      const above = f32x4.gt(value, most);
      most = v128.bitselect(value, most, above);
      where = v128.bitselect(i32x4.splat(place), where, above);
      place++;
    }
    offset += row;
  }
  offset = corner;
  place = 0;
  for (let a = 0; a < rows; a++) {
    for (let b = 0; b < columns; b++) {
      const at = dx + offset + <usize>b * pixel;
      const own = v128.and(gradient, i32x4.eq(where, i32x4.splat(place)));
      v128.store(at, f32x4.add(v128.load(at), own));
      place++;
    }
    offset += row;
  }
}

function oneChannel(
  x: usize,
  dx: usize,
  corner: usize,
  rows: i32,
  columns: i32,
  row: usize,
  pixel: usize,
  gradient: f32,
): void {
  let most: f32 = -Infinity;
  let where: usize = 0;
  for (let a = 0; a < rows; a++) {
    for (let b = 0; b < columns; b++) {
      const offset = corner + <usize>a * row + <usize>b * pixel;
      const value = load<f32>(x + offset);
      if (value > most) {
        most = value;
        where = dx + offset;
      }
    }
  }
  if (where !== 0) store<f32>(where, load<f32>(where) + gradient);
}
