// A program whose reader leaves early, such as `npm run schema | head -n 0`, ends without a stack trace.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { projectRoot } from '../support/run-stage.ts';

const tsx = ['--import', 'tsx'];

it.each([
  ['npm run schema', [...tsx, 'engine/config/write-json-schema.ts']],
  ['npm run bench', [...tsx, 'bench/main.ts', '--help']],
  ['rodada --help', ['engine/rodada.mjs', '--help']],
  ['rodada dag', ['engine/rodada.mjs', 'dag']],
  ['rodada log', ['engine/rodada.mjs', 'log', 'split']],
  ['rodada push', ['engine/rodada.mjs', 'push']],
])('%s', async (_, args) => {
  const root = mkdtempSync(join(tmpdir(), 'rodada-reader-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  // The reader has gone before the first line: what comes out is written into a closed pipe.
  const env = { ...process.env, PATH: root };
  for (const closed of ['stdout', 'stderr'] as const) {
    const child = spawn(process.execPath, args, { cwd: projectRoot, env, stdio: ['ignore', 'pipe', 'pipe'] });
    child[closed].destroy();
    const other = closed === 'stdout' ? child.stderr : child.stdout;
    const [said] = await Promise.all([text(other), once(child, 'exit')]);
    expect(said, closed).not.toMatch(/EPIPE|node:events|^ +at /m);
    expect(child.signalCode).toBeNull();
  }
  expect(
    spawnSync('git', ['status', '--short', 'schema'], { cwd: projectRoot, encoding: 'utf8' }).stdout,
  ).toBe('');
});
