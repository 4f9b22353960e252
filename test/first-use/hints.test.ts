// Commands in hints and help: the form in which this user can type them, tried by typing them.
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { pathWithRodada } from '../support/project.ts';
import { projectRoot } from '../support/run-stage.ts';

const engine = join(projectRoot, 'engine/rodada.mjs');

/** The program's path as hints name it in a folder: the shorter one of the absolute and the relative path. */
function programIn(folder: string): string {
  const path = relative(folder, engine);
  return path.length < engine.length ? path : engine;
}

/** What npm and vitest put into the environment is not in a user's shell. */
const clean = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_|^INIT_CWD$|^RODADA_|^VITEST/.test(name)),
);
const PATH = process.env
  .PATH!.split(':')
  .filter((folder) => !folder.endsWith('node_modules/.bin'))
  .join(':');

interface Setting {
  readonly scripts?: Readonly<Record<string, string>>;
  /** Whether rodada is a package of the project. */
  readonly installed?: boolean;
  readonly folder?: string;
}

/** A project with one stage and no lock: `gc` says to run `repro`. */
function project({ scripts, installed = false, folder = '.' }: Setting): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'rodada-hints-')));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, folder, 'sub'), { recursive: true });
  const stages = 'stages: { a: { cmd: "echo 1 > ${outs.o}", outs: { o: a file.txt } } }\n';
  writeFileSync(join(root, folder, 'pipeline.yaml'), stages);
  if (scripts)
    writeFileSync(join(root, 'package.json'), JSON.stringify({ name: 'x', version: '1.0.0', scripts }));
  if (installed) {
    mkdirSync(join(root, 'node_modules/.bin'), { recursive: true });
    symlinkSync(engine, join(root, 'node_modules/.bin/rodada'));
  }
  return root;
}

function shell(cwd: string, command: string, path = PATH, env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command], {
    cwd,
    encoding: 'utf8',
    env: { ...clean, NO_COLOR: '1', CI: 'true', PATH: path, ...env },
    timeout: 60_000,
  });
  return { status, text: stdout + stderr };
}

/** The command in `Run \`…\``. */
const hinted = (text: string): string | undefined => /[Rr]un `([^`]+)`/.exec(text)?.[1];

/** Runs `command`, which hints at `repro`; types the hint and expects that it works. @returns the hint */
function tried(cwd: string, command: string, path = PATH): string | undefined {
  const hint = hinted(shell(cwd, command, path).text);
  if (hint !== undefined) expect([hint, shell(cwd, hint, path).status]).toEqual([hint, 0]);
  return hint;
}

const script = (verb: string): string => `node ${engine} ${verb}`;
const scripts = { gc: script('gc'), make: script('repro'), prepare: 'true' };

it('after npm run, the script that runs the verb, whatever its name is', () => {
  const root = project({ scripts });
  expect(tried(root, 'npm run -s gc')).toBe('npm run make');
  rmSync(join(root, 'pipeline.lock'));
  expect(tried(join(root, 'sub'), 'npm run -s gc')).toBe('npm run make');
});

it('after npm run with a script for all verbs, that script', () => {
  const root = project({ scripts: { rod: `node ${engine}` } });
  expect(tried(root, 'npm run -s rod -- gc')).toBe('npm run rod -- repro');
});

it('after npm run without a script for the verb, npx if that finds rodada, else the program', () => {
  const root = project({ scripts: { gc: 'rodada gc' }, installed: true });
  expect(tried(root, 'npm run -s gc')).toBe('npx rodada repro');
  const bare = project({ scripts: { gc: script('gc') } });
  expect(tried(bare, 'npm run -s gc')).toBe(`node ${programIn(bare)} repro`);
});

it('after npx, npx', () => {
  expect(tried(project({ installed: true }), 'npx rodada gc')).toBe('npx rodada repro');
});

it('from the program in node_modules, npx', () => {
  expect(tried(project({ installed: true }), 'node_modules/.bin/rodada gc')).toBe('npx rodada repro');
});

it('from the PATH, rodada', () => {
  expect(tried(project({}), 'rodada gc', pathWithRodada)).toBe('rodada repro');
});

it('otherwise the path of the program, relative if that is shorter', () => {
  const root = project({});
  expect(tried(root, `node ${engine} gc`)).toBe(`node ${programIn(root)} repro`);
  const near = project({ folder: 'some/where' });
  symlinkSync(dirname(engine), join(near, 'engine of mine'));
  symlinkSync(join(projectRoot, 'node_modules'), join(near, 'node_modules'));
  expect(tried(join(near, 'some/where'), "node '../../engine of mine/rodada.mjs' gc")).toBe(
    "node '../../engine of mine/rodada.mjs' repro",
  );
});

it('does not take another program of that name on the PATH for itself', () => {
  const root = project({});
  mkdirSync(join(root, 'bin'));
  writeFileSync(join(root, 'bin/rodada'), '#!/bin/sh\nexit 3\n', { mode: 0o755 });
  expect(tried(root, `node ${engine} gc`, `${root}/bin:${pathWithRodada}`)).toBe(
    `node ${programIn(root)} repro`,
  );
});

it("ignores npm's variables if something between npm and rodada started it", () => {
  const other = project({});
  const root = project({ scripts: { all: 'sh all.sh', gc: script('gc'), repro: script('repro') } });
  writeFileSync(join(root, 'all.sh'), `node ${engine} gc; cd ${other}; node ${engine} gc`);
  const { text } = shell(root, 'npm run -s all');
  expect(text.match(/Run `[^`]+`/g)).toEqual([
    `Run \`node ${programIn(root)} repro\``,
    `Run \`node ${programIn(other)} repro\``,
  ]);
});

