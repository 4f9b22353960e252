// Draws Vega-Lite specs: the spec as JSON and an SVG of it, side by side, in the study's one theme.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vega from 'vega';
import * as vegaLite from 'vega-lite';
import { textWidth } from './text-width.ts';

/** A plot as Vega-Lite describes it, its data inlined (`data: { values }`); `$schema` and the theme are added when drawn. */
export type PlotSpec = vegaLite.TopLevelSpec;

/** Colours of models, runs or classes, in the order of their appearance: Okabe and Ito's, told apart by the colour-blind. */
export const palette = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#7f7f7f'] as const;

/** The sequential scheme of heat maps such as the confusion matrix. */
export const heatScheme = 'blues';

const ink = '#222222';
const muted = '#555555';

/** What all plots share. A spec's own `config` goes before it. */
const theme: vegaLite.Config = {
  background: '#ffffff',
  font: 'Helvetica, Arial, DejaVu Sans, sans-serif',
  padding: 12,
  view: { stroke: '#dddddd' },
  title: {
    fontSize: 15,
    fontWeight: 600,
    color: ink,
    anchor: 'start',
    offset: 12,
    subtitleFontSize: 12,
    subtitleColor: muted,
  },
  axis: {
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    labelColor: muted,
    titleColor: ink,
    domainColor: '#888888',
    tickColor: '#888888',
    gridColor: '#ececec',
    titlePadding: 8,
    labelFlush: false,
  },
  header: { labelFontSize: 12, titleFontSize: 12, labelColor: ink, titleColor: ink },
  legend: {
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    labelColor: ink,
    titleColor: ink,
    labelLimit: 260,
  },
  text: { fontSize: 12, color: ink },
  bar: { color: palette[0] },
  line: { color: palette[0], strokeWidth: 2 },
  point: { color: palette[0], size: 40, filled: true },
  range: { category: [...palette], heatmap: { scheme: heatScheme }, ramp: { scheme: heatScheme } },
};

/**
 * Writes `<name>.vl.json` (complete: opens as it is in any Vega-Lite viewer) and `<name>.svg` into `folder`, which is made
 * where it is missing. The bytes depend on the spec alone.
 */
export async function writePlot(folder: string, name: string, spec: PlotSpec): Promise<void> {
  const whole = complete(spec);
  const svg = await draw(whole);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.vl.json`), `${JSON.stringify(whole, null, 2)}\n`);
  await writeFile(join(folder, `${name}.svg`), svg);
}

/** The SVG of a plot, in the theme, as a string that ends in a newline. */
export async function plotSvg(spec: PlotSpec): Promise<string> {
  return draw(complete(spec));
}

function complete(spec: PlotSpec): PlotSpec {
  const { $schema: _, config, ...rest } = spec;
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    ...rest,
    config: vega.mergeConfig({}, theme, config ?? {}),
  } as PlotSpec;
}

async function draw(spec: PlotSpec): Promise<string> {
  measureTextByTable();
  // Ids of clip paths and gradients are numbered over the whole process; a plot's bytes must not depend on earlier plots.
  vega.resetSVGDefIds();
  vegaLite.resetIdCounter();
  const view = new vega.View(vega.parse(vegaLite.compile(spec).spec), { renderer: 'none' });
  try {
    return `${await view.toSVG()}\n`;
  } finally {
    view.finalize();
  }
}

/** The one part of vega's text metrics that is replaced; vega's own typings leave them out. */
interface TextMetrics {
  width: (item: { fontSize?: number }, text: unknown) => number;
}

/**
 * Makes vega lay out text by our table of widths. Otherwise it asks the package `canvas` where that happens to be installed,
 * so that two machines would draw different plots, and elsewhere takes each letter for 0.8 em, which leaves wide gaps.
 */
function measureTextByTable(): void {
  const { textMetrics } = vega as unknown as { textMetrics: TextMetrics };
  textMetrics.width = (item, text) =>
    text == null ? 0 : textWidth(String(text).trim(), item.fontSize ?? 11);
}
