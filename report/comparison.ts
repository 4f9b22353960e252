// The iteration comparison across models: final and best values, overlaid curves and training time.
import { epochAxis, type Measure } from './curves.ts';
import type { History } from './history.ts';
import { compareRuns } from './run-order.ts';
import { type PlotSpec, palette } from './vega.ts';

/** One model trained with one iteration, as far as the comparison plots it. */
export interface ComparedRun {
  readonly model: string;
  readonly run: string;
  /** After the last epoch, on the validation pictures. */
  readonly final: number;
  /** The best of all epochs. */
  readonly best: number;
  /** 95 % confidence interval of `final`, where there is one. */
  readonly interval?: readonly [number, number];
}

/** Seconds of one training. */
export interface TimedRun {
  readonly model: string;
  readonly run: string;
  readonly trainSeconds: number;
  readonly imagesPerSecond: number;
}

const height = 30; // of a run's row, in pixels
const ordered = <T>(values: Iterable<T>, compare: (a: T, b: T) => number) =>
  [...new Set(values)].sort(compare);
const byCodeUnit = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Rows of the plot: `y` is the run, and a facet holds all runs of a model. */
function rows(runs: readonly { readonly model: string; readonly run: string }[]) {
  return {
    models: ordered(
      runs.map(({ model }) => model),
      byCodeUnit,
    ),
    runs: ordered(
      runs.map(({ run }) => run),
      compareRuns,
    ),
  };
}

/**
 * A dot plot: a row for each run, grouped by model; a circle after the last epoch, a diamond at the best epoch, the line the
 * 95 % interval of the first. Beside each row its value and the difference to the row above.
 *
 * @param measure that `final` and `best` are values of
 * @param notes lines under the title, such as what a model's backbone is
 */
export function comparisonPlot(
  compared: readonly ComparedRun[],
  measure: Measure,
  notes: readonly string[] = [],
): PlotSpec {
  const { models, runs } = rows(compared);
  const values = models.flatMap((model) => {
    const ofModel = compared
      .filter((entry) => entry.model === model)
      .sort((a, b) => compareRuns(a.run, b.run));
    return ofModel.map((entry, i) => {
      const before = ofModel[i - 1];
      const change = before === undefined ? '' : ` (${signed(entry.final - before.final)})`;
      return {
        model,
        run: entry.run,
        final: entry.final,
        best: entry.best,
        low: entry.interval?.[0] ?? entry.final,
        high: entry.interval?.[1] ?? entry.final,
        text: `${entry.final.toFixed(3)}${change}`,
      };
    });
  });
  const kinds = ['after the last epoch', 'at the best epoch'];
  const kind = { field: 'kind', type: 'nominal', title: null, legend: { orient: 'top' } } as const;
  const kindOf = {
    color: { ...kind, scale: { domain: kinds, range: [palette[0], palette[1]] } },
    shape: { ...kind, scale: { domain: kinds, range: ['circle', 'diamond'] } },
  };
  const x = (field: string) =>
    ({
      field,
      type: 'quantitative',
      title: `validation ${measure}`,
      scale: { zero: false, nice: true },
    }) as const;
  const interval = compared.some((entry) => entry.interval !== undefined)
    ? '; line: 95 % interval (Wilson)'
    : '';
  return {
    title: {
      text: `Validation ${measure} of each model and iteration`,
      subtitle: [`In brackets: change from the iteration above${interval}`, ...notes],
    },
    data: { values },
    facet: {
      row: {
        field: 'model',
        type: 'nominal',
        sort: models,
        title: null,
        header: { labelAngle: 0, labelAlign: 'left', labelFontWeight: 600, labelLimit: 240 },
      },
    },
    spec: {
      width: 440,
      height: { step: height },
      encoding: { y: { field: 'run', type: 'nominal', sort: runs, title: null, axis: { labelLimit: 240 } } },
      layer: [
        {
          mark: { type: 'rule', color: '#9db7cc', strokeWidth: 3 },
          encoding: { x: x('low'), x2: { field: 'high' } },
        },
        {
          transform: [{ calculate: `'${kinds[1]}'`, as: 'kind' }],
          mark: { type: 'point', filled: true, size: 150, opacity: 1 },
          encoding: { x: x('best'), ...kindOf },
        },
        {
          transform: [{ calculate: `'${kinds[0]}'`, as: 'kind' }],
          mark: { type: 'point', filled: true, size: 55, opacity: 1 },
          encoding: { x: x('final'), ...kindOf },
        },
        {
          mark: { type: 'text', align: 'left' },
          encoding: { x: { value: 452 }, text: { field: 'text', type: 'nominal' } },
        },
      ],
    },
  };
}

