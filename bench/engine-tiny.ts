// The cost of a stage: 2,000 that copy a tiny file, run from nothing, beside make.
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { UserError } from '../engine/stage.ts';
import { type Bench, compared, inTurn } from './bench.ts';
import { rodada } from './engine-tree.ts';

const jobs = 2;

/** Runs a command in `root`; gives the seconds it took. */
async function timed(root: string, command: string, args: readonly string[]): Promise<number> {
  const started = performance.now();
  const { stdout, stderr, failed } = await execa(command, args, { cwd: root, reject: false });
  if (failed) throw new UserError(`${command} failed: ${stdout.slice(-500)}${stderr}`);
  return (performance.now() - started) / 1000;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

async function writeProject(root: string, count: number): Promise<void> {
  await mkdir(join(root, 'in'));
  for (const i of numbers(count)) await writeFile(join(root, 'in', `${i}.txt`), `${i}\n`);
  await writeFile(join(root, 'params.yaml'), '');
  await writeFile(
    join(root, 'pipeline.yaml'),
    `stages:
  copy:
    matrix: { x: [${numbers(count).join(', ')}] }
    cmd: cp \${deps.in} \${outs.out}
    deps: { in: 'in/\${x}.txt' }
    outs: { out: 'out/\${x}.txt' }
`,
  );
}

async function writeMakefile(root: string, count: number): Promise<void> {
  await mkdir(join(root, 'in'));
  for (const i of numbers(count)) await writeFile(join(root, 'in', `${i}.txt`), `${i}\n`);
  const outs = numbers(count).map((i) => `out/${i}.txt`);
  await writeFile(
    join(root, 'Makefile'),
    `SHELL := /bin/bash\nall: ${outs.join(' ')}\nout/%.txt: in/%.txt\n\t@mkdir -p out; cp $< $@\n`,
  );
}

export const tiny2k: Bench = {
  name: 'tiny-2k',
  title: `2,000 stages that copy a tiny file, all run, ${jobs} at a time: beside make`,
  async run({ quick, report }) {
    const count = quick ? 200 : 2000;
    const ours = await mkdtemp(join(tmpdir(), 'rodada-bench-'));
    const theirs = await mkdtemp(join(tmpdir(), 'rodada-bench-'));
    // What earlier rounds made is deleted at the end: ext4 can make files more slowly for a while after many were deleted.
    let round = 0;
    const forget = async (root: string): Promise<void> => {
      const aside = join(root, `earlier-${++round}`);
      await mkdir(aside);
      for (const path of ['out', 'cache', 'pipeline.lock'])
        await rename(join(root, path), join(aside, path)).catch(() => undefined);
    };
    try {
      await writeProject(ours, count);
      await writeMakefile(theirs, count);
      const hasMake = await execa('make', ['--version'], { reject: false });
      if (hasMake.failed) report('No peer: there is no make.');
      const figures = await inTurn(
        quick ? 2 : 5,
        async () => {
          await forget(ours);
          return timed(ours, process.execPath, [rodada, 'repro', '--json', '--jobs', String(jobs)]);
        },
        hasMake.failed
          ? null
          : async () => {
              await forget(theirs);
              return timed(theirs, 'make', ['-j', String(jobs)]);
            },
      );
      return [compared('tiny-2k', figures, 's', 'smaller')];
    } finally {
      await rm(ours, { recursive: true, force: true });
      await rm(theirs, { recursive: true, force: true });
    }
  },
};