it("ignores npm's variables in a stage", () => {
  const [inner, root] = [project({}), project({ scripts: { repro: script('repro') } })];
  const cmd = `(cd ${inner}; node ${engine} gc || true; node ${engine} dag) > \${outs.o}`;
  writeFileSync(
    join(root, 'pipeline.yaml'),
    JSON.stringify({ stages: { s: { cmd, outs: { o: 'o.txt' } } } }),
  );
  expect(shell(root, 'npm run -s repro').status).toBe(0);
  const text = readFileSync(join(root, 'o.txt'), 'utf8');
  expect(hinted(text)).toBe(`node ${programIn(inner)} repro`);
  expect(text).toMatch(/\na\n$/);
});

it('shows its usage and examples in that form', () => {
  const root = project({ scripts: { ...scripts, status: script('status') }, installed: true });
  const npm = shell(root, 'npm run -s status -- --help').text;
  expect(npm).toContain('Usage: npm run status -- [options] [targets...]\n');
  expect(npm).toMatch(/\n {2}\$ npm run status {2,}of everything\n/);
  expect(npm).toContain('  $ npm run -s status -- --json | tail -n 1 ');
  const npx = shell(root, 'npx rodada status --help').text;
  expect(npx).toContain('Usage: npx rodada status [options] [targets...]\n');
  expect(npx).toContain('  $ npx rodada status --json | tail -n 1 ');
  expect(shell(root, 'rodada --help', pathWithRodada).text).toContain('Usage: rodada [options] [command]\n');
});

it('quotes what a shell would split', () => {
  const root = project({});
  expect(shell(root, 'rodada repro', pathWithRodada).status).toBe(0);
  writeFileSync(join(root, 'a file.txt'), 'edited\n');
  writeFileSync(join(root, 'pipeline.yaml'), 'stages: { b: { cmd: "true" } }\n');
  const { text } = shell(root, 'rodada status', pathWithRodada);
  expect(hinted(text)).toBe("rodada clean --keep 'a file.txt'");
  expect(shell(root, hinted(text)!, pathWithRodada)).toEqual({
    status: 0,
    text: '✔ a file.txt is a file of your own now\n',
  });
});

it('the study has an npm script for each verb that its messages and its documents name', () => {
  const verbs = new Set<string>();
  for (const folder of ['sources', 'training', 'stages', 'report'])
    for (const file of readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' }))
      if (file.endsWith('.ts'))
        for (const [, verb] of readFileSync(join(projectRoot, folder, file), 'utf8').matchAll(
          /npm run (\w+)/g,
        ))
          verbs.add(verb!);
  for (const [, verb] of readFileSync(join(projectRoot, 'README.md'), 'utf8').matchAll(
    /npm run (?:-s )?(\w+)/g,
  ))
    verbs.add(verb!);
  expect([...verbs].filter((verb) => !Object.hasOwn(manifest.scripts, verb))).toEqual([]);
});

it("answers other tools' commands in that form", () => {
  const root = project({ scripts: { ...scripts, rodada: `node ${engine}` } });
  const { text } = shell(root, 'npm run -s rodada -- build');
  expect(text).toContain('It is `npm run make` here, with the names of stages');
  expect(shell(join(root, 'sub'), 'rodada a', pathWithRodada).text).toContain(
    '`a` is a stage: `rodada repro a` runs it.',
  );
  expect(shell(root, 'npm run -s make -- --pull').text).toContain('There are no remotes here');
});

it('no message of the engine has a command in it that only some users can type', () => {
  const { text } = shell(projectRoot, `node ${engine} --help`);
  const verbs = [...text.matchAll(/^ {2}([a-z]+) (?:\[|<)/gm)].map(([, verb]) => verb);
  expect(verbs).toContain('repro');
  const command = new RegExp(`(rodada|npm run( -s)?) (${verbs.join('|')})\\b`);
  const folder = join(projectRoot, 'engine');
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    // The contract of stages is for the study; the schema is one file for all projects; answers are rewritten when shown.
    .filter(
      (file) =>
        file.endsWith('.ts') &&
        !['stage.ts', 'config/pipeline-schema.ts', 'commands/foreign-verbs.ts'].includes(file),
    )
    .flatMap((file) =>
      readFileSync(join(folder, file), 'utf8')
        .split('\n')
        .filter((line) => !/^\s*(\/\/|\/?\*)/.test(line) && command.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
  expect(found).toEqual([]);
});
