// Commands that the kernel or anybody else ends: what the failure says about memory and signals.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';
import { projectRoot } from '../support/run-stage.ts';

const hungry = `node -e 'const all = []; for (;;) all.push(Buffer.alloc(16e6, 1))'`;
const limit = 600_000_000;

/** A control group for memory inside this process' own, with a limit; undefined if the system does not allow that. */
function limitedGroup(): string | undefined {
  const groups = existsSync('/proc/self/cgroup') ? readFileSync('/proc/self/cgroup', 'utf8') : '';
  const first = /^\d+:memory:(.*)$/m.exec(groups)?.[1];
  const second = /^0::(.*)$/m.exec(groups)?.[1];
  const parent =
    first === undefined ? join('/sys/fs/cgroup', second ?? '') : join('/sys/fs/cgroup/memory', first);
  const folder = join(parent, `rodada-test-${process.pid}`);
  try {
    mkdirSync(folder);
    writeFileSync(join(folder, first === undefined ? 'memory.max' : 'memory.limit_in_bytes'), String(limit));
    return folder;
  } catch {
    if (existsSync(folder)) rmdirSync(folder);
    return undefined;
  }
}

describe('a command that runs out of memory (needs root and control groups)', () => {
  let group: string | undefined;
  beforeAll(() => {
    group = limitedGroup();
  });
  afterAll(() => {
    if (group !== undefined) rmdirSync(group);
  });

  it.for([
    ['by itself', hungry, /was ended by SIGKILL|ended with exit code 137 \(SIGKILL\)/],
    ['in a shell that goes on', `${hungry}; true`, /ended with exit code 137 \(SIGKILL\)/],
    ['as a child that is not waited for well', `${hungry} || exit 5`, /ended with exit code 5/],
  ] as const)('%s is reported with the peak and the limit', async ([, cmd, end], { skip }) => {
    if (group === undefined) return skip('no control group with a limit of memory can be made here');
    const project = await Project.create({
      'pipeline.yaml': `stages:\n  a:\n    cmd: ${JSON.stringify(cmd)}\n`,
      'params.yaml': '',
    });
    const enter = `echo $$ > '${group}/cgroup.procs'; exec '${process.execPath}' '${join(projectRoot, 'engine/rodada.mjs')}' repro`;
    const child = spawn('sh', ['-c', enter], {
      cwd: project.root,
      env: { ...process.env, NO_COLOR: '1', CI: 'true' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = new Promise((resolve) => child.on('close', resolve));
    const stdout = await text(child.stdout);
    expect(await closed).toBe(1);
    expect(stdout).toMatch(end);
    const found =
      /Memory ran out: the kernel's out-of-memory killer ended one of its processes; its peak was (\d+) MB as far as seen, and its control group allows 600 MB\./.exec(
        stdout,
      );
    expect(Number(found?.[1])).toBeGreaterThan(200);
    expect(Number(found?.[1])).toBeLessThan(620);
    expect((await project.cli('log', 'a')).stdout).toContain(found![0]);
  });
});

it.each([
  ['SIGKILL', 'kill -KILL $$', 'was ended by SIGKILL'],
  ['SIGKILL of a child', "sh -c 'kill -KILL $$'; true", 'ended with exit code 137 (SIGKILL)'],
  ['a crash', "sh -c 'kill -SEGV $$'; true", 'ended with exit code 139 (SIGSEGV)'],
  ['no signal', 'exit 255', 'ended with exit code 255'],
])('an end by %s is named, and memory is not blamed', async (_, cmd, end) => {
  const project = await Project.create({
    'pipeline.yaml': `stages:\n  a:\n    cmd: ${JSON.stringify(cmd)}\n`,
    'params.yaml': '',
  });
  const { stdout } = await project.cli('repro');
  expect(stdout).toContain(`✖ a failed. Its command ${end}.\n`);
});
