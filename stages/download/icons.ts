// The download stage of the icons source: the default pictures, out of a pinned npm package.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { stage } from '../../engine/stage.ts';
import { IconsParams } from '../../params/source.ts';
import { fetchPackage } from '../../sources/icons/fetch-package.ts';
import { writeIcons } from '../../sources/icons/icons.ts';

const Params = z.object({ source: z.object({ kind: z.literal('icons'), icons: IconsParams }) });

await stage(Params, async ({ params, outs, progress }) => {
  const { icons } = params.source;
  const scratch = await mkdtemp(join(tmpdir(), 'rodada-icons-'));
  try {
    progress({ done: 0, message: `fetching ${icons.package}@${icons.version} with npm` });
    const tarball = await fetchPackage(icons, scratch);
    const summary = await writeIcons(tarball, icons, outs.raw!, (read) =>
      progress({ done: read, unit: 'icon sets' }),
    );
    for (const name of Object.keys(icons.classes)) {
      console.log(`${name.padEnd(12)} ${summary.classes.get(name)}`);
    }
    const asideClasses = [...summary.classes.keys()].filter((name) => !(name in icons.classes));
    const aside = asideClasses.reduce((sum, name) => sum + summary.classes.get(name)!, 0);
    console.log(`set aside    ${aside} of ${asideClasses.length} classes`);
    console.log(`from ${summary.sets} icon sets in ${summary.families} design families`);
    const { ambiguous, excluded, duplicate, unusable } = summary.leftOut;
    console.log(
      `left out: ${excluded} that mean something else, ${ambiguous} with words of two classes, ` +
        `${duplicate} duplicates, ${unusable} animated or broken`,
    );
    if (summary.unknown.length > 0) {
      console.log(`named in params.yaml, but not there: ${summary.unknown.join(', ')}`);
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
});
