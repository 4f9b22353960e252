// The iteration comparison across models: final and best values, overlaid curves and training time.
import type { RunRow } from './comparison-table.ts';
import { curveRows, epochAxis, type Measure, seedsNote } from './curves.ts';
import type { MeanEpoch } from './history.ts';
import { type Replicated, replicatedText, scoresBySeed } from './replicated.ts';
import { compareRuns } from './run-order.ts';
import { type PlotSpec, palette } from './vega.ts';

/** Scores of one model and iteration. */
type ComparedRun = Pick<
  RunRow,
  'model' | 'run' | 'side' | 'accuracy' | 'accuracyInterval' | 'loss' | 'bestAccuracy' | 'bestLoss'
>;

/** Seconds of the trainings of one model and iteration. */
export interface TimedRun {
  readonly model: string;
  readonly run: string;
  readonly trainSeconds: Replicated;
  readonly imagesPerSecond: Replicated;
}

/** The mean curves of one model and iteration. */
export interface Curves {
  readonly model: string;
  readonly run: string;
  readonly epochs: readonly MeanEpoch[];
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
 * A dot plot: a row for each run, grouped by model; a circle for the mean after the last epoch, a dot for each seed, a diamond for the
 * mean at the best epoch; of the accuracy, a line for the 95 % interval. Beside each row its value and the difference to the row above.
 *
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
      const score = entry[measure];
      const change = before === undefined ? '' : ` (${signed(score.mean - before[measure].mean)})`;
      const [low, high] = measure === 'accuracy' ? entry.accuracyInterval : [score.mean, score.mean];
      return {
        model,
        run: entry.run,
        final: score.mean,
        best: measure === 'accuracy' ? entry.bestAccuracy : entry.bestLoss,
        seeds: [...scoresBySeed(score).values()],
        low,
        high,
        text: `${replicatedText(score)}${change}`,
      };
    });
  });
  const several = compared.some((entry) => entry[measure].n > 1);
  const side = compared[0]!.side;
  const kinds = [
    'after the last epoch',
    side === 'test' ? 'validation images at the best epoch' : 'at the best epoch',
  ];
  const kind = { field: 'kind', type: 'nominal', title: null, legend: { orient: 'top' } } as const;
  const kindOf = {
    color: { ...kind, scale: { domain: kinds, range: [palette[0], palette[1]] } },
    shape: { ...kind, scale: { domain: kinds, range: ['circle', 'diamond'] } },
  };
  const x = (field: string) =>
    ({
      field,
      type: 'quantitative',
      title: `${side} ${measure}`,
      scale: { zero: false, nice: true },
    }) as const;
  const line = measure === 'accuracy' ? '; line: 95 % interval over design families and seeds' : '';
  return {
    title: {
      text: `${side === 'test' ? 'Test' : 'Validation'} ${measure} of each model and iteration`,
      subtitle: [
        several ? `Mean of the seeds ± standard deviation; small dots: seeds${line}` : `One seed${line}`,
        'In brackets: change from the iteration above',
        `Best epoch: the mean's, chosen on the validation images${side === 'test' ? '' : ', so its figure is too good'}`,
        ...notes,
      ],
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
        ...(several
          ? [
              {
                transform: [{ flatten: ['seeds'], as: ['seed'] }],
                mark: {
                  type: 'point' as const,
                  filled: true,
                  size: 12,
                  color: '#666666',
                  opacity: 0.7,
                  yOffset: 9,
                },
                encoding: { x: x('seed') },
              },
            ]
          : []),
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
 * Mean validation and training curves of all runs: a column for each model, a colour for each run, training dashed, bands around the
 * validation curves; accuracy above, loss below. A run that only resumes a shorter one is drawn from the last epoch of that one, so
 * that it does not hide it.
 */
export function curvesPlot(curves: readonly Curves[], notes: readonly string[] = []): PlotSpec {
  const { models, runs } = rows(curves);
  const shorter = new Map(curves.map((each) => [each, resumed(each, curves)]));
  const joined = new Set(
    [...shorter].flatMap(([{ run }, from]) => (from === null ? [] : [`${run} resumes ${from.run}`])),
  );
  const longest = Math.max(...curves.map(({ epochs }) => epochs.length));
  const sorted = [...curves].sort((a, b) => byCodeUnit(a.model, b.model) || compareRuns(a.run, b.run));
  const note = seedsNote(Math.max(...curves.map(({ epochs }) => epochs[0]!.trainings)));
  const valuesOf = (measure: Measure) =>
    sorted.flatMap((each) => {
      const { model, run, epochs } = each;
      const from = shorter.get(each)?.epochs.length ?? 1;
      return curveRows(epochs.slice(from - 1), measure).map((row) => ({ model, run, ...row }));
    });
  const panel = (measure: Measure) => {
    const header =
      measure === 'accuracy' ? { labelFontWeight: 600 as const, labelLimit: 240 } : { labels: false };
    const y = (field: string) => ({
      field,
      type: 'quantitative' as const,
      title: measure,
      scale: { zero: false },
    });
    const line = {
      mark: { type: 'line' as const, strokeWidth: 1.8 },
      encoding: {
        y: y('value'),
        strokeDash: {
          field: 'set',
          type: 'nominal' as const,
          title: null,
          scale: { domain: ['validation', 'training'], range: [[], [2, 3]] },
        },
      },
    };
    const band = {
      transform: [{ filter: "datum.set === 'validation'" }],
      mark: { type: 'area' as const, opacity: 0.15 },
      encoding: { y: y('low'), y2: { field: 'high' } },
    };
    return {
      data: { values: valuesOf(measure) },
      facet: { column: { field: 'model', type: 'nominal' as const, sort: models, title: null, header } },
      spec: {
        width: 250,
        height: 190,
        encoding: {
          x: epochAxis(longest),
          color: {
            field: 'run',
            type: 'nominal' as const,
            title: 'iteration',
            legend: { symbolType: 'stroke', symbolOpacity: 1 },
            scale: { domain: runs, range: runs.map((_, i) => palette[i % palette.length]!) },
          },
        },
        layer: note === null ? [line] : [band, line],
      },
    };
  };
  return {
    title: {
      text: 'Accuracy and loss over the epochs',
      subtitle: [...(note === null ? [] : [note]), ...notes, ...joined],
    },
    vconcat: [panel('accuracy'), panel('loss')],
  };
}

/** The longest of the shorter runs of the same model whose epochs are this one's first ones; null if there is none. */
function resumed(longer: Curves, curves: readonly Curves[]): Curves | null {
  const start = (epochs: number) => JSON.stringify(longer.epochs.slice(0, epochs));
  return curves
    .filter(({ model, epochs }) => model === longer.model && epochs.length < longer.epochs.length)
    .filter(({ epochs }) => JSON.stringify(epochs) === start(epochs.length))
    .reduce<Curves | null>(
      (longest, each) => (longest !== null && longest.epochs.length >= each.epochs.length ? longest : each),
      null,
    );
}

/** Bars of the seconds that a training took, mean over the seeds, grouped by model. */
export function trainingTimePlot(timed: readonly TimedRun[], notes: readonly string[] = []): PlotSpec {
  const { models, runs } = rows(timed);
  const values = [...timed]
    .sort((a, b) => byCodeUnit(a.model, b.model) || compareRuns(a.run, b.run))
    .map(({ model, run, trainSeconds, imagesPerSecond }) => ({
      model,
      run,
      seconds: trainSeconds.mean,
      text: `${replicatedText(trainSeconds, 1)} s, ${imagesPerSecond.mean.toFixed(0)} images/s`,
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
          // Beside the plot: at the end of a long bar it would leave the picture.
          mark: { type: 'text', align: 'left' },
          encoding: { x: { value: 452 }, text: { field: 'text', type: 'nominal' } },
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
