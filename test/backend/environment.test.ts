// The backend's environment fact: which rung it says, what it costs, and what it refuses.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { UserError } from '../../engine/stage.ts';
import { backendNameOf } from '../../training/backend-name.ts';
import trainingEnvironment from '../../training/environment.ts';
import { tensorflowVersion, tfjsVersion } from '../../training/native/versions.ts';

let folder: string;
const lines: string[] = [];
const ask = (setup: boolean) => trainingEnvironment({ setup, report: (line) => lines.push(line) });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rodada-environment-'));
  lines.length = 0;
  // A machine without tools, binding or cache.
  vi.stubEnv('PATH', folder);
  vi.stubEnv('CXX', '');
  vi.stubEnv('RODADA_NATIVE_DIR', join(folder, 'cache'));
  vi.stubEnv('RODADA_TFJS_NODE', join(folder, 'tfjs-node-gpu'));
  vi.stubEnv('RODADA_BACKEND', '');
  vi.stubEnv('RODADA_NATIVE', 'cpu'); // also where the tests run beside a GPU
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

describe('the training environment', () => {
  it('is WASM where the native set-up cannot work, and says why in one line', async () => {
    expect(await ask(false)).toBe(`wasm ${tfjsVersion}`);
    expect(lines).toEqual([]);
    expect(await ask(true)).toBe(`wasm ${tfjsVersion}`);
    expect(lines).toEqual([
      expect.stringMatching(/^No native TensorFlow: needs Python with pip .*\. Training uses WASM\.$/),
    ]);
  });

  it.runIf(process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch))(
    'is native TensorFlow, in prospect, where the tools for it are there',
    async () => {
      for (const name of ['python3', 'g++']) {
        await writeFile(join(folder, name), '#!/bin/sh\nexit 1\n');
        await chmod(join(folder, name), 0o755);
      }
      expect(await ask(false)).toBe(`tensorflow ${tensorflowVersion}`);
    },
  );

  it.each(['wasm', 'cpu'])('is %s where RODADA_BACKEND forces it, and sets nothing up', async (name) => {
    vi.stubEnv('RODADA_BACKEND', name);
    expect(await ask(true)).toBe(`${name} ${tfjsVersion}`);
    expect(lines).toEqual([]);
  });

  it('refuses an unknown backend, and a forced one that cannot be had', async () => {
    vi.stubEnv('RODADA_BACKEND', 'cuda');
    await expect(ask(false)).rejects.toThrow(
      new UserError('RODADA_BACKEND is "cuda"; it must be one of tensorflow-gpu, tensorflow, wasm, cpu'),
    );
    vi.stubEnv('RODADA_BACKEND', 'tensorflow');
    await expect(ask(true)).rejects.toThrow(
      /^RODADA_BACKEND asks for native TensorFlow, which can't be had: needs Python/,
    );
  });

  it('never loads tfjs, since the engine asks at every run', async () => {
    const script = `
      const { default: ask } = await import('./training/environment.ts');
      await ask({ setup: false, report() {} });
      const { Module } = await import('node:module');
      console.log(Object.keys(Module._cache).filter((file) => file.includes('tfjs')).length);`;
    const { stdout } = await execa(process.execPath, [
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      script,
    ]);
    expect(stdout).toBe('0');
  });
});

it('names the rung of each value, and refuses others', () => {
  expect(backendNameOf(`tensorflow ${tensorflowVersion}`)).toBe('tensorflow');
  expect(backendNameOf('wasm 4.22.0')).toBe('wasm');
  expect(backendNameOf('cpu 4.22.0')).toBe('cpu');
  expect(() => backendNameOf('cuda 12')).toThrow(UserError);
});
