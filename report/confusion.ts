// The confusion matrix as a heat map, in the manner of seaborn: counts and shares of each row, as text and colour.
import { textWidth } from './text-width.ts';
import type { PlotSpec } from './vega.ts';

/** ColorBrewer's Blues from its lightest, so that an empty cell is nearly white; Vega's scheme of the name begins darker. */
const blues = ['#f7fbff', '#c6dbef', '#6baed6', '#2171b5', '#08306b'];

/** From this share on a cell is so dark that white text has more contrast than dark text. */
const darkFrom = 0.66;

/** Rows are the true class, columns the predicted one. */
export interface Confusion {
  readonly labels: readonly string[];
  /** `[true][predicted]`: pictures. */
  readonly matrix: readonly (readonly number[])[];
}

/** What the counts of a matrix are of. */
export interface Scored {
  readonly seeds: number;
  readonly side: 'validation' | 'test';
}

/**
 * @param label names the model and iteration in the title
 * @param scored how many trainings the counts are the sum of, and which side of the split the images are
 * @returns a square cell for each pair of classes, coloured by the share of the row
 */
export function confusionPlot({ labels, matrix }: Confusion, label: string, scored: Scored): PlotSpec {
  const values = labels.flatMap((truth, row) => {
    const support = matrix[row]!.reduce((sum, pictures) => sum + pictures, 0);
    return labels.map((predicted, column) => {
      const pictures = matrix[row]![column]!;
      const share = support === 0 ? 0 : pictures / support;
      return {
        true: truth,
        predicted,
        pictures,
        share,
        percent: pictures === 0 ? '' : percent(share),
        description: `True: ${truth}; predicted: ${predicted}; ${pictures} of ${support}, ${percent(share)} of the true class`,
      };
    });
  });
  const right = labels.reduce((sum, _, i) => sum + matrix[i]![i]!, 0);
  const all = values.reduce((sum, value) => sum + value.pictures, 0);
  const cell = labels.length <= 8 ? 78 : 46;
  const slanted = labels.some((name) => textWidth(name, 11) > cell - 6);
  const fontSize = labels.length <= 8 ? 13 : 10;
  const readable = {
    condition: { test: `datum.share >= ${darkFrom}`, value: '#ffffff' },
    value: '#222222',
  };
  return {
    title: { text: `Confusion matrix of ${label}`, subtitle: countText(right, all, scored) },
    width: { step: cell },
    height: { step: cell },
    data: { values },
    encoding: {
      x: {
        field: 'predicted',
        type: 'nominal',
        title: 'Predicted',
        sort: [...labels],
        axis: { labelAngle: slanted ? -45 : 0, labelLimit: 200, ticks: false, domain: false },
      },
      y: {
        field: 'true',
        type: 'nominal',
        title: 'True',
        sort: [...labels],
        axis: { labelLimit: 200, ticks: false, domain: false },
      },
    },
    layer: [
      {
        mark: { type: 'rect', stroke: '#ffffff' },
        encoding: {
          description: { field: 'description', type: 'nominal' },
          color: {
            field: 'share',
            type: 'quantitative',
            scale: { domain: blues.map((_, i) => i / (blues.length - 1)), range: blues },
            title: ['share of the', 'true class'],
            legend: { format: '.0%', values: [0, 0.25, 0.5, 0.75, 1] },
          },
        },
      },
      {
        mark: { type: 'text', fontSize, fontWeight: 600, dy: -fontSize * 0.5 },
        encoding: { text: { field: 'pictures', type: 'quantitative' }, color: readable },
      },
      {
        mark: { type: 'text', fontSize: fontSize - 1, dy: fontSize * 0.7 },
        encoding: { text: { field: 'percent', type: 'nominal' }, color: readable },
      },
    ],
  };
}

/** `1266 of 1530 predictions right, 306 validation images with each of 5 seeds`. */
function countText(right: number, all: number, { seeds, side }: Scored): string {
  if (seeds === 1) return `${right} of ${all} ${side} images right`;
  return `${right} of ${all} predictions right: ${all / seeds} ${side} images with each of ${seeds} seeds`;
}

/** 0.0312 → `3.1 %`, 0.45 → `45 %`. */
function percent(share: number): string {
  return `${share < 0.0995 ? (share * 100).toFixed(1) : (share * 100).toFixed(0)} %`;
}
