// Trains cnn1 on the pictures.
import { z } from 'zod';
import { stage } from '../../engine/stage.ts';
import { cnn1 } from '../../models/cnn1.ts';
import { CnnParams } from '../../params/models.ts';
import { trainStage } from '../../training/train-stage.ts';

const Params = z.strictObject({ models: z.strictObject({ cnn1: CnnParams }) });

await stage(Params, async (context) => {
  const { models } = context.params;
  await trainStage(context, {
    params: models.cnn1,
    build: (shape, classes, seed) => cnn1(shape, classes, models.cnn1, seed),
  });
});
