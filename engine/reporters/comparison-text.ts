// What compare prints: in plain words, then a row for each metrics file, then what made the difference.
import { csvFormatRows } from 'd3-dsv';
import pc from 'picocolors';
import type { Comparison } from '../compare/comparison.ts';
import type { Change } from '../compare/identity.ts';
import type { MetricRow, MetricVerdict } from '../compare/metric-rows.ts';
import { accuracyKey } from '../compare/pairs.ts';
import type { Event } from '../event.ts';
import type { Reason } from '../explain.ts';
import { intervalCell, numberCells, paramCell, seedsCell, verdictCell } from './cells.ts';
import { count } from './count.ts';
import { freshnessNotes, problemLines, staleLines } from './freshness-text.ts';
import { pageText, type Section } from './page.ts';
import { pathText } from './path-text.ts';
import { reasonText, shortList } from './reason-text.ts';
import { left, right, type TableData } from './tables.ts';

type ComparisonEvent = Extract<Event, { type: 'comparison' }>;

/** Rows of a table, unless all were asked for. */
const mostRows = 40;

/** The whole text without a final line end. */
export function comparisonText(event: ComparisonEvent): string {
  if (event.format === 'csv') return comparisonCsv(event);
  const { freshness, baseline, against, details } = event;
  const page = {
    heading: [...staleLines(freshness, against), summaryLine(event)],
    sections: [
      ...(event.rows.length > 0 && isDifferent(event)
        ? [headlineTable(event, event.format === 'table')]
        : []),
      ...(event.format === 'table' ? metricTables(event.metrics) : [flatTable(event.metrics)]),
      ...flipSections(event),
      { title: 'Not comparable', lines: problemLines(event.problems) },
      ...identitySections(event),
    ],
    notes: [
      ...(isDifferent(event) ? familyNotes([...event.rows, ...event.metrics]) : []),
      ...otherImages([...event.rows, ...event.metrics], baseline),
      ...identityNotes(event),
      ...unkeptNotes(event.unkept, baseline),
      ...freshnessNotes(freshness, against),
    ],
  };
  return pageText(
    page,
    event.format,
    details ? Number.POSITIVE_INFINITY : mostRows,
    details ? '' : '`--all` shows them',
  );
}

const isDifferent = ({ compared, identity, problems, metrics }: Comparison): boolean =>
  compared.differing > 0 ||
  problems.length > 0 ||
  metrics.length > 0 ||
  identity.changes.length + identity.onlyOld.length + identity.onlyNew.length > 0;

/** `main (1a2b3c4d) → the workspace: of 9 metrics files 1 is better (real), 8 are within noise.` */
function summaryLine(event: ComparisonEvent): string {
  const { baseline, against, compared } = event;
  const sizes = `${count(compared.files, 'metrics file')} with ${count(compared.metrics, 'metric')} compared`;
  if (!isDifferent(event)) return `Nothing differs between ${baseline} and ${against}: ${sizes}.`;
  const heading = `${baseline} → ${against}`;
  if (event.rows.length === 0) return `${heading}: ${sizes}.`;
  const keys = [...new Set(event.rows.map(({ key }) => key))];
  const what =
    keys.length === 1
      ? `${keys[0]} in ${count(event.rows.length, 'metrics file')}`
      : count(event.rows.length, 'metrics file');
  return `${heading}: ${what}: ${verdictCounts(event.rows).join(', ')}.`;
}

const counted: readonly [MetricVerdict, boolean | null, string][] = [
  ['real', false, 'really worse'],
  ['real', true, 'really better'],
  ['real', null, 'really different'],
  ['differs on these images', false, 'worse on these images'],
  ['differs on these images', true, 'better on these images'],
  ['differs on these images', null, 'different on these images'],
  ['within noise', null, 'within noise'],
  ['no difference on these images', null, 'without a difference on these images'],
  ['not tested', false, 'worse, but not tested'],
  ['not tested', true, 'better, but not tested'],
  ['not tested', null, 'different, but not tested'],
  ['not comparable', null, 'not comparable'],
  ['new', null, 'new'],
  ['gone', null, 'gone'],
  ['same', null, 'the same'],
];

function verdictCounts(rows: readonly MetricRow[]): string[] {
  const splits = new Set<MetricVerdict>(['real', 'differs on these images', 'not tested']);
  return counted.flatMap(([verdict, better, words]) => {
    const n = rows.filter(
      (row) => row.verdict === verdict && (!splits.has(verdict) || row.better === better),
    ).length;
    return n === 0 ? [] : [`${n.toLocaleString('en')} ${words}`];
  });
}

