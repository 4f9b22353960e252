// The one seed: initialization, shuffling, dropout, the split and every sample drawn for a picture derive from it.
import { z } from 'zod';

export const SeedParam = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
