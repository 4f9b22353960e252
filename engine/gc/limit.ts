// Keeps the store within the size that pipeline.yaml allows.
import { parseSize } from '../config/size.ts';
import type { Lock } from '../lock-file.ts';
import { type CollectOptions, collect } from './collect.ts';

/**
 * Removes what was not used for longest until the store is within the limit, but nothing that the workspace's lock names.
 * The caller holds the run lock.
 * @param limit as in pipeline.yaml
 */
export function collectToLimit(
  cache: string,
  lock: Lock,
  limit: string,
  check: () => void,
  { dry = false, quarantine = false }: Partial<Pick<CollectOptions, 'dry' | 'quarantine'>> = {},
): ReturnType<typeof collect> {
  return collect(cache, {
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
