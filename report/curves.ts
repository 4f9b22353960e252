// The accuracy and loss curves of one model and iteration: training against validation over the epochs.
import { bestAccuracyEpoch, bestLossEpoch, type MeanEpoch } from './history.ts';
import { type PlotSpec, palette } from './vega.ts';

/** What can be plotted over the epochs. */
export type Measure = 'accuracy' | 'loss';

/** Figure of a validation or training curve. */
const figureOf = { accuracy: { training: 'accuracy', validation: 'valAccuracy' }, loss: { training: 'loss', validation: 'valLoss' } } as const; // biome-ignore format: one line

/** The rows of a curve with its band, for training and validation. */
export function curveRows(epochs: readonly MeanEpoch[], measure: Measure) {
  return epochs.flatMap((epoch) =>
    (['training', 'validation'] as const).map((set) => {
      const figure = figureOf[measure][set];
      return {
        epoch: epoch.epoch,
        set,
        value: epoch[figure],
        low: epoch[figure] - epoch.sd[figure],
        high: epoch[figure] + epoch.sd[figure],
      };
    }),
  );
}

/** `mean of 5 seeds, band: ± 1 standard deviation`; null for one seed. */
export function seedsNote(seeds: number): string | null {
  return seeds === 1 ? null : `Mean of ${seeds} seeds; band: ± 1 standard deviation`;
}

/**
 * @param epochs of the mean curve
 * @param measure `accuracy` (share of the images, 0 … 1) or `loss` (mean cross-entropy in nats)
 * @param label names the model and iteration in the title: `cnn1, batch64-epochs20`
 * @returns two lines, with bands if there are several seeds, the best validation epoch marked and named
 */
export function curvePlot(epochs: readonly MeanEpoch[], measure: Measure, label: string): PlotSpec {
  const best = measure === 'accuracy' ? bestAccuracyEpoch(epochs) : bestLossEpoch(epochs);
  const bestValue = measure === 'accuracy' ? best.valAccuracy : best.valLoss;
  const seeds = epochs[0]!.trainings;
  const note = seedsNote(seeds);
  const marked = `Best validation ${measure} ${bestValue.toFixed(3)} after epoch ${best.epoch} of ${epochs.length}, chosen on these images`;
  return {
    title: {
      text: `${measure === 'accuracy' ? 'Accuracy' : 'Loss'} of ${label}`,
      subtitle: note === null ? marked : [note, marked],
    },
    width: 420,
    height: 260,
    data: { values: curveRows(epochs, measure) },
    encoding: {
      x: epochAxis(epochs.length),
      color: {
        field: 'set',
        type: 'nominal',
        title: null,
        scale: { domain: ['training', 'validation'], range: [palette[0], palette[1]] },
        legend: { orient: 'top', symbolType: 'stroke', symbolOpacity: 1 },
      },
    },
    layer: [
      ...(note === null ? [] : [band(measure)]),
      { mark: { type: 'line' }, encoding: { y: valueAxis(measure) } },
      { mark: { type: 'point', filled: true, size: 18 }, encoding: { y: valueAxis(measure) } },
      {
        data: { values: [{ epoch: best.epoch, set: 'validation', value: bestValue }] },
        mark: { type: 'point', filled: false, size: 130, strokeWidth: 1.5 },
        encoding: { y: valueAxis(measure) },
      },
    ],
  };
}

function valueAxis(measure: Measure, field = 'value') {
  return {
    field,
    type: 'quantitative' as const,
    title: measure === 'accuracy' ? 'accuracy' : 'loss (cross-entropy)',
    scale: { zero: false, nice: true },
  };
}

/** The area between `low` and `high`. */
function band(measure: Measure) {
  return {
    mark: { type: 'area' as const, opacity: 0.18 },
    encoding: { y: valueAxis(measure, 'low'), y2: { field: 'high' } },
  };
}

/** An axis of whole epochs, from the first to the last. */
export function epochAxis(epochs: number) {
  const step = Math.max(1, Math.ceil(epochs / 10));
  const ticks = Array.from({ length: Math.floor(epochs / step) }, (_, i) => (i + 1) * step);
  return {
    field: 'epoch',
    type: 'quantitative' as const,
    title: 'epoch',
    scale: { domain: [1, Math.max(2, epochs)], nice: false },
    axis: { values: step === 1 ? ticks : [1, ...ticks], format: 'd', grid: false },
  };
}
