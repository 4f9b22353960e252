// Trains cnn1 on the pictures.
import { z } from 'zod';
import { stage } from '../../engine/stage.ts';
import { cnn1 } from '../../models/cnn1.ts';
import { CnnParams } from '../../params/models.ts';
import { SeedParam } from '../../params/seed.ts';
import { trainStage } from '../../training/train-stage.ts';

const Params = z.strictObject({ seed: SeedParam, models: z.strictObject({ cnn1: CnnParams }) });

await stage(Params, async (context) => {
  const { seed, models } = context.params;
  await trainStage(context, {
    seed,
    params: models.cnn1,
    build: (shape, classes) => cnn1(shape, classes, models.cnn1, seed),
  });
});
