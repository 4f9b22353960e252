// Which way a metric is better, told by its name where no gate says so.
import { type DottedKey, segments } from './flatten.ts';

export type Direction = 'higher' | 'lower';

const higher = new Set(['accuracy', 'precision', 'recall', 'f1', 'auc']);
const lower = new Set(['loss', 'error', 'seconds', 'time', 'duration']);

/**
 * The usual direction of a metric with this name, null where the name says nothing.
 *
 * Only the key's last segment counts, word by word (`valLoss`, `train_seconds`), because the ones before it may be
 * class names. A rate (`imagesPerSecond`) is better higher.
 */
export function directionOfName(key: DottedKey): Direction | null {
  const last = segments(key).at(-1) ?? '';
  const words = last
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  if (words.includes('per') && words.includes('second')) return 'higher';
  if (words.some((word) => lower.has(word))) return 'lower';
  return words.some((word) => higher.has(word)) ? 'higher' : null;
}
