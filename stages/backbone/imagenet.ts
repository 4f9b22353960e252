// Takes VGG16's convolutions from the official ImageNet weights: a local file, or a checked download.
import { writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { stage, UserError } from '../../engine/stage.ts';
import { ImageNetParams } from '../../params/backbone.ts';
import { ResizeParams } from '../../params/resize.ts';
import { SeedParam } from '../../params/seed.ts';
import { checksumsOf } from '../../sources/checksums.ts';
import { downloadPath } from '../../sources/download-cache.ts';
import { downloadFile } from '../../sources/download-file.ts';
import { frozenBackbone, preprocessOf, writeBackbone } from '../../training/backbone.ts';
import { backendNameOf, loadBackend } from '../../training/backend.ts';
import { readKerasWeights } from '../../training/keras-h5/read.ts';

const Params = z.strictObject({
  seed: SeedParam,
  resize: ResizeParams,
  backbone: z.strictObject({ imagenet: ImageNetParams }),
});

await stage(Params, async ({ params, deps, outs, env, progress }) => {
  const { url, md5 } = params.backbone.imagenet;
  const source =
    deps.weights === undefined
      ? await downloadFile({
          url,
          destination: downloadPath(url),
          what: "VGG16's ImageNet weights",
          expected: { md5 },
          onProgress: (done, total) =>
            progress({ done, unit: 'bytes', ...(total === undefined ? {} : { total }) }),
        }).then(({ path }) => path)
      : await checked(deps.weights, md5);
  await loadBackend(backendNameOf(env.backend ?? ''));
  const info = {
    weights: 'imagenet',
    width: 1,
    preprocess: preprocessOf('imagenet'),
    size: params.resize.size,
    label: 'ImageNet weights',
  } as const;
  const model = frozenBackbone({ info, weights: await readKerasWeights(source), source }, info.size, 5);
  await writeBackbone(outs.backbone!, info, model);
  await writeFile(outs.report!, `${JSON.stringify({ label: info.label, md5 }, null, 2)}\n`);
});

/** @throws UserError if the file is another one */
async function checked(file: string, md5: string): Promise<string> {
  const found = await checksumsOf(file);
  if (found.md5 === md5) return file;
  throw new UserError(
    `${file} is not the file that params.yaml expects: its MD5 is ${found.md5}, backbone.imagenet.md5 is ${md5}. ` +
      'Download it again, or set the MD5 if you mean this file.',
  );
}
