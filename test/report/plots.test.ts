// The plots of runs and of the comparison: valid specs, right numbers, the same bytes twice, names that need escaping.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { comparisonPlot, curvesPlot, signed, trainingTimePlot } from '../../report/comparison.ts';
import { confusionPlot } from '../../report/confusion.ts';
import { curvePlot } from '../../report/curves.ts';
import { meanEpochs } from '../../report/history.ts';
import { type Replicated, replicated } from '../../report/replicated.ts';
import { type PlotSpec, plotSvg, writePlot } from '../../report/vega.ts';
import { awkwardNames, history, warningsOf } from './specs.ts';

const alone = { seeds: 1, side: 'validation' } as const;
const many = [...awkwardNames, ...Array.from({ length: 13 }, (_, i) => `class ${i}`)];
const matrixOf = (n: number) =>
  Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i === j ? 40 : (i + 2 * j) % 5)));
const runs = ['batch32-epochs20', 'batch64-epochs20', 'batch128-epochs20'];
const histories = ['cnn1', '<a&b>'].flatMap((model) => runs.map((run) => history(model, run, 20)));
const curves = histories.map((each) => ({ ...each, epochs: meanEpochs([each]) }));
/** Curves of two seeds. */
const banded = histories.map((each) => ({
  ...each,
  epochs: meanEpochs([each, history(each.model, each.run, 20, 9, 21)]),
}));
const one = (value: number): Replicated => replicated(new Map([['20', value]]));
const two = (value: number): Replicated => replicated(new Map([['20', value - 0.01], ['21', value + 0.01]])); // biome-ignore format: a map
const comparedWith = (seeds: (value: number) => Replicated) =>
  histories.map(({ model, run }, i) => ({
    model,
    run,
    side: 'validation' as const,
    accuracy: seeds(0.7 + i / 100),
    accuracyInterval: [0.6, 0.85] as const,
    loss: seeds(0.9 - i / 100),
    bestAccuracy: 0.8,
    bestLoss: 0.5,
  }));
const compared = comparedWith(one);
const meanCurve = (epochs: number, peak?: number) => meanEpochs([history('cnn1', 'r', epochs, peak)]);

const specs: [string, PlotSpec][] = [
  ['accuracy', curvePlot(meanCurve(20, 7), 'accuracy', '<a&b>')],
  ['loss of a single epoch', curvePlot(meanCurve(1), 'loss', 'cnn1')],
  ['loss with a band', curvePlot(banded[0]!.epochs, 'loss', 'cnn1')],
  ['confusion', confusionPlot({ labels: awkwardNames, matrix: matrixOf(4) }, 'cnn1', alone)],
  [
    'confusion of 17 classes',
    confusionPlot({ labels: many, matrix: matrixOf(17) }, 'cnn1', { seeds: 2, side: 'test' }),
  ],
  ['comparison', comparisonPlot(compared, 'accuracy')],
  ['comparison of seeds', comparisonPlot(comparedWith(two), 'loss')],
  ['curves', curvesPlot(curves)],
  ['curves with bands', curvesPlot(banded)],
  [
    'training time',
    trainingTimePlot(
      histories.map(({ model, run }) => ({ model, run, trainSeconds: two(7), imagesPerSecond: two(9) })),
    ),
  ],
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rodada-plots-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(specs)('%s', (_, spec) => {
  test('compiles without warnings', () => {
    expect(warningsOf(spec)).toEqual([]);
  });

  test('is drawn to the same bytes twice, as well-formed XML', async () => {
    await writePlot(join(folder, 'one'), 'plot', spec);
    await writePlot(join(folder, 'two'), 'plot', structuredClone(spec));
    for (const name of ['plot.vl.json', 'plot.svg']) {
      const [one, two] = [
        await readFile(join(folder, 'one', name)),
        await readFile(join(folder, 'two', name)),
      ];
      expect(one.equals(two)).toBe(true);
    }
    const svg = await readFile(join(folder, 'one', 'plot.svg'));
    const { width, height } = await sharp(svg).metadata(); // librsvg refuses what is not well-formed
    expect(width).toBeGreaterThan(100);
    expect(height).toBeGreaterThan(100);
  });
});

test('a matrix shows each count, and each share of its row', async () => {
  const svg = await plotSvg(confusionPlot({ labels: ['<a&b>', 'car'], matrix: [[3, 1], [0, 8]] }, 'cnn1', alone)); // biome-ignore format: a matrix
  const texts = textsOf(svg);
  expect(texts).toEqual(
    expect.arrayContaining(['3', '75 %', '1', '25 %', '0', '8', '100 %', 'True', 'Predicted']),
  );
  expect(texts).toContain('&lt;a&amp;b&gt;');
  expect(texts).toContain('11 of 12 validation images right');
});

test('a row without pictures has no shares', async () => {
  const svg = await plotSvg(confusionPlot({ labels: ['bus', 'car'], matrix: [[0, 0], [0, 8]] }, 'cnn1', alone)); // biome-ignore format: a matrix
  expect(svg).not.toContain('NaN');
});

test('text stands out from every cell of the matrix', async () => {
  const shares = Array.from({ length: 21 }, (_, i) => i * 5);
  for (const share of shares) {
    const svg = await plotSvg(confusionPlot({ labels: ['a', 'b'], matrix: [[share, 100 - share], [0, 1]] }, 'm', alone)); // biome-ignore format: a matrix
    const cell = /aria-roledescription="rect mark"[^>]*fill="([^"]+)"/.exec(svg)![1]!;
    const text = /<text[^>]*fill="([^"]+)"[^>]*>(\d+)<\/text>/g;
    const fills = [...svg.matchAll(text)]
      .filter(([, , count]) => count === String(share))
      .map(([, fill]) => fill!);
    expect(contrast(cell, fills[0]!), `${share} %`).toBeGreaterThan(3.4);
  }
});

