// A set-up of native TensorFlow that failed is remembered for as long as what it lacked is lacking; a binding that can't be used ends nothing.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { canBeRefused } from '../safety/refusals.ts';
import { projectRoot } from '../support/run-stage.ts';

let root: string;
let bin: string;
let binding: string;

/** A machine with nothing but some programs, an empty cache and an untouched tfjs-node. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rodada-remembered-'));
  const made = root;
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  chmodSync(root, 0o755);
  bin = join(root, 'bin');
  binding = join(root, 'tfjs-node-gpu', 'lib', 'napi-v8', 'tfjs_binding.node');
  for (const folder of [bin, join(binding, '..'), join(root, 'cache')])
    mkdirSync(folder, { recursive: true });
});

const addProgram = (name: string, text = 'exit 0'): void =>
  writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });

/** pip that says that the index is out of reach. */
const addTools = (): void => {
  addProgram('g++');
  addProgram(
    'python3',
    'case "$*" in *download*) echo "Failed to establish a new connection"; exit 1;; esac',
  );
};

interface Found {
  readonly fact: string;
  readonly said: readonly string[];
}

/** The backend that the engine finds; `repro` sets up what is missing, `status` only looks. */
function find(verb: 'repro' | 'status', env: Record<string, string> = {}, uid = process.getuid?.()): Found {
  const script = `
    import find from './training/environment.ts';
    const said = [];
    const fact = await find({ setup: ${verb === 'repro'}, report: (line) => said.push(line) });
    console.log(JSON.stringify({ fact, said }));`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', script],
    {
      cwd: projectRoot,
      encoding: 'utf8',
      ...(uid === undefined ? {} : { uid }),
      env: {
        PATH: bin,
        HOME: root,
        RODADA_NATIVE: 'cpu',
        RODADA_NATIVE_DIR: join(root, 'cache'),
        RODADA_TFJS_NODE: join(root, 'tfjs-node-gpu'),
        PIP_INDEX_URL: 'http://127.0.0.1:9/simple',
        ...env,
      },
    },
  );
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Found;
}

const again = /\(`npm run native` tries again\)/;

describe.runIf(process.platform === 'linux' && process.arch === 'x64')('a failed set-up', () => {
  it('is remembered, and tried again once its tools are there', () => {
    const first = find('repro');
    expect(first.fact).toMatch(/^wasm /);
    expect(first.said.join('\n')).toMatch(/No native TensorFlow: needs Python .* and a C\+\+ compiler/);
    expect(find('repro').said.join('\n')).toMatch(again);
    expect(find('status').fact).toMatch(/^wasm /);
    addTools();
    expect(find('status').fact).toMatch(/^tensorflow /);
    const second = find('repro');
    expect(second.said.join('\n')).toContain("can't reach the Python package index");
    expect(second.said.join('\n')).not.toMatch(again);
    expect(find('status').fact).toMatch(/^wasm /);
  });

  it.each([
    ['another package index', () => ({ PIP_INDEX_URL: 'http://127.0.0.1:10/simple' })],
    ['a proxy', () => ({ HTTPS_PROXY: 'http://127.0.0.1:10' })],
    [
      'a configuration of pip',
      () => {
        mkdirSync(join(root, '.config', 'pip'), { recursive: true });
        writeFileSync(
          join(root, '.config', 'pip', 'pip.conf'),
          '[global]\nindex-url = http://127.0.0.1:10/simple\n',
        );
        return {};
      },
    ],
    [
      'another compiler',
      () => {
        addProgram('g++', 'echo another; exit 0');
        return {};
      },
    ],
    ['another cache', () => ({ RODADA_NATIVE_DIR: join(root, 'elsewhere') })],
  ])('is tried again with %s', (_, change) => {
    addTools();
    expect(find('repro').fact).toMatch(/^wasm /);
    expect(find('repro').said.join('\n')).toMatch(again);
    const env = change();
    expect(find('status', env).fact).toMatch(/^tensorflow /);
    expect(find('repro', env).said.join('\n')).not.toMatch(again);
    expect(find('repro', env).said.join('\n')).toMatch(again);
  });
});

describe.runIf(process.platform === 'linux')('a binding', () => {
  it.each([
    ['that is no library', () => writeFileSync(binding, 'no shared library')],
    [
      'of another architecture',
      () =>
        writeFileSync(
          binding,
          Buffer.from('7f454c46020101000000000000000000030 0b700'.replace(' ', ''), 'hex'),
        ),
    ],
    ['that leads nowhere', () => symlinkSync(join(root, 'gone', 'tfjs_binding.node'), binding)],
    ['that leads to a folder', () => symlinkSync(join(root, 'cache'), binding)],
    ['whose links lead in a circle', () => symlinkSync(binding, binding)],
  ])('%s gives way to WASM, and the next look says the same', (_, make) => {
    make();
    expect(() => find('status')).not.toThrow();
    const first = find('repro');
    expect(first.fact).toMatch(/^wasm /);
    expect(first.said.at(-1)).toMatch(/^No native TensorFlow: .*\. Training uses WASM\.$/);
    expect(find('status').fact).toBe(first.fact);
    expect(find('repro').said.join('\n')).toMatch(again);
  });

  it.skipIf(!canBeRefused || process.getuid?.() !== 0)(
    'in the home of another user gives way to WASM',
    () => {
      const home = join(root, 'home');
      mkdirSync(home);
      writeFileSync(join(home, 'tfjs_binding.node'), '');
      chmodSync(home, 0o700);
      symlinkSync(join(home, 'tfjs_binding.node'), binding);
      const nobody = 65_534;
      const looked = find('status', {}, nobody);
      expect(looked.fact).toMatch(/^wasm /);
      // Its folder is another user's, too: nothing better can be put there.
      const said = find('repro', {}, nobody).said.join('\n');
      expect(said).toContain(
        `because you may not write there, and the one that is there leads to ${home}/tfjs_binding.node, which can't be used`,
      );
      // In a checkout of their own they get a binding of their own.
      chownSync(join(binding, '..'), nobody, nobody);
      chownSync(join(binding, '..', '..'), nobody, nobody);
      expect(find('repro', {}, nobody).fact).toBe(looked.fact);
      addTools();
      expect(find('status', {}, nobody).fact).toMatch(/^tensorflow /);
    },
  );
});
