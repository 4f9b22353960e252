// What check prints: whether the gates let pass, what they stop, and what they could have found.
import { csvFormatRows } from 'd3-dsv';
import pc from 'picocolors';
import type { GateDefinition } from '../compare/gates.ts';
import type { Check, Detectable, Judged } from '../compare/judge.ts';
import type { Event } from '../event.ts';
import { numberCells, pText, seedsCell } from './cells.ts';
import { unkeptNotes } from './comparison-text.ts';
import { count } from './count.ts';
import { freshnessNotes, problemLines, staleLines, staleText } from './freshness-text.ts';
import { pageText } from './page.ts';
import { pathText } from './path-text.ts';
import { left, right, type TableData } from './tables.ts';

type CheckEvent = Extract<Event, { type: 'check' }>;

const mostRows = 200;

/** The whole text without a final line end. */
export function checkText(event: CheckEvent): string {
  if (event.format === 'csv') return checkCsv(event);
  const { freshness, against, baseline } = event;
  const painted = event.format === 'table';
  const page = {
    heading: [summaryLine(event, painted), ...staleLines(freshness, against)],
    sections: [
      judgedTable('stopped by a gate', event.offenders, painted),
      judgedTable('worse than the tolerance, but within noise', event.withinNoise, false),
      { title: 'not comparable', lines: problemLines(event.problems) },
      {
        title: 'the smallest loss that a gate finds in 80 % of cases',
        lines: event.detectable.map(detectableText),
      },
    ],
    notes: [
      ...(event.family > 0
        ? [`p is adjusted for the ${count(event.family, 'test')} of gated metrics (Holm), one-sided.`]
        : []),
      ...(event.gatesChanged ? [`The gates in params.yaml are not those of ${baseline}.`] : []),
      ...event.unmatched.map(
        (metric) => `Gate ${metric} matches no metric; patterns are PATH:KEY, such as **:accuracy.`,
      ),
      ...unkeptNotes(event.unkept, baseline),
      ...freshnessNotes(freshness, against),
    ],
  };
  return pageText(page, event.format, mostRows, '');
}

function summaryLine(event: CheckEvent, painted: boolean): string {
  const { ok, offenders, withinNoise, judged, gates, against, baseline, freshness, allowStale } = event;
  const sizes = `${count(gates, 'gate')}, ${count(judged, 'metric')} of ${against} against ${baseline}`;
  const parts = (['regressed', 'missing', 'not comparable'] as const).flatMap((verdict) => {
    const n = offenders.filter((each) => each.verdict === verdict).length;
    return n === 0 ? [] : [`${n} ${verdict}`];
  });
  if (freshness.stale.length > 0)
    parts.push(`${freshness.stale.length} stale${allowStale ? ' (allowed)' : ''}`);
  if (withinNoise.length > 0) parts.push(`${withinNoise.length} worse within noise`);
  if (!ok && parts.length === 0) parts.push('not comparable');
  const mark = ok ? '✔ Passed' : '✖ Failed';
  const shown = painted ? (ok ? pc.green(mark) : pc.red(mark)) : mark;
  return `${shown}${parts.length === 0 ? '' : `: ${parts.join(', ')}`} (${sizes}).`;
}

function judgedTable(title: string, rows: readonly Judged[], painted: boolean): TableData {
  return {
    title,
    columns: [
      left('metric'),
      right('old'),
      right('new'),
      right('difference'),
      right('seeds'),
      left('verdict'),
      left('gate'),
    ],
    rows: rows.map((row) => {
      const [old, now, difference] = numberCells(row);
      const verdict = verdictText(row);
      return [
        `${pathText(row.path)}:${row.key}`,
        old,
        now,
        difference,
        seedsCell(row),
        painted ? pc.red(verdict) : verdict,
        gateText(row.gate),
      ];
    }),
  };
}

/** `regressed (p = 0.003)`, `regressed, not tested` */
function verdictText({ verdict, evidence }: Judged): string {
  if (verdict !== 'regressed' && verdict !== 'worse within noise') return verdict;
  if (evidence === null) return `${verdict}, not tested`;
  const images =
    evidence.test === 'sign flips' || evidence.test === "Fisher's exact" ? ' on these images' : '';
  return `${verdict}${images} (${pText(evidence)})`;
}

/** `**:accuracy: at most 0.02 lower` */
const gateText = ({ metric, better, tolerance }: GateDefinition): string =>
  `${metric}: at most ${tolerance} ${better === 'higher' ? 'lower' : 'higher'}`;

function detectableText({ gate, smallest, largest }: Detectable): string {
  const [low, high] = [smallest, largest].map((loss) => Number(loss.toPrecision(2)).toString());
  return `${gate.metric}: ${low === high ? low : `${low} to ${high}, by how much a metric varies`}`;
}

function checkCsv({ offenders, withinNoise, freshness }: Check): string {
  const rows = [...offenders, ...withinNoise].map((row) =>
    [
      ...[row.path, row.key, row.gate.metric, row.old?.value, row.new?.value, row.difference, row.verdict],
      ...[row.evidence?.p, row.evidence?.adjustedP, row.evidence?.family, ''],
    ].map((cell) => (cell === null || cell === undefined ? '' : String(cell))),
  );
  const stale = freshness.stale.map((each) => [
    'path' in each ? each.path : each.stage,
    ...['', '', '', '', '', 'stale', '', '', ''],
    staleText(each),
  ]);
  const head = [
    'path',
    'key',
    'gate',
    'old',
    'new',
    'difference',
    'verdict',
    'p',
    'adjustedP',
    'family',
    'why',
  ];
  return csvFormatRows([head, ...rows, ...stale]);
}
