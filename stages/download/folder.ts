// The download stage of the folder source: pictures of one's own, `<root>/<class>/*`.
import { z } from 'zod';
import { stage, UserError } from '../../engine/stage.ts';
import { FolderParams } from '../../params/source.ts';
import { readFolder } from '../../sources/folder.ts';

const Params = z.object({ source: z.object({ kind: z.literal('folder'), folder: FolderParams }) });

await stage(Params, async ({ deps, outs, progress }) => {
  if (deps.folder === undefined) {
    throw new UserError(
      'source.kind is folder, but source.folder.root names no folder: set it to the path of your pictures, `<root>/<class>/*`.',
    );
  }
  const { classes, ignored } = await readFolder(deps.folder, outs.raw!, (done, total) =>
    progress({ done, total, unit: 'pictures' }),
  );
  for (const [name, count] of classes) console.log(`${name.padEnd(16)} ${count}`);
  if (ignored.length > 0) console.log(`ignored ${ignored.length} files that are hidden or no pictures:`);
  for (const path of ignored.slice(0, 20)) console.log(`  ${path}`);
});