function headlineTable({ rows: all }: Comparison, painted: boolean): TableData {
  // The first number of a file without an accuracy says nothing if it did not change.
  const rows = all.filter(({ key, verdict }) => key === accuracyKey || verdict !== 'same');
  const keys = new Set(rows.map(({ key }) => key));
  const hasOneKey = keys.size === 1;
  return {
    title: hasOneKey ? [...keys][0]! : 'metrics files',
    columns: [
      left('file'),
      left(hasOneKey ? '' : 'metric'),
      ...valueColumns,
      ...(rows.some(({ flips }) => flips !== null) ? [right('flipped')] : []),
    ],
    rows: rows.map((row) => [
      shortPath(row.path),
      hasOneKey ? '' : row.key,
      ...valueCells(row, painted),
      ...(rows.some(({ flips }) => flips !== null) ? [flipCell(row)] : []),
    ]),
  };
}

/** A table for each metrics file, so that its long path is written once. */
function metricTables(rows: readonly MetricRow[]): TableData[] {
  const files = new Map<string, MetricRow[]>();
  for (const row of rows) {
    const others = files.get(row.path);
    if (others === undefined) files.set(row.path, [row]);
    else others.push(row);
  }
  return [...files].map(([path, group]) => ({
    title: pathText(path),
    columns: [left('metric'), ...valueColumns],
    rows: group.map((row) => [row.key, ...valueCells(row, true)]),
  }));
}

/** One table, of which a page of limited size shows the first rows. */
const flatTable = (rows: readonly MetricRow[]): TableData => ({
  title: 'all metrics',
  columns: [left('file'), left('metric'), ...valueColumns],
  rows: rows.map((row) => [shortPath(row.path), row.key, ...valueCells(row, false)]),
});

const valueColumns = [
  right('old'),
  right('new'),
  right('difference'),
  left('95 %'),
  right('seeds'),
  left('verdict'),
];

function valueCells(row: MetricRow, painted: boolean): string[] {
  const [old, now, difference] = numberCells(row);
  const paint = painted ? paintOf(row) : (text: string): string => text;
  // An empty cell stays empty, or its column could not be left out.
  return [
    old,
    now,
    difference && paint(difference),
    intervalCell(row),
    seedsCell(row),
    paint(verdictCell(row)),
  ];
}

function paintOf({ verdict, better }: MetricRow): (text: string) => string {
  if (verdict === 'gone' || verdict === 'not comparable') return pc.red;
  if (verdict === 'within noise' || verdict === 'no difference on these images' || verdict === 'same')
    return pc.dim;
  return better === null ? (text) => text : better ? pc.green : pc.red;
}

/** `−5 +3`: images that went from right to wrong, and from wrong to right. */
const flipCell = ({ flips }: MetricRow): string =>
  flips === null || flips.lost.length + flips.won.length === 0
    ? ''
    : `−${flips.lost.length} +${flips.won.length}`;

/** The images by name, if details were asked for. */
function flipSections({ rows, metrics, details }: ComparisonEvent): Section[] {
  if (!details) return [];
  const flipped = new Map(
    [...metrics, ...rows].flatMap(({ path, flips }) => (flips === null ? [] : [[path, flips]])),
  );
  return [...flipped].flatMap(([path, { lost, won }]) => [
    {
      title: `${shortPath(path)}: ${count(lost.length, 'image')} from right to wrong`,
      lines: lost.map(pathText),
    },
    {
      title: `${shortPath(path)}: ${count(won.length, 'image')} from wrong to right`,
      lines: won.map(pathText),
    },
  ]);
}

