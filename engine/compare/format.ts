// What compare and check print: terminal tables, Markdown and JSON.
import pc from 'picocolors';
import { changeCell, numberCells, paramCell, significanceCell } from './cells.ts';
import type { Difference, MetricDifference, ParamDifference } from './difference.ts';
import type { Gate } from './gates.ts';
import type { Offender, Verdict } from './judge.ts';
import { type Colors, type Column, markdownSection, type TableData, terminalTable } from './tables.ts';

export const formats = ['table', 'md', 'json'] as const;
export type Format = (typeof formats)[number];

const left = (title: string): Column => ({ title, align: 'left' });
const right = (title: string): Column => ({ title, align: 'right' });

/** Everything that differs, as text that ends in a line end. */
export function formatDifference(
  difference: Difference,
  labels: { readonly old: string; readonly now: string },
  format: Format,
  color: boolean,
): string {
  if (format === 'json') {
    const { metrics, params } = difference;
    return json({ metrics: metrics.map(metricJson), params: params.map(paramJson) });
  }
  const colors = pc.createColors(color);
  const { compared } = difference;
  const counted = `${count(compared.metrics, 'metric')} and ${count(compared.params, 'parameter')} compared`;
  if (difference.metrics.length === 0 && difference.params.length === 0) {
    return `Nothing differs between ${labels.old} and ${labels.now}: ${counted}.\n`;
  }
  const heading = `${labels.old} → ${labels.now}: ${counted}.`;
  const paint = format === 'md' ? pc.createColors(false) : colors;
  return page(
    heading,
    [...metricTables(difference.metrics, paint), ...paramTables(difference.params)],
    format,
    colors,
  );
}

/** The gates' verdict, as text that ends in a line end. */
export function formatVerdict(
  verdict: Verdict,
  gates: readonly Gate[],
  labels: { readonly old: string; readonly now: string },
  format: Format,
  color: boolean,
): string {
  const { offenders, judged } = verdict;
  if (format === 'json') {
    return json({
      ok: offenders.length === 0,
      baseline: labels.old,
      offenders: offenders.map(offenderJson),
      judged,
      gates: gates.length,
      unmatched: verdict.unmatched.map(({ definition }) => definition.metric),
    });
  }
  const colors = pc.createColors(color);
  const against = `${count(judged, 'metric')} against ${labels.old}`;
  if (offenders.length === 0) return `${count(gates.length, 'gate')} passed: ${against}.\n`;
  const regressed = new Set(offenders.map(({ row }) => row)).size;
  const heading = `${count(regressed, 'metric')} got worse than the gates allow (${count(gates.length, 'gate')}, ${against}).`;
  const paint = format === 'md' ? pc.createColors(false) : colors;
  return page(heading, offenderTables(offenders, paint), format, colors);
}

function page(heading: string, tables: readonly TableData[], format: 'table' | 'md', colors: Colors): string {
  const drawn = tables.map((data) => (format === 'md' ? markdownSection(data) : terminalTable(data, colors)));
  return `${[heading, ...drawn].join('\n\n')}\n`;
}

/** A table for each metrics file, so that its long path is written once. */
function metricTables(rows: readonly MetricDifference[], colors: Colors): TableData[] {
  return [...groups(rows, ({ path }) => path)].map(([title, group]) => ({
    title,
    columns: [left('metric'), right('old'), right('new'), right('delta'), left(''), left('real?')],
    rows: group.map((row) => [row.key, ...metricCells(row, colors), significanceCell(row.significance)]),
  }));
}

function offenderTables(offenders: readonly Offender[], colors: Colors): TableData[] {
  return [...groups(offenders, ({ row }) => row.path)].map(([title, group]) => ({
    title,
    columns: [
      left('metric'),
      right('old'),
      right('new'),
      right('delta'),
      left(''),
      left('gate'),
      left('real?'),
    ],
    rows: group.map(({ row, gate }) => [
      row.key,
      ...metricCells(row, colors),
      gateCell(gate),
      significanceCell(row.significance),
    ]),
  }));
}

function groups<T>(rows: readonly T[], by: (row: T) => string): Map<string, T[]> {
  const grouped = new Map<string, T[]>();
  for (const row of rows) grouped.set(by(row), [...(grouped.get(by(row)) ?? []), row]);
  return grouped;
}

function metricCells(row: MetricDifference, colors: Colors): string[] {
  const bad = row.better === false || row.new === null;
  const paint = bad ? colors.red : row.better === true ? colors.green : (text: string) => text;
  const [old, now, delta] = numberCells(row);
  const change = changeCell(row);
  // An empty cell stays empty, or its column could not be left out.
  return [old, now, delta && paint(delta), change && paint(change)];
}

/** `**:accuracy: at most 0.02 lower`. */
const gateCell = ({ definition: { metric, better, tolerance } }: Gate): string =>
  `${metric}: at most ${tolerance} ${better === 'higher' ? 'lower' : 'higher'}`;

function paramTables(rows: readonly ParamDifference[]): TableData[] {
  if (rows.length === 0) return [];
  const columns = [left('parameter'), left('old'), left('new')];
  return [
    {
      title: 'params.yaml',
      columns,
      rows: rows.map((row) => [row.key, paramCell(row.old), paramCell(row.new)]),
    },
  ];
}

const metricJson = ({ path, key, old, new: now, delta, better }: MetricDifference) => ({
  path,
  key,
  old,
  new: now,
  delta,
  better,
});

const offenderJson = ({ row, gate }: Offender) => ({
  ...metricJson(row),
  gate: gate.definition,
  p: row.significance?.p ?? null,
});

const paramJson = ({ key, old, new: now }: ParamDifference) => ({ key, old: old ?? null, new: now ?? null });

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
