// The one seed: the split, the backbone and every sample drawn for a picture derive from it. Trainings take it, and the ones that follow it.
import { z } from 'zod';

export const SeedParam = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