/**
 * Validation and training curves of all runs: a column for each model, a colour for each run, training dashed; accuracy above,
 * loss below. A run that only goes on from a shorter one is drawn from where that ends, so that it does not hide it.
 */
export function curvesPlot(histories: readonly History[], notes: readonly string[] = []): PlotSpec {
  const { models, runs } = rows(histories);
  const shorter = new Map(histories.map((history) => [history, goesOnFrom(history, histories)]));
  const joined = new Set(
    [...shorter].flatMap(([{ run }, from]) => (from === null ? [] : [`${run} goes on from ${from.run}`])),
  );
  const longest = Math.max(...histories.map(({ epochs }) => epochs.length));
  const sorted = [...histories].sort((a, b) => byCodeUnit(a.model, b.model) || compareRuns(a.run, b.run));
  const valuesOf = (measure: Measure) =>
    sorted.flatMap((history) => {
      const { model, run, epochs } = history;
      const from = shorter.get(history)?.epochs.length ?? 1;
      return epochs.slice(from - 1).flatMap((epoch) => [
        { model, run, epoch: epoch.epoch, set: 'training', value: epoch[measure] },
        {
          model,
          run,
          epoch: epoch.epoch,
          set: 'validation',
          value: measure === 'accuracy' ? epoch.valAccuracy : epoch.valLoss,
        },
      ]);
    });
  const panel = (measure: Measure) => {
    const header =
      measure === 'accuracy' ? { labelFontWeight: 600 as const, labelLimit: 240 } : { labels: false };
    return {
      data: { values: valuesOf(measure) },
      mark: { type: 'line' as const, strokeWidth: 1.8 },
      width: 250,
      height: 190,
      encoding: {
        column: { field: 'model', type: 'nominal' as const, sort: models, title: null, header },
        x: epochAxis(longest),
        y: { field: 'value', type: 'quantitative' as const, title: measure, scale: { zero: false } },
        color: {
          field: 'run',
          type: 'nominal' as const,
          title: 'iteration',
          scale: { domain: runs, range: runs.map((_, i) => palette[i % palette.length]!) },
        },
        strokeDash: {
          field: 'set',
          type: 'nominal' as const,
          title: null,
          scale: { domain: ['validation', 'training'], range: [[], [2, 3]] },
        },
      },
    };
  };
  return {
    title: { text: 'Accuracy and loss over the epochs', subtitle: [...notes, ...joined] },
    vconcat: [panel('accuracy'), panel('loss')],
  };
}

/** The longest of the shorter runs of the same model whose epochs are this one's first ones; null if there is none. */
function goesOnFrom(history: History, histories: readonly History[]): History | null {
  const start = (epochs: number) => JSON.stringify(history.epochs.slice(0, epochs));
  return histories
    .filter(({ model, epochs }) => model === history.model && epochs.length < history.epochs.length)
    .filter(({ epochs }) => JSON.stringify(epochs) === start(epochs.length))
    .reduce<History | null>(
      (longest, each) => (longest !== null && longest.epochs.length >= each.epochs.length ? longest : each),
      null,
    );
}

/** Bars of the seconds that each training took, grouped by model. */
export function trainingTimePlot(timed: readonly TimedRun[], notes: readonly string[] = []): PlotSpec {
  const { models, runs } = rows(timed);
  const values = [...timed]
    .sort((a, b) => byCodeUnit(a.model, b.model) || compareRuns(a.run, b.run))
    .map(({ model, run, trainSeconds, imagesPerSecond }) => ({
      model,
      run,
      seconds: trainSeconds,
      text: `${trainSeconds.toFixed(1)} s, ${Math.round(imagesPerSecond)} images/s`,
    }));
  return {
    title: { text: 'Training time of each model and iteration', subtitle: [...notes] },
    data: { values },
    facet: {
      row: {
        field: 'model',
        type: 'nominal',
        sort: models,
        title: null,
        header: { labelAngle: 0, labelAlign: 'left', labelFontWeight: 600, labelLimit: 240 },
      },
    },
    spec: {
      width: 440,
      height: { step: height },
      encoding: {
        y: { field: 'run', type: 'nominal', sort: runs, title: null, axis: { labelLimit: 240 } },
        x: { field: 'seconds', type: 'quantitative', title: 'seconds' },
      },
      layer: [
        { mark: { type: 'bar', height: { band: 0.66 } } },
        {
          mark: { type: 'text', align: 'left', dx: 5 },
          encoding: { text: { field: 'text', type: 'nominal' } },
        },
      ],
    },
  };
}

/** 0.0213 → `+0.021`, with a real minus sign for less. */
export function signed(difference: number, digits = 3): string {
  const text = Math.abs(difference).toFixed(digits);
  if (Number(text) === 0) return `±${text}`;
  return `${difference < 0 ? '−' : '+'}${text}`;
}
