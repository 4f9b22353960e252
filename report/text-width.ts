// How wide a line of text is, without asking the machine's fonts: layout must be the same everywhere.

// Advance widths of printable ASCII in thousandths of an em, from Adobe's font metrics (AFM) of Helvetica, space to tilde.
const helvetica = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
  556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
  500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
  556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
  278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/** Letters that the table lacks are taken for wide ones, so that labels rather get too much room than overlap. */
const other = 778;

/** Other sans-serif fonts, DejaVu Sans above all, run wider than Helvetica; room for the widest in common use. */
const reserve = 1.12;

/** Width in pixels of one line of text in a sans-serif font of `fontSize` pixels: an estimate on the generous side. */
export function textWidth(text: string, fontSize: number): number {
  let thousandths = 0;
  for (const letter of text) thousandths += helvetica[(letter.codePointAt(0) ?? 0) - 32] ?? other;
  return (thousandths / 1000) * fontSize * reserve;
}
