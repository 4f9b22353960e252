// Draws how far a stage is: a bar, the count, and the time left.
import type { Progress } from '../stage.ts';
import { duration } from './duration.ts';

const width = 20;

/**
 * `━━━━━━━━──── 8/20 epochs · 12.0 s left · loss 0.41`
 * @param elapsed seconds since the stage began to report
 * @param before what was done then: of a stage that goes on, much
 */
export function progressText(
  { done, total, unit, message }: Progress,
  elapsed: number,
  before: number,
): string {
  const parts: string[] = [];
  if (total === undefined || total <= 0) parts.push(`${count(done, unit)}${label(unit)}`);
  else {
    const share = Math.min(1, done / total);
    const full = Math.round(share * width);
    parts.push(
      `${'━'.repeat(full)}${'─'.repeat(width - full)} ${count(done, unit)}/${count(total, unit)}${label(unit)}`,
    );
    // An estimate from the first instants would jump about.
    if (done > before && done < total && elapsed > 1)
      parts.push(`${duration((elapsed * (total - done)) / (done - before))} left`);
  }
  if (message !== undefined) parts.push(message);
  return parts.join(' · ');
}

const count = (value: number, unit: string | undefined): string =>
  unit === 'bytes' ? (value / 1e6).toFixed(1) : Number.isInteger(value) ? String(value) : value.toFixed(1);

const label = (unit: string | undefined): string =>
  unit === undefined ? '' : unit === 'bytes' ? ' MB' : ` ${unit}`;
