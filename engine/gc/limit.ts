// Keeps the store within the size that pipeline.yaml allows.
import { parseSize } from '../config/size.ts';
import type { Lock } from '../lock-file.ts';
import { type CollectOptions, type CollectPlaces, collect } from './collect.ts';

/**
 * Removes what was not used for longest until the store is within the limit, but nothing that the lock of a workspace names.
 * The caller holds the run lock.
 * @param limit as in pipeline.yaml
 */
export function collectToLimit(
  places: CollectPlaces,
  lock: Lock,
  limit: string,
  check: () => void,
  { dry = false, quarantine = false }: Partial<Pick<CollectOptions, 'dry' | 'quarantine'>> = {},
): ReturnType<typeof collect> {
  return collect(places, {
    lock,
    needed: { contents: [], keys: new Set() },
    keeps: () => () => false,
    keepsPartial: () => false,
    limit: parseSize(limit)!,
    quarantine,
    dry,
    check,
  });
}
