// Runs all pictures through the frozen VGG16 convolutions once: their outputs are what the head is trained on.
import { z } from 'zod';
import { stage, UserError } from '../engine/stage.ts';
import { BackboneParams } from '../params/backbone.ts';
import { Vgg16Params } from '../params/models.ts';
import { NpyFile } from '../pictures/npy.ts';
import { readBackbone } from '../training/backbone.ts';
import { backendNameOf, loadBackend } from '../training/backend.ts';
import { writeFeatures } from '../training/features.ts';

const Params = z.strictObject({
  backbone: BackboneParams.pick({ block: true }),
  models: z.strictObject({ vgg16: Vgg16Params.pick({ fineTune: true }) }),
});

await stage(Params, async ({ params, deps, outs, env, progress }) => {
  await loadBackend(backendNameOf(env.backend ?? ''));
  const backbone = await readBackbone(deps.backbone!);
  const pictures = await NpyFile.open(deps.pictures!, 'uint8');
  try {
    const [, height, width] = pictures.shape;
    if (height !== width || height !== backbone.info.size) {
      throw new UserError(
        `The backbone is made for pictures of ${backbone.info.size} pixels; these are ${height} × ${width}. ` +
          'Run `npm run repro -- backbone` to make it anew.',
      );
    }
    const frozen = params.backbone.block - (params.models.vgg16.fineTune ? 1 : 0);
    await writeFeatures(pictures, backbone, frozen, outs.features!, progress);
  } finally {
    await pictures.close();
  }
});
