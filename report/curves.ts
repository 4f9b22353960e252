// The accuracy and loss curves of one run: training against validation over the epochs.
import { bestAccuracyEpoch, bestLossEpoch, type History } from './history.ts';
import { type PlotSpec, palette } from './vega.ts';

/** What can be plotted over the epochs. */
export type Measure = 'accuracy' | 'loss';

/**
 * @param measure `accuracy` (share of the pictures, 0 … 1) or `loss` (mean cross-entropy in nats)
 * @param label names the run in the title: `cnn1, batch64-epochs20`
 * @returns two lines, the best validation epoch marked and named
 */
export function curvePlot(history: History, measure: Measure, label: string): PlotSpec {
  const values = history.epochs.flatMap((epoch) => [
    { epoch: epoch.epoch, set: 'training', value: epoch[measure] },
    {
      epoch: epoch.epoch,
      set: 'validation',
      value: measure === 'accuracy' ? epoch.valAccuracy : epoch.valLoss,
    },
  ]);
  const best = measure === 'accuracy' ? bestAccuracyEpoch(history) : bestLossEpoch(history);
  const bestValue = measure === 'accuracy' ? best.valAccuracy : best.valLoss;
  const subtitle = `Best validation ${measure} ${bestValue.toFixed(3)} after epoch ${best.epoch} of ${history.epochs.length}`;
  return {
    title: { text: `${measure === 'accuracy' ? 'Accuracy' : 'Loss'} of ${label}`, subtitle },
    width: 420,
    height: 260,
    data: { values },
    encoding: {
      x: epochAxis(history.epochs.length),
      y: {
        field: 'value',
        type: 'quantitative',
        title: measure === 'accuracy' ? 'accuracy' : 'loss (cross-entropy)',
        scale: { zero: false, nice: true },
      },
      color: {
        field: 'set',
        type: 'nominal',
        title: null,
        scale: { domain: ['training', 'validation'], range: [palette[0], palette[1]] },
        legend: { orient: 'top', symbolType: 'stroke' },
      },
    },
    layer: [
      { mark: { type: 'line' } },
      { mark: { type: 'point', filled: true, size: 18 } },
      {
        data: { values: [{ epoch: best.epoch, set: 'validation', value: bestValue }] },
        mark: { type: 'point', filled: false, size: 130, strokeWidth: 1.5 },
      },
    ],
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
