// A directory of 1,000,000 small files, as a dependency and as an output: memory and time of the runs that people wait for.
import { appendFile, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { UserError } from '../engine/stage.ts';
import { removeTree } from '../engine/store/trees.ts';
import { type Bench, compared } from './bench.ts';
import { rodada } from './engine-tree.ts';
import { printPeak } from './peak.ts';

/** Makes so many files, a thousand in a folder, no two of them equal. */
const makeFiles = `const { mkdirSync, writeFileSync } = require('node:fs');
const [folder, count] = process.argv.slice(2);
for (let i = 0; i < Number(count); i++) {
  const parent = folder + '/d' + Math.floor(i / 1000);
  if (i % 1000 === 0) mkdirSync(parent, { recursive: true });
  writeFileSync(parent + '/f' + i + '.txt', 'file ' + i + '\\n');
}
`;

interface Figures {
  readonly seconds: number;
  readonly mebibytes: number;
}

async function call(cwd: string, command: string, ...args: readonly string[]): Promise<Figures> {
  const started = performance.now();
  const { failed, stdout, stderr } = await execa(command, args, { cwd, reject: false });
  if (failed) throw new UserError(`${args.join(' ')} failed: ${stdout}${stderr}`);
  const seconds = (performance.now() - started) / 1000;
  return { seconds, mebibytes: Number(stderr.trim().split('\n').at(-1)) / 1024 };
}

const repro = (root: string): Promise<Figures> =>
  call(root, process.execPath, '--import', printPeak, rodada, 'repro', '--json');

/** In a project with these stages. */
async function inProject<T>(stages: string, use: (root: string) => Promise<T>): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), 'rodada-bench-'));
  try {
    await writeFile(join(root, 'make.cjs'), makeFiles);
    await writeFile(join(root, 'pipeline.yaml'), stages);
    return await use(root);
  } finally {
    await removeTree(root);
  }
}

/** The files as a dependency. */
const asDependency = (count: number, report: (line: string) => void) =>
  inProject(
    "stages: { list: { cmd: 'ls ${deps.raw} > ${outs.list}', deps: { raw: raw }, outs: { list: list.txt } } }\n",
    async (root) => {
      report(`Making ${count} files`);
      await call(root, process.execPath, 'make.cjs', 'raw', String(count));
      report('Hashing them, then with nothing to do, then with an edit of a file');
      const cold = await repro(root);
      const noop = await repro(root);
      await appendFile(join(root, 'raw', 'd0', 'f7.txt'), 'edit\n');
      return { cold, noop, edit: await repro(root) };
    },
  );

/** The files as an output. */
const asOutput = (count: number, report: (line: string) => void) =>
  inProject(
    `stages: { make: { cmd: 'node make.cjs \${outs.out} ${count}', outs: { out: out } } }\n`,
    async (root) => {
      report(`A stage makes ${count} files, then there is nothing to do`);
      const cold = await repro(root);
      return { cold, noop: await repro(root) };
    },
  );

export const files1m: Bench = {
  name: 'files-1m',
  title:
    '1,000,000 small files as a dependency and as an output: peak memory; and the times of the first run, of one with nothing to do, and after an edit of a file',
  async run({ quick, report }) {
    const count = quick ? 100_000 : 1_000_000;
    // One after the other: both together would take 12 GB of disk.
    const dependency = await asDependency(count, report);
    const output = await asOutput(count, report);
    const peak = (...runs: readonly Figures[]): number => Math.max(...runs.map((run) => run.mebibytes));
    const row = (name: string, rodada: number, unit: string) =>
      compared(`files-1m${name}`, { rodada, peer: null }, unit, 'smaller');
    return [
      row('', peak(dependency.cold, dependency.noop, dependency.edit, output.cold, output.noop), 'MiB'),
      row('-dependency', peak(dependency.cold), 'MiB'),
      row('-edit', peak(dependency.edit), 'MiB'),
      row('-output', peak(output.cold), 'MiB'),
      row('-dependency-time', dependency.cold.seconds, 's'),
      row('-noop-time', dependency.noop.seconds, 's'),
      row('-edit-time', dependency.edit.seconds, 's'),
      row('-output-time', output.cold.seconds, 's'),
    ];
  },
};