test('the best validation epoch is named', async () => {
  const texts = textsOf(await plotSvg(curvePlot(meanCurve(20, 7), 'accuracy', 'cnn1')));
  expect(texts).toContain('Best validation accuracy 0.750 after epoch 7 of 20, chosen on these images');
});

test('a run that resumes a shorter one is drawn from there, and leaves that one to be seen', async () => {
  const long = { model: 'cnn1', run: 'batch64-epochs30', epochs: meanCurve(30, 7) };
  const short = { ...long, run: 'batch64-epochs20', epochs: long.epochs.slice(0, 20) };
  const other = { model: 'cnn1', run: 'batch32-epochs20', epochs: meanCurve(20, 9) };
  const spec = curvesPlot([other, short, long]) as unknown as {
    vconcat: { data: { values: { run: string; epoch: number }[] } }[];
  };
  for (const { data } of spec.vconcat) {
    const epochs = (run: string) => [
      ...new Set(data.values.filter((value) => value.run === run).map(({ epoch }) => epoch)),
    ];
    expect(epochs(long.run)).toEqual([20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30]);
    expect([epochs(short.run).length, epochs(other.run).length]).toEqual([20, 20]);
  }
  const texts = textsOf(await plotSvg(spec as unknown as PlotSpec));
  expect(texts).toContain('batch64-epochs30 resumes batch64-epochs20');
});

test('runs stand in the order of their numbers, with the change from the one above', async () => {
  const texts = textsOf(
    await plotSvg(comparisonPlot(compared.filter(({ model }) => model === 'cnn1').reverse(), 'accuracy')),
  );
  expect(texts.filter((text) => text.startsWith('batch'))).toEqual(runs);
  expect(texts).toEqual(expect.arrayContaining(['0.700', '0.710 (+0.010)', '0.720 (+0.010)']));
});

test('several seeds show their mean and spread', async () => {
  const texts = textsOf(await plotSvg(comparisonPlot(comparedWith(two), 'accuracy')));
  expect(texts).toEqual(expect.arrayContaining(['0.700 ± 0.014', '0.710 ± 0.014 (+0.010)']));
  expect(texts).toContain('Mean of the seeds ± standard deviation; small dots: seeds; line: 95 % interval over design families and seeds'); // biome-ignore format: one line
  const band = textsOf(await plotSvg(curvePlot(banded[0]!.epochs, 'accuracy', 'cnn1')));
  expect(band).toContain('Mean of 2 seeds; band: ± 1 standard deviation');
});

test('each cell of a matrix is described with its count, for those who hear it', async () => {
  const svg = await plotSvg(confusionPlot({ labels: ['bus', 'car'], matrix: [[3, 1], [0, 8]] }, 'cnn1', alone)); // biome-ignore format: a matrix
  expect(svg).toContain('aria-label="True: bus; predicted: car; 1 of 4, 25 % of the true class"');
});

test('the times of trainings stay within the picture', async () => {
  const times = [7, 6.1].map((seconds, i) => ({
    model: 'cnn1',
    run: runs[i]!,
    trainSeconds: two(seconds),
    imagesPerSecond: two(6621),
  }));
  const svg = await plotSvg(trainingTimePlot(times));
  const width = Number(/<svg[^>]* width="(\d+)/.exec(svg)![1]);
  const drawn = await sharp(Buffer.from(svg)).trim().toBuffer({ resolveWithObject: true });
  // The right margin is empty: nothing is cut off.
  expect(drawn.info.width).toBeLessThan(width);
  expect(textsOf(svg)).toContain('6.1 ± 0.0 s, 6621 images/s');
});

test('differences are signed', () => {
  expect([signed(0.0213), signed(-0.5), signed(0), signed(-0.0001)]).toEqual([
    '+0.021',
    '−0.500',
    '±0.000',
    '±0.000',
  ]);
});

const textsOf = (svg: string) =>
  [...svg.matchAll(/<(?:text|tspan)[^>]*>([^<]+)</g)].map(([, text]) => text!.trim());

/** WCAG 2's contrast ratio of two colours, `#rrggbb` or `rgb(r, g, b)`. */
function contrast(a: string, b: string): number {
  const luminance = (colour: string) => {
    const channels = colour.startsWith('#')
      ? [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
      : colour.match(/\d+/g)!.map(Number);
    const [r, g, b] = channels.map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}
