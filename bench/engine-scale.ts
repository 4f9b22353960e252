// How the engine grows: memory and time of a run with nothing to do over 200,000 files, planning 10,000 stages, and their lock.
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { UserError } from '../engine/stage.ts';
import { type Bench, compared, median } from './bench.ts';
import { rodada, writeFiles } from './engine-tree.ts';
import { printPeak } from './peak.ts';

interface Noop {
  readonly seconds: number;
  readonly mebibytes: number;
}

/** Medians of runs with nothing to do over one directory of `count` files. */
async function measureNoop(count: number, rounds: number): Promise<Noop> {
  const root = await mkdtemp(join(tmpdir(), 'rodada-bench-'));
  try {
    await writeFiles(join(root, 'raw'), count, 100);
    await writeFile(join(root, 'params.yaml'), '');
    await writeFile(
      join(root, 'pipeline.yaml'),
      "stages: { count: { cmd: 'find ${deps.raw} -type f | wc -l > ${outs.count}', deps: { raw: raw }, outs: { count: count.txt } } }\n",
    );
    const runs: Noop[] = [];
    for (let round = -1; round < rounds; round++) {
      const started = performance.now();
      const { stdout, stderr, failed } = await execa(
        process.execPath,
        ['--import', printPeak, rodada, 'repro', '--json'],
        { cwd: root, reject: false },
      );
      if (failed) throw new UserError(`repro failed: ${stdout}${stderr}`);
      const seconds = (performance.now() - started) / 1000;
      // The first run executes the stage.
      if (round >= 0) runs.push({ seconds, mebibytes: Number(stderr.trim().split('\n').at(-1)) / 1024 });
    }
    return {
      seconds: median(runs.map((run) => run.seconds)),
      mebibytes: median(runs.map((run) => run.mebibytes)),
    };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

export const files200k: Bench = {
  name: 'files-200k',
  title:
    'repro with nothing to do over 200,000 files: peak memory; and the time, beside that of 50,000 files',
  async run({ quick }) {
    const rounds = quick ? 2 : 5;
    const scale = quick ? 10 : 1;
    const small = await measureNoop(50_000 / scale, rounds);
    const large = await measureNoop(200_000 / scale, rounds);
    const alone = (name: string, rodada: number, unit: string) =>
      compared(name, { rodada, peer: null }, unit, 'smaller');
    return [
      alone('files-200k', large.mebibytes, 'MiB'),
      alone('files-200k-time', large.seconds, 's'),
      alone('files-50k-time', small.seconds, 's'),
    ];
  },
};

export const plan10k: Bench = {
  name: 'plan-10k',
  title: 'planning 10,000 stages (two of a matrix of 5,000), from the files to the checked graph',
  async run({ quick }) {
    const root = await mkdtemp(join(tmpdir(), 'rodada-bench-'));
    try {
      const list = (n: number): string => `[${Array.from({ length: n }, (_, i) => i).join(', ')}]`;
      const stage = (name: string, from: string): string => `  ${name}:
    matrix: { x: ${list(50)}, y: ${list(100)} }
    cmd: cp \${deps.in} \${outs.out}
    deps: { in: '${from}' }
    outs: { out: '${name}/\${x}-\${y}.txt' }
`;
      await writeFile(
        join(root, 'pipeline.yaml'),
        `stages:\n${stage('one', 'text.txt')}${stage('two', 'one/${x}-${y}.txt')}`,
      );
      await writeFile(join(root, 'params.yaml'), '');
      await writeFile(join(root, 'text.txt'), 'text\n');
      const worker = fileURLToPath(new URL('plan-worker.ts', import.meta.url));
      const runs: number[] = [];
      for (let round = 0; round < (quick ? 2 : 5); round++) {
        const { stdout } = await execa(process.execPath, ['--import', 'tsx', worker, root]);
        runs.push(Number(stdout));
      }
      return [compared('plan-10k', { rodada: median(runs), peer: null }, 's', 'smaller')];
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  },
};

/** `count` stages, and their outputs, of one script that imports 20 modules. */
async function writeScriptStages(root: string, count: number): Promise<void> {
  const modules = Array.from({ length: 20 }, (_, i) => `module${i}`);
  await mkdir(join(root, 'lib'));
  for (const name of modules)
    await writeFile(join(root, 'lib', `${name}.mjs`), `export const ${name} = '${name}';\n`);
  const imports = modules.map((name) => `import { ${name} } from './lib/${name}.mjs';\n`).join('');
  await writeFile(join(root, 'show.mjs'), `${imports}console.log(${modules.join(' + ')});\n`);
  const items = Array.from({ length: count }, (_, i) => i).join(', ');
  await writeFile(
    join(root, 'pipeline.yaml'),
    `stages:
  show:
    matrix: { x: [${items}] }
    cmd: 'node show.mjs \${x} > \${outs.out}'
    deps: { in: in.txt }
    outs: { out: 'out/\${x}.txt' }
`,
  );
  await writeFile(join(root, 'params.yaml'), '');
  await writeFile(join(root, 'in.txt'), 'in\n');
  await mkdir(join(root, 'out'));
  for (let i = 0; i < count; i++) await writeFile(join(root, 'out', `${i}.txt`), `${i}\n`);
}

export const lock10k: Bench = {
  name: 'lock-10k',
  title:
    '10,000 stages of one script that imports 20 modules: size of the lock, and repro with nothing to do',
  async run({ quick }) {
    const root = await mkdtemp(join(tmpdir(), 'rodada-bench-'));
    try {
      await writeScriptStages(root, quick ? 1000 : 10_000);
      const call = async (...args: string[]): Promise<number> => {
        const started = performance.now();
        const { stdout, stderr, failed } = await execa(process.execPath, [rodada, ...args], {
          cwd: root,
          reject: false,
        });
        if (failed) throw new UserError(`${args[0]} failed: ${stdout}${stderr}`);
        return (performance.now() - started) / 1000;
      };
      await call('commit'); // as if the stages had run
      const runs: number[] = [];
      for (let round = 0; round < (quick ? 2 : 5); round++) runs.push(await call('repro', '--json'));
      const { size } = await stat(join(root, 'pipeline.lock'));
      return [
        compared('lock-10k', { rodada: size / 1e6, peer: null }, 'MB', 'smaller'),
        compared('lock-10k-time', { rodada: median(runs), peer: null }, 's', 'smaller'),
      ];
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  },
};
