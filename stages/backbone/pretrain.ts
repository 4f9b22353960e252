// Pretrains a width-reduced VGG16 on the pictures that filter set aside: transfer learning without a download.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { stage, UserError } from '../../engine/stage.ts';
import { PretrainParams } from '../../params/backbone.ts';
import { ResizeParams } from '../../params/resize.ts';
import { SeedParam } from '../../params/seed.ts';
import { readCatalog } from '../../pictures/catalog.ts';
import { NpyFile } from '../../pictures/npy.ts';
import { packPictures } from '../../pictures/pack.ts';
import { labelsOf } from '../../pictures/split.ts';
import { preprocessOf, writeBackbone } from '../../training/backbone.ts';
import { backendNameOf, loadBackend } from '../../training/backend.ts';
import { partGroups, pretrain } from '../../training/pretrain.ts';

const Params = z.strictObject({
  seed: SeedParam,
  resize: ResizeParams,
  backbone: z.strictObject({ pretrain: PretrainParams }),
});

/** Fewer pictures of a class teach nothing. */
const leastOfClass = 8;

await stage(Params, async ({ params, deps, outs, env, progress }) => {
  const { seed, resize, backbone } = params;
  const { width } = backbone.pretrain;
  await loadBackend(backendNameOf(env.backend ?? ''));
  const scratch = await mkdtemp(join(tmpdir(), 'rodada-pretrain-'));
  try {
    const file = join(scratch, 'aside.npy');
    const { rows } = await packPictures({
      root: deps.raw!,
      entries: enough(await readCatalog(deps.aside!)),
      ...resize,
      file,
      onProgress: progress,
    });
    const classes = [...new Set(rows.map((row) => row.class))].sort();
    const inputs = await NpyFile.open(file, 'uint8');
    try {
      const { train, validation } = partGroups(
        rows.map((row) => row.group),
        seed,
      );
      const { backbone: model, epochs } = await pretrain({
        examples: { inputs, labels: labelsOf(rows, classes) },
        classes: classes.length,
        train,
        validation,
        params: backbone.pretrain,
        convolutions: { width, preprocess: preprocessOf('pretrain'), block: 5 },
        seed,
        progress,
      });
      const label = `VGG16 × ${width}, pretrained on ${classes.length} classes set aside`;
      const info = {
        weights: 'pretrain',
        width,
        preprocess: preprocessOf('pretrain'),
        size: resize.size,
        label,
      } as const;
      await writeBackbone(outs.backbone!, info, model);
      const report = {
        label,
        classes: classes.length,
        pictures: { train: train.length, validation: validation.length },
        epochs,
      };
      await writeFile(outs.report!, `${JSON.stringify(report, null, 2)}\n`);
    } finally {
      await inputs.close();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
});

/** The entries of classes that have enough pictures. */
function enough<Entry extends { readonly class: string }>(entries: readonly Entry[]): Entry[] {
  const counts = new Map<string, number>();
  for (const { class: name } of entries) counts.set(name, (counts.get(name) ?? 0) + 1);
  const kept = entries.filter((entry) => counts.get(entry.class)! >= leastOfClass);
  if (new Set(kept.map((entry) => entry.class)).size >= 2) return kept;
  throw new UserError(
    `The source has fewer than two other classes of ${leastOfClass} pictures or more to pretrain VGG16 on. ` +
      'Give it more classes, or set backbone.weights to imagenet in params.yaml.',
  );
}
