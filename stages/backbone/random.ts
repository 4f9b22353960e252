// Draws VGG16's convolutions as they are before any training: the control that says what a trained backbone adds.
import { writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { stage } from '../../engine/stage.ts';
import { vgg16Backbone } from '../../models/vgg16.ts';
import { RandomParams } from '../../params/backbone.ts';
import { ResizeParams } from '../../params/resize.ts';
import { SeedParam } from '../../params/seed.ts';
import { preprocessOf, writeBackbone } from '../../training/backbone.ts';
import { backendNameOf, loadBackend } from '../../training/backend.ts';

const Params = z.strictObject({
  seed: SeedParam,
  resize: ResizeParams,
  backbone: z.strictObject({ random: RandomParams }),
});

await stage(Params, async ({ params, outs, env }) => {
  const { seed, resize, backbone } = params;
  const { width } = backbone.random;
  await loadBackend(backendNameOf(env.backend ?? ''));
  const info = {
    weights: 'random',
    width,
    preprocess: preprocessOf('random'),
    size: resize.size,
    label: `VGG16 × ${width}, random weights`,
  } as const;
  const model = vgg16Backbone(
    [resize.size, resize.size, 3],
    { ...info, block: 5 },
    { seed, start: 'heNormal', trainable: false },
  );
  await writeBackbone(outs.backbone!, info, model);
  await writeFile(outs.report!, `${JSON.stringify({ label: info.label }, null, 2)}\n`);
});
