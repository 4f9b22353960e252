// The plot of how many pictures each class has: bars with their counts, the largest class first.
import type { PlotSpec } from './vega.ts';

/**
 * @param counts pictures of each class
 * @returns a bar chart, sorted by count and, where counts are equal, by name
 */
export function classFrequencyPlot(counts: Readonly<Record<string, number>>): PlotSpec {
  const values = Object.entries(counts)
    .map(([name, pictures]) => ({ class: name, pictures }))
    .sort((a, b) => b.pictures - a.pictures || (a.class < b.class ? -1 : 1));
  const total = values.reduce((sum, { pictures }) => sum + pictures, 0);
  const largest = values[0]?.pictures ?? 1;
  const classes = values.length === 1 ? '1 class' : `${values.length} classes`;
  return {
    title: { text: 'Pictures of each class', subtitle: `${grouped(total)} pictures in ${classes}` },
    width: 420,
    height: { step: 34 },
    data: { values },
    encoding: {
      y: { field: 'class', type: 'nominal', sort: values.map((value) => value.class), title: null },
      x: {
        field: 'pictures',
        type: 'quantitative',
        axis: { title: 'pictures', tickCount: 6 },
        scale: { domain: [0, Math.ceil(1.12 * largest)], nice: false }, // the last bar's count needs room
      },
    },
    layer: [
      { mark: { type: 'bar', height: { band: 0.7 } } },
      {
        mark: { type: 'text', align: 'left', dx: 5 },
        encoding: { text: { field: 'pictures', type: 'quantitative', format: ',' } },
      },
    ],
  };
}

/** 13933 → `13,933`, whatever the locale. */
function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
