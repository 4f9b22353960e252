// Trains cnn2 on the pictures.
import { z } from 'zod';
import { stage } from '../../engine/stage.ts';
import { cnn2 } from '../../models/cnn2.ts';
import { CnnParams } from '../../params/models.ts';
import { trainStage } from '../../training/train-stage.ts';

const Params = z.strictObject({ models: z.strictObject({ cnn2: CnnParams }) });

await stage(Params, async (context) => {
  const { models } = context.params;
  await trainStage(context, {
    params: models.cnn2,
    build: (shape, classes, seed) => cnn2(shape, classes, models.cnn2, seed),
  });
});
