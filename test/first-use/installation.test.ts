// What the command says in an installation that is not complete, and which version it is.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { projectRoot } from '../support/run-stage.ts';

const manifest = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
  version: string;
  dependencies: Record<string, string>;
};

/** A checkout as `git clone` leaves it, with changes of its package.json. */
function clone(changes: object = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'rodada-clone-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  cpSync(join(projectRoot, 'engine'), join(root, 'engine'), { recursive: true });
  writeFileSync(join(root, 'package.json'), JSON.stringify({ ...manifest, ...changes }));
  writeFileSync(join(root, 'pipeline.yaml'), 'stages: { a: { cmd: "true" } }\n');
  return root;
}

function rodada(root: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['engine/rodada.mjs', ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  return { status, text: stdout + stderr };
}

it('says that `npm ci` was forgotten, and leaves nothing behind', () => {
  const root = clone();
  const { status, text } = rodada(root, 'status');
  expect(status).toBe(2);
  expect(text).toMatch(
    /^error: Packages that rodada needs are not installed: .*, .*, .* and \d+ more\. Run `npm ci` in \S+\n$/,
  );
  expect(existsSync(join(root, 'node_modules'))).toBe(false);
});

it('names the packages that are missing, or are those of another system', () => {
  const root = clone();
  const install = (name: string): void => {
    const file = join(root, 'node_modules', name, 'package.json');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '{}');
  };
  for (const name of Object.keys(manifest.dependencies)) if (name !== 'zod') install(name);
  expect(rodada(root, 'repro').text).toMatch(
    /^error: Packages that rodada needs are not installed: zod\. Run/,
  );
  install('zod');
  const { status, text } = rodada(root, 'repro');
  expect(status).toBe(2);
  expect(text).toMatch(
    /^error: The packages in \S+ are those of another system: @esbuild\/\S+ is missing\. Run/,
  );
});

it('says which Node it needs', () => {
  const { status, text } = rodada(clone({ engines: { node: '>=99.1' } }), 'status');
  expect([status, text]).toEqual([
    2,
    `error: rodada needs Node 99.1 or newer; this is Node ${process.versions.node}.\n`,
  ]);
});

it('tells its version, without its packages too', () => {
  expect(rodada(clone(), '--version')).toEqual({ status: 0, text: `${manifest.version}\n` });
  expect(rodada(projectRoot, '--help').text).toContain('--version');
});

it('is a program in git, so that npm need not change its mode', () => {
  const listed = execFileSync('git', ['ls-files', '-s', 'engine/rodada.mjs'], {
    cwd: projectRoot,
    encoding: 'utf8',
  });
  expect(listed).toMatch(/^100755 /);
});
