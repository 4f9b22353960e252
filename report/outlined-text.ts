// Text as SVG outlines of a font that comes with the project, so that a picture with captions has the same bytes on a machine
// with other fonts, or none.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import opentype, { type Font } from 'opentype.js';

/** How a line of text is drawn. */
export interface TextStyle {
  /** Position of the anchor, pixels. */
  readonly x: number;
  /** Baseline, pixels. */
  readonly y: number;
  /** Font size, pixels. */
  readonly size: number;
  readonly fill: string;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly weight?: Weight;
}

type Weight = 'normal' | 'bold';

const cssWeight = { normal: 400, bold: 600 } as const;

/** Parts of Open Sans, in the order in which a letter is looked for. */
const subsets = ['latin', 'latin-ext', 'greek', 'cyrillic', 'vietnamese'] as const;

const resolve = createRequire(import.meta.url).resolve;
const fonts = new Map<string, Font>();

function font(subset: string, weight: Weight): Font {
  const file = `open-sans-${subset}-${cssWeight[weight]}-normal.woff`;
  let loaded = fonts.get(file);
  if (loaded === undefined) {
    const bytes = readFileSync(resolve(`@fontsource/open-sans/files/${file}`));
    loaded = opentype.parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    fonts.set(file, loaded);
  }
  return loaded;
}

/** The text in pieces of one font each, or null where a letter is in none. */
function pieces(text: string, weight: Weight): { font: Font; text: string }[] | null {
  const found: { font: Font; text: string }[] = [];
  for (const letter of text) {
    const subset = subsets.find((candidate) => font(candidate, weight).charToGlyphIndex(letter) > 0);
    if (subset === undefined) return null;
    const last = found.at(-1);
    if (last?.font === font(subset, weight)) last.text += letter;
    else found.push({ font: font(subset, weight), text: letter });
  }
  return found;
}

/** Width of a line in pixels; for letters that the font lacks, an em each. */
export function outlinedWidth(text: string, size: number, weight: Weight = 'normal'): number {
  const parts = pieces(text, weight);
  if (parts === null) return [...text].length * size;
  return parts.reduce((sum, part) => sum + part.font.getAdvanceWidth(part.text, size), 0);
}

/** The text, or as much of its beginning as fits into `width` pixels, followed by an ellipsis. */
export function fitText(text: string, size: number, width: number, weight: Weight = 'normal'): string {
  if (outlinedWidth(text, size, weight) <= width) return text;
  const letters = [...text];
  while (letters.length > 0 && outlinedWidth(`${letters.join('').trimEnd()}…`, size, weight) > width) {
    letters.pop();
  }
  return `${letters.join('').trimEnd()}…`;
}

/**
 * One line of text as an SVG element: a path. A line with letters that Open Sans lacks (Chinese, say) becomes a `text`
 * element, which the machine's fonts draw.
 */
export function outlinedText(text: string, style: TextStyle): string {
  const { size, fill, anchor = 'start', weight = 'normal' } = style;
  const width = outlinedWidth(text, size, weight);
  let x = style.x - (anchor === 'middle' ? width / 2 : anchor === 'end' ? width : 0);
  const parts = pieces(text, weight);
  if (parts === null) {
    return (
      `<text x="${style.x}" y="${style.y}" font-family="sans-serif" font-size="${size}" fill="${fill}" ` +
      `font-weight="${cssWeight[weight]}" text-anchor="${anchor}">${escapeXml(text)}</text>`
    );
  }
  const outlines = parts.map((part) => {
    const outline = part.font.getPath(part.text, x, style.y, size).toPathData(2);
    x += part.font.getAdvanceWidth(part.text, size);
    return outline;
  });
  return `<path fill="${fill}" d="${outlines.join('')}"/>`;
}

/** Makes any text safe inside XML; control characters, which XML forbids, are dropped. */
export function escapeXml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to drop
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&apos;')
  );
}
