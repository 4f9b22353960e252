// What a person sees on a terminal while something large is read: how far it is, of how much, and the time left.
import { spawn } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { Project } from '../support/project.ts';
import { projectRoot } from '../support/run-stage.ts';

const bytes = 2 ** 31;

/** All that a command line writes to a terminal of its own, which `script` gives it. */
async function onTerminal(project: Project, verb: string): Promise<string> {
  const { CI: _, ...env } = process.env;
  const command = `stty cols 120 rows 40; '${process.execPath}' '${join(projectRoot, 'engine/rodada.mjs')}' ${verb}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: project.root,
    env: { ...env, TERM: 'xterm' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return stripVTControlCharacters(await text(child.stdout)).replaceAll('\r', '');
}

it.runIf(process.platform === 'linux')('repro and verify tell on a terminal how far they are', async () => {
  const project = await Project.create({
    'pipeline.yaml':
      "stages: { size: { cmd: 'stat -c %s ${deps.huge} > ${outs.size}', deps: { huge: huge.bin }, outs: { size: size.txt } } }\n",
    'params.yaml': '',
  });
  writeFileSync(project.path('huge.bin'), '');
  truncateSync(project.path('huge.bin'), bytes);
  const progress = (what: string): RegExp =>
    new RegExp(`⠿ ${what} ━*─* \\d+\\.\\d/2147\\.5 MB · [\\d.]+ (s|min) left\\n`);
  const repro = await onTerminal(project, 'repro');
  expect(repro).toMatch(progress('hashing huge\\.bin'));
  expect(repro).toContain('  0 of 1 stages done\n');
  expect(repro).toMatch(/✔ 1 executed, 0 restored, 0 fresh in .*\n$/);
  expect(await project.read('size.txt')).toBe(`${bytes}\n`);

  // An object that is not what its name says takes as long to read.
  const hash = '0'.repeat(64);
  mkdirSync(project.path('cache/objects/00'), { recursive: true });
  writeFileSync(project.path(`cache/objects/00/${hash.slice(2)}`), '');
  truncateSync(project.path(`cache/objects/00/${hash.slice(2)}`), bytes - 11);
  const verify = await onTerminal(project, 'verify');
  expect(verify).toMatch(progress('cache/objects'));
  expect(verify).toMatch(/✖ 0{64} of no result that is on record\n✖ 2 objects of .*, 1 damaged: .*\n$/);
});