const shortPath = (path: string): string => pathText(path.replace(/^metrics\//, '').replace(/\.json$/, ''));

/** What the p-values are adjusted for, and what the columns mean. */
function familyNotes(rows: readonly MetricRow[]): string[] {
  const families = new Map(rows.flatMap(({ key, evidence }) => (evidence === null ? [] : [[key, evidence]])));
  const shown = [...families].slice(0, 3);
  const names = shown.map(([key, { family }]) => `the ${count(family, 'comparison')} of ${key}`).join(', ');
  const more = families.size > 3 ? ` and so on for each metric` : '';
  const tests = [
    ...new Set(rows.flatMap(({ evidence }) => (evidence === null ? [] : [testNames[evidence.test]]))),
  ];
  const intervals = new Set(rows.map(({ intervalOver }) => intervalOver).filter((over) => over !== null));
  return [
    ...(families.size > 0 ? [`p is adjusted for ${names}${more} (Holm); ${tests.join(', ')}.`] : []),
    ...(rows.some(({ old, new: now }) => (old?.sd ?? now?.sd ?? null) !== null)
      ? [`± is the standard deviation over seeds.`]
      : []),
    ...[...intervals].map((over) => `95 %: where the difference lies for other ${otherOf[over]}.`),
  ];
}

const otherOf = { images: 'images', seeds: 'seeds', 'images and seeds': 'images and other seeds' } as const;

const testNames = {
  'paired t': 'paired t-test over seeds',
  "Welch's t": "Welch's t-test over seeds",
  'sign flips': 'exact sign-flip test over families of images',
  "Fisher's exact": "Fisher's exact test of the confusion matrices",
} as const;

function otherImages(rows: readonly MetricRow[], baseline: string): string[] {
  const others = new Set(rows.filter(({ images }) => images === 'other').map(({ path }) => path));
  return others.size === 0
    ? []
    : [
        `${count(others.size, 'metrics file')} ${others.size === 1 ? 'is' : 'are'} about other validation images than in ${baseline}: tested as unpaired.`,
      ];
}

type Of<What extends Reason['what']> = Extract<Reason, { what: What }>;

const changesOf = <What extends Reason['what']>(
  changes: readonly Change[],
  ...whats: What[]
): (Omit<Change, 'reason'> & { readonly reason: Of<What> })[] =>
  changes.filter((change): change is Change & { reason: Of<What> } =>
    whats.includes(change.reason.what as What),
  );

/** Parameters, code, packages, data, and the rest of what differs. */
function identitySections({ identity }: Comparison): Section[] {
  const { changes, onlyOld, onlyNew, from } = identity;
  const lines = (...whats: Reason['what'][]): string[] =>
    changesOf(changes, ...whats).map(({ reason, stages }) => `${reasonText(reason)}${stagesText(stages)}`);
  return [
    {
      title: from === 'pipeline.lock' ? 'parameters' : 'parameters in params.yaml',
      columns: [left('parameter'), left('old'), left('new'), left('stages')],
      rows: changesOf(changes, 'param', 'matrix').map(({ reason, stages }) => [
        reason.what === 'param' ? reason.name : `matrix ${reason.axis}`,
        paramCell(reason.old),
        paramCell(reason.new),
        namesText(stages),
      ]),
    },
    { title: 'code', lines: lines('code', 'cmd', 'shell', 'wdir') },
    { title: 'packages', lines: lines('package') },
    { title: 'data', lines: lines('dep') },
    { title: 'environment', lines: lines('environment', 'variable') },
    { title: 'outputs', lines: lines('out-moved') },
    { title: 'only in the old version', lines: onlyOld.map(pathText) },
    { title: 'only in the new version', lines: onlyNew.map(pathText) },
  ];
}

const stagesText = (stages: readonly string[]): string =>
  stages.length === 0 ? '' : ` (${namesText(stages)})`;

/** `train:cnn1 × 9, prepare`: the instances of a stage by what their names have in common. */
function namesText(instances: readonly string[]): string {
  const stages = new Map<string, string[][]>();
  for (const instance of instances) {
    const labels = instance.split(':');
    stages.set(labels[0]!, [...(stages.get(labels[0]!) ?? []), labels]);
  }
  return shortList(
    [...stages.values()].map((group) => {
      const [first] = group as [string[]];
      const same = first.findIndex((label, i) => group.some((labels) => labels[i] !== label));
      return group.length === 1 ? first.join(':') : `${first.slice(0, same).join(':')} × ${group.length}`;
    }),
  );
}

function identityNotes({ identity }: Comparison): string[] {
  const { without, unknown } = identity;
  const notes =
    unknown.length === 0
      ? []
      : [`Nothing tells what made ${unknownText(unknown)}: pipeline.lock names other bytes, or none.`];
  if (without.length > 0)
    notes.push(
      `There is no pipeline.lock that can be compared in ${without.join(' and ')}: parameters are those of params.yaml, and code and data are not compared.`,
    );
  return notes;
}

function unknownText(unknown: Comparison['identity']['unknown']): string {
  const [{ path, version }] = unknown as [(typeof unknown)[number]];
  const more = unknown.length > 1 ? ` and ${unknown.length - 1} more` : '';
  return `${pathText(path)} in ${version}${more}`;
}

/** Says which metrics of the new version `label` has none of. */
export function unkeptNotes([first, ...others]: readonly string[], label: string): string[] {
  if (first === undefined) return [];
  const [vary, keep] = others.length === 0 ? ['varies', 'it'] : [`and ${others.length} more vary`, 'them'];
  return [
    `${first} ${vary} from run to run, and git does not keep ${keep}: there is none in ${label} to compare with.`,
  ];
}

function comparisonCsv({ rows, metrics }: Comparison): string {
  const head = [
    'path',
    'key',
    'old',
    'oldSd',
    'oldSeeds',
    'new',
    'newSd',
    'newSeeds',
    'difference',
    'low',
    'high',
  ].concat(['verdict', 'better', 'p', 'adjustedP', 'family']);
  const lines = (metrics.length > 0 ? metrics : rows).map((row) =>
    [
      ...[row.path, row.key],
      ...[row.old?.value, row.old?.sd, row.old?.n],
      ...[row.new?.value, row.new?.sd, row.new?.n],
      ...[row.difference, row.interval?.[0], row.interval?.[1]],
      ...[row.verdict, row.better, row.evidence?.p, row.evidence?.adjustedP, row.evidence?.family],
    ].map((cell) => (cell === null || cell === undefined ? '' : String(cell))),
  );
  return csvFormatRows([head, ...lines]);
}
