// The tree that the engine is measured on, and DVC beside it: 14,000 files through two directory stages, 12 stages in all.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { UserError } from '../engine/stage.ts';

/** One of the tools, in a project of its own. */
export interface Tree {
  /** Brings the project up to date; gives the seconds it took. */
  repro(): Promise<number>;
  /** Sets the parameter of the second directory stage. */
  edit(value: number): Promise<void>;
  /** Forgets all outs, the cache and the lock. */
  forget(): Promise<void>;
  dispose(): Promise<void>;
}

/** Stages that read the second directory, as trainings read pictures. */
const readers = 10;

/** Each file of a directory, with its first byte replaced: all contents change with the parameter. */
const transform = `const { mkdirSync, readdirSync, readFileSync, writeFileSync } = require('node:fs');
const [from, to, value] = process.argv.slice(2);
for (const folder of readdirSync(from)) {
  mkdirSync(to + '/' + folder, { recursive: true });
  for (const name of readdirSync(from + '/' + folder)) {
    const bytes = readFileSync(from + '/' + folder + '/' + name);
    bytes[0] = Number(value);
    writeFileSync(to + '/' + folder + '/' + name, bytes);
  }
}
`;

/** Command, inputs and out of each stage, for both tools; \`{in}\` and \`{out}\` stand for the paths. */
const stages = [
  {
    name: 'first',
    cmd: 'node transform.cjs {in} {out} {first}',
    in: 'raw',
    out: 'made/first',
    param: 'first',
  },
  {
    name: 'second',
    cmd: 'node transform.cjs {in} {out} {second}',
    in: 'made/first',
    out: 'made/second',
    param: 'second',
  },
  ...Array.from({ length: readers }, (_, i) => ({
    name: `count${i}`,
    cmd: `find {in} -name "*${i}.bin" | wc -l > {out}`,
    in: 'made/second',
    out: `made/count${i}.txt`,
    param: undefined,
  })),
];

/** Writes `count` files of `size` bytes of noise, a hundred in a folder. */
export async function writeFiles(folder: string, count: number, size: number): Promise<void> {
  const noise = new Uint32Array(size / 4);
  let state = 1;
  for (let i = 0; i < noise.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // the linear congruential generator of Numerical Recipes
    noise[i] = state;
  }
  for (let i = 0; i < count; i++) {
    const parent = join(folder, `d${String(Math.floor(i / 100)).padStart(5, '0')}`);
    if (i % 100 === 0) await mkdir(parent, { recursive: true });
    noise[1] = i; // no two are equal
    await writeFile(join(parent, `f${i}.bin`), noise);
  }
}

async function makeProject(files: number): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'rodada-bench-'));
  await writeFiles(join(root, 'raw'), files, 20_000);
  await writeFile(join(root, 'transform.cjs'), transform);
  await writeFile(join(root, 'params.yaml'), paramsText(1));
  return root;
}

const paramsText = (second: number): string => `first: 1\nsecond: ${second}\n`;

/** The project of our engine. */
export async function rodadaTree(files: number): Promise<Tree> {
  const root = await makeProject(files);
  const text = stages.map(({ name, cmd, in: dep, out, param }) => {
    const line = cmd
      .replace('{in}', '${deps.in}')
      .replace('{out}', '${outs.out}')
      .replace(/\{(first|second)\}/, '${$1}');
    return `  ${name}:
    cmd: '${line}'
    deps: { in: ${dep} }
    outs: { out: ${out} }${param === undefined ? '' : `\n    params: [${param}]`}
`;
  });
  await writeFile(join(root, 'pipeline.yaml'), `stages:\n${text.join('')}`);
  return tree(root, [process.execPath, rodada, 'repro'], ['pipeline.lock', 'cache', 'made']);
}

/** The engine's command. */
export const rodada = fileURLToPath(new URL('../engine/rodada.mjs', import.meta.url));

/** The same project for DVC; `python` has it installed. */
export async function dvcTree(python: string, files: number): Promise<Tree> {
  const root = await makeProject(files);
  await mkdir(join(root, 'made'));
  const text = stages.map(({ name, cmd, in: dep, out, param }) => {
    const line = cmd
      .replace('{in}', dep)
      .replace('{out}', out)
      .replace(/\{(first|second)\}/, '${$1}');
    const code = cmd.includes('transform.cjs') ? '\n      - transform.cjs' : '';
    return `  ${name}:
    cmd: '${line}'
    deps:
      - ${dep}${code}
    outs:
      - ${out}
${param === undefined ? '' : `    params:\n      - ${param}\n`}`;
  });
  await writeFile(join(root, 'dvc.yaml'), `stages:\n${text.join('')}`);
  const dvc = [python, '-m', 'dvc'];
  await call(root, [...dvc, 'init', '--no-scm', '--quiet']);
  await call(root, [...dvc, 'config', 'core.analytics', 'false']);
  await call(root, [...dvc, 'config', 'core.check_update', 'false']);
  // What it remembers of files, which it would otherwise keep for all projects together.
  await call(root, [...dvc, 'config', 'core.site_cache_dir', join(root, '.dvc', 'site')]);
  return tree(
    root,
    [...dvc, 'repro', '--quiet'],
    ['dvc.lock', '.dvc/cache', '.dvc/tmp', '.dvc/site', 'made'],
    ['made'],
  );
}

function tree(
  root: string,
  repro: readonly string[],
  own: readonly string[],
  folders: readonly string[] = [],
): Tree {
  return {
    async repro() {
      await call(root, ['sync']); // nobody pays for what the one before left to be written
      const started = performance.now();
      await call(root, repro);
      return (performance.now() - started) / 1000;
    },
    edit: (value) => writeFile(join(root, 'params.yaml'), paramsText(value)),
    async forget() {
      for (const path of own) await rm(join(root, path), { recursive: true, force: true });
      for (const path of folders) await mkdir(join(root, path), { recursive: true });
    },
    dispose: () => rm(root, { recursive: true, force: true }),
  };
}

async function call(cwd: string, [command, ...args]: readonly string[]): Promise<void> {
  const { failed, all, exitCode } = await execa(command!, args, {
    cwd,
    all: true,
    reject: false,
    stdin: 'ignore',
    env: { PATH: `${dirname(process.execPath)}:${process.env.PATH}`, CI: 'true' },
  });
  if (failed) throw new UserError(`${command} ${args.join(' ')} ended with exit code ${exitCode}:\n${all}`);
}
