// How single values are written in tables: numbers with their spread, differences, parameters and verdicts.
import type { Measured, MetricRow } from '../compare/metric-rows.ts';

/** For a value that a side lacks. */
export const absent = '–';

const shownDecimals = 4;

interface Change {
  readonly old: Measured | null;
  readonly new: Measured | null;
  readonly difference: number | null;
}

/** `old`, `new` and the difference of a row as text, with as many decimals as it takes to tell them apart. */
export function numberCells({
  old,
  new: now,
  difference,
}: Change): [old: string, now: string, difference: string] {
  const decimals = decimalsFor([old, now], difference);
  const delta = difference === null || difference === 0 ? '' : signed(difference, decimals);
  return [measuredCell(old, decimals), measuredCell(now, decimals), delta];
}

function decimalsFor(values: readonly (Measured | null)[], difference: number | null): number {
  if (values.every((each) => each === null || (Number.isInteger(each.value) && each.n === null))) return 0;
  if (difference === null || difference === 0 || !Number.isFinite(difference)) return shownDecimals;
  // Two digits of the difference: a loss that fell from 0.000012 to 0.000011 is not 0.0000 on both sides.
  return Math.min(16, Math.max(shownDecimals, 1 - Math.floor(Math.log10(Math.abs(difference)))));
}

/** `0.8268 ± 0.0139` */
function measuredCell(measured: Measured | null, decimals: number): string {
  if (measured === null) return absent;
  const { value, sd } = measured;
  return sd === null ? number(value, decimals) : `${number(value, decimals)} ± ${number(sd, decimals)}`;
}

const number = (value: number, decimals: number): string =>
  Number.isFinite(value) ? value.toFixed(decimals) : String(value);

export const signed = (value: number, decimals = shownDecimals): string =>
  `${value > 0 ? '+' : ''}${number(value, decimals)}`;

/** `[-0.0100, +0.0250]` */
export function intervalCell({ interval }: Pick<MetricRow, 'interval'>): string {
  return interval === null ? '' : `[${interval.map((end) => signed(end)).join(', ')}]`;
}

/** How many seeds: `5`, or `1 → 5` if the sides differ. */
export function seedsCell({ old, new: now }: Pick<MetricRow, 'old' | 'new'>): string {
  const counts = [old, now].filter((side) => side !== null).map(({ n }) => n);
  if (counts.every((n) => n === null)) return '';
  const shown = [...new Set(counts.map((n) => String(n ?? 1)))];
  return shown.join(' → ');
}

/** `p = 0.021`; if only the adjustment for other comparisons makes it insignificant, both: `p = 0.19, alone 0.021`. */
export function pText({ p, adjustedP }: { readonly p: number; readonly adjustedP: number }): string {
  const alone = adjustedP >= 0.05 && p < 0.05 ? `, alone ${pNumber(p).replace(/^= /, '')}` : '';
  return `p ${pNumber(adjustedP)}${alone}`;
}

const pNumber = (p: number): string => (p < 0.001 ? '< 0.001' : `= ${p.toFixed(p < 0.1 ? 3 : 2)}`);

/** `better, real (p = 0.003)`; a word for what happened, because colour alone would not reach everyone. */
export function verdictCell({ verdict, better, evidence }: MetricRow): string {
  const which = better === null ? '' : better ? 'better' : 'worse';
  const p = evidence === null || verdict === 'same' ? '' : ` (${pText(evidence)})`;
  switch (verdict) {
    case 'real':
      return `${which === '' ? '' : `${which}, `}real${p}`;
    case 'differs on these images':
      return `${which === '' ? '' : `${which}, `}${verdict}${p}`;
    case 'not tested':
      return which === '' ? verdict : `${which}, ${verdict}`;
    default:
      return verdict + p;
  }
}

/** A parameter as params.yaml would have it on one line. */
export function paramCell(value: unknown): string {
  if (value === undefined) return absent;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
