// The download stage of the Kaggle source: the pictures of the original study.
import { z } from 'zod';
import { stage } from '../../engine/stage.ts';
import { KaggleParams } from '../../params/source.ts';
import { kaggleCredentials } from '../../sources/kaggle/credentials.ts';
import { downloadDataset, unpackDataset } from '../../sources/kaggle/dataset.ts';

const Params = z.object({ source: z.object({ kind: z.literal('kaggle'), kaggle: KaggleParams }) });

await stage(Params, async ({ params, outs, progress }) => {
  const { kaggle } = params.source;
  const archive = await downloadDataset(kaggle, await kaggleCredentials(), (done, total) =>
    progress({ done, ...(total === undefined ? {} : { total }), unit: 'bytes' }),
  );
  console.log(`archive: ${archive.size} bytes, SHA-256 ${archive.sha256}`);
  const counts = await unpackDataset(archive.path, kaggle, outs.raw!, (done, total) =>
    progress({ done, total, unit: 'files' }),
  );
  for (const [name, count] of Object.entries(counts)) console.log(`${name.padEnd(16)} ${count}`);
});
