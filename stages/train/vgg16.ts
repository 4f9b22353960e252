// Trains VGG16's head, and where it is wished the last block, on the frozen convolutions' outputs, and saves the whole network.
import { z } from 'zod';
import { stage, UserError } from '../../engine/stage.ts';
import type { Shape3 } from '../../models/layers.ts';
import { blockOfFeatures, vgg16, vgg16Head } from '../../models/vgg16.ts';
import { Vgg16Params } from '../../params/models.ts';
import { type Backbone, convolutionsOf, readBackbone, setBackboneWeights } from '../../training/backbone.ts';
import { trainStage } from '../../training/train-stage.ts';

const Params = z.strictObject({ models: z.strictObject({ vgg16: Vgg16Params }) });

await stage(Params, async (context) => {
  const { models } = context.params;
  const { fineTune } = models.vgg16;
  const backbone = await readBackbone(context.deps.backbone!);
  await trainStage(context, {
    params: models.vgg16,
    build(features, classes, seed) {
      if (!fineTune) return vgg16Head(features, classes, models.vgg16, seed);
      const tuned = { width: backbone.info.width, block: blockOf(features, backbone) + 1 };
      const head = vgg16Head(features, classes, models.vgg16, seed, tuned);
      setBackboneWeights(head, backbone);
      return head;
    },
    whole(head, seed) {
      const features = head.inputs[0]!.shape.slice(1) as unknown as Shape3;
      const model = vgg16(
        [backbone.info.size, backbone.info.size, 3],
        head.outputs[0]!.shape.at(-1)!,
        convolutionsOf(backbone, blockOf(features, backbone) + (fineTune ? 1 : 0)),
        models.vgg16,
        { seed, start: 'zeros', trainable: false },
      );
      setBackboneWeights(model, backbone);
      for (const layer of head.layers) model.getLayer(layer.name).setWeights(layer.getWeights());
      return model;
    },
  });
});

function blockOf(features: Shape3, { info }: Backbone): number {
  const block = blockOfFeatures(info.size, info.width, features);
  if (block !== null) return block;
  throw new UserError(
    `The features (${features.join(' × ')}) are not of this backbone (pictures of ${info.size} pixels, width ${info.width}). ` +
      'Run `npm run repro -- features` to make them anew.',
  );
}
