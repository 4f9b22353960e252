// Lays pictures out in rows with titles and captions: the random samples of each class, and sample predictions.
import sharp, { type OverlayOptions } from 'sharp';
import { fitText, outlinedText, outlinedWidth } from './outlined-text.ts';

/** An RGB picture: `uint8 [height, width, 3]`. */
export interface RgbImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** How a cell is marked: `good` green, `bad` red, `plain` not at all. */
export type Tone = 'good' | 'bad' | 'plain';

export interface GridCell {
  readonly image: RgbImage;
  /** One or more lines under the picture, parted by `\n`; a line that is too long for the cell ends in an ellipsis. */
  readonly caption?: string;
  readonly tone?: Tone;
}

export interface PictureGrid {
  /** A heading over the whole grid. */
  readonly title?: string;
  /** Headings of the columns. */
  readonly columns?: readonly string[];
  readonly rows: readonly { readonly title?: string; readonly cells: readonly GridCell[] }[];
  /** Width and height of each picture, pixels. Smaller ones are enlarged without smoothing: what is seen is what there is. */
  readonly cell: number;
}

const gap = 8;
const margin = 14;
const frame = 3;
const [titleSize, labelSize, captionSize] = [17, 14, 12];
const lineHeight = 1.35;
const widestRowTitle = 180;
const ink = '#222222';
const captionColours: Record<Tone, string> = { good: '#0a7a3d', bad: '#c62828', plain: '#555555' };

/**
 * Draws the grid.
 *
 * @returns a PNG, white background; the same bytes for the same grid
 */
export async function pictureGrid(grid: PictureGrid): Promise<Buffer> {
  const layout = layOut(grid);
  const overlays: OverlayOptions[] = [];
  const drawing: string[] = [];
  if (grid.title !== undefined) {
    const title = fitText(grid.title, titleSize, layout.width - 2 * margin, 'bold');
    drawing.push(
      outlinedText(title, { x: margin, y: margin + titleSize, size: titleSize, fill: ink, weight: 'bold' }),
    );
  }
  for (const [column, heading] of (grid.columns ?? []).entries()) {
    const x = layout.columnX(column) + grid.cell / 2;
    const y = layout.top - gap;
    drawing.push(
      outlinedText(fitText(heading, labelSize, grid.cell), {
        x,
        y,
        size: labelSize,
        fill: ink,
        anchor: 'middle',
      }),
    );
  }
  for (const [i, row] of grid.rows.entries()) {
    const y = layout.rowY[i] as number;
    if (row.title !== undefined) {
      const title = fitText(row.title, labelSize, layout.titleWidth);
      const baseline = y + grid.cell / 2 + 0.35 * labelSize;
      drawing.push(outlinedText(title, { x: margin, y: baseline, size: labelSize, fill: ink }));
    }
    for (const [column, cell] of row.cells.entries()) {
      const x = layout.columnX(column);
      const tone = cell.tone ?? 'plain';
      drawing.push(
        tone === 'plain'
          ? border(x, y, grid.cell, 1, '#d0d0d0')
          : border(x, y, grid.cell, frame, captionColours[tone]),
      );
      overlays.push({ input: await cellPicture(cell.image, grid.cell), left: x, top: y });
      for (const [line, text] of captionLines(cell).entries()) {
        drawing.push(
          outlinedText(fitText(text, captionSize, grid.cell + gap - 2), {
            x: x + grid.cell / 2,
            y: y + grid.cell + frame + captionSize * (1 + line * lineHeight),
            size: captionSize,
            fill: captionColours[tone],
            anchor: 'middle',
          }),
        );
      }
    }
  }
  const { width, height } = layout;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${drawing.join('')}</svg>`;
  return sharp({ create: { width, height, channels: 3, background: '#ffffff' } })
    .composite([{ input: Buffer.from(svg), left: 0, top: 0 }, ...overlays])
    .removeAlpha()
    .png({ compressionLevel: 9, adaptiveFiltering: true })
    .toBuffer();
}

/** Where rows and columns stand, pixels. */
function layOut(grid: PictureGrid) {
  const columns = Math.max(1, grid.columns?.length ?? 0, ...grid.rows.map((row) => row.cells.length));
  const titles = grid.rows.map((row) => (row.title === undefined ? 0 : outlinedWidth(row.title, labelSize)));
  const titleWidth = Math.ceil(Math.min(widestRowTitle, Math.max(0, ...titles)));
  const left = margin + (titleWidth > 0 ? titleWidth + gap + frame : 0);
  const headings = grid.columns === undefined ? 0 : Math.ceil(labelSize * lineHeight);
  const top = margin + (grid.title === undefined ? 0 : Math.ceil(titleSize * lineHeight) + gap) + headings;
  const rowY: number[] = [];
  let y = top;
  for (const row of grid.rows) {
    rowY.push(y);
    const lines = Math.max(0, ...row.cells.map((cell) => captionLines(cell).length));
    y += grid.cell + (lines === 0 ? 0 : frame + Math.ceil(captionSize * lineHeight * lines)) + gap;
  }
  const titleRoom = grid.title === undefined ? 0 : Math.ceil(outlinedWidth(grid.title, titleSize, 'bold'));
  return {
    top,
    titleWidth,
    rowY,
    columnX: (column: number) => left + column * (grid.cell + gap),
    width: Math.max(left + columns * (grid.cell + gap) - gap, Math.min(margin + titleRoom, 1200)) + margin,
    height: Math.max(y - gap, top) + margin,
  };
}

function captionLines(cell: GridCell): string[] {
  return cell.caption === undefined ? [] : cell.caption.split('\n');
}

/** A frame around a cell, outside of its picture. */
function border(x: number, y: number, cell: number, width: number, colour: string): string {
  const side = cell + width;
  return (
    `<rect x="${x - width / 2}" y="${y - width / 2}" width="${side}" height="${side}" ` +
    `fill="none" stroke="${colour}" stroke-width="${width}"/>`
  );
}

async function cellPicture({ data, width, height }: RgbImage, cell: number): Promise<Buffer> {
  const enlarged = width < cell && height < cell;
  return sharp(data, { raw: { width, height, channels: 3 } })
    .resize(cell, cell, { fit: 'contain', background: '#ffffff', kernel: enlarged ? 'nearest' : 'lanczos3' })
    .png({ compressionLevel: 1 })
    .toBuffer();
}
