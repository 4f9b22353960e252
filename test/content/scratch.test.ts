// Scratch: its path is the same in every run, so that an output which mentions it is the same bytes.
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';

describe('the scratch path', () => {
  it('is the same in every run of a key, so an output that mentions it has the same bytes', async () => {
    const project = await Project.create({
      'pipeline.yaml': `
stages:
  place:
    cmd: 'mkdir \${outs.d} && echo \${outs.d} > \${outs.d}/path.txt && echo $RODADA_STAGE $RODADA_PARTIAL > \${outs.f}'
    outs: { d: d, f: f.txt }
  read: { cmd: 'cat \${deps.d}/path.txt > \${outs.copy}', deps: { d: d }, outs: { copy: copy.txt } }
`,
      'params.yaml': '',
    });
    expect((await project.repro()).summary.executed).toEqual(['place', 'read']);
    const before = [await project.read('d/path.txt'), await project.read('f.txt')];
    expect((await project.repro('--force', '--single-item', 'place')).summary.executed).toEqual(['place']);
    expect([await project.read('d/path.txt'), await project.read('f.txt')]).toEqual(before);
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: [] });
    expect(existsSync(project.path('cache/tmp'))).toBe(false);
  });
});
