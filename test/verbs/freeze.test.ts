// `freeze` and `unfreeze`: what they write into pipeline.yaml, and that nothing else in it changes.
import { describe, expect, it } from 'vitest';
import { setFrozen } from '../../engine/config/freeze.ts';
import { Project } from '../support/project.ts';
import { textProject } from './text-project.ts';

describe('freeze', () => {
  it('keeps a stage from running until it is unfrozen, and leaves the rest of the file as it was', async () => {
    const project = await Project.create(textProject);
    await project.repro();
    const before = await project.read('pipeline.yaml');
    const { exitCode, stdout } = await project.cli('freeze', 'words', 'count');
    expect(exitCode).toBe(0);
    expect(stdout).toBe('✔ words is frozen\n✔ count is frozen\n');
    expect(await project.read('pipeline.yaml')).toBe(
      before
        .replace('  words:\n', '  words:\n    frozen: true\n')
        .replace('  count:\n', '  count:\n    frozen: true\n'),
    );
    await project.write('text.txt', 'x y z\n');
    expect((await project.repro()).summary.executed).toEqual(['upper']);
    expect(await project.read('out/words.txt')).toBe('A\nB\n');
    expect((await project.cli('status')).exitCode).toBe(0);
    expect((await project.cli('freeze', 'words')).stdout).toBe('✔ words is frozen, as it was before\n');
    expect((await project.cli('unfreeze', 'words', 'count')).stdout).toBe(
      '✔ words is not frozen\n✔ count is not frozen\n',
    );
    expect(await project.read('pipeline.yaml')).toBe(before);
    expect((await project.repro()).summary.executed).toEqual(['words', 'count:c', 'count:w', 'total']);
  });

  it('takes stages, not instances, and says what was meant', async () => {
    const project = await Project.create(textProject);
    expect(await project.cli('freeze', 'count:c')).toMatchObject({
      exitCode: 2,
      stdout: 'error: `count:c` is an instance; a stage is frozen as a whole.\nRun `rodada freeze count`.\n',
    });
    expect(await project.cli('unfreeze', 'wrods')).toMatchObject({
      exitCode: 2,
      stdout: 'error: There is no stage `wrods`.\nDid you mean `words`?\n',
    });
    expect(await project.read('pipeline.yaml')).toBe(textProject['pipeline.yaml']);
  });
});

describe('the edit of the text', () => {
  const written: Record<string, [before: string, after: string]> = {
    'a block': ['stages:\n  a:\n    cmd: x\n', 'stages:\n  a:\n    frozen: true\n    cmd: x\n'],
    'comments beside and below the name': [
      'stages:\n  a: # the first\n    # what it does\n    cmd: x # so\n',
      'stages:\n  a: # the first\n    frozen: true\n    # what it does\n    cmd: x # so\n',
    ],
    'one line in braces': [
      'stages:\n  a: {cmd: x,   outs: [b]} # odd spaces\n',
      'stages:\n  a: {frozen: true, cmd: x,   outs: [b]} # odd spaces\n',
    ],
    'lines in braces': [
      'stages:\n  a: {\n    cmd: x,\n  }\n',
      'stages:\n  a: {\n    frozen: true, cmd: x,\n  }\n',
    ],
    'an anchor, quotes and odd indentation': [
      'stages:\n   "a": &a\n        cmd: >-\n          x\n          y\n   b: { cmd: z }',
      'stages:\n   "a": &a\n        frozen: true\n        cmd: >-\n          x\n          y\n   b: { cmd: z }',
    ],
    'line ends of Windows': [
      'stages:\r\n  a:\r\n    cmd: x\r\n',
      'stages:\r\n  a:\r\n    frozen: true\r\n    cmd: x\r\n',
    ],
  };
  it.each(Object.entries(written))('goes into %s, and out again', (_, [before, after]) => {
    expect(setFrozen(before, 'a', true)).toBe(after);
    expect(setFrozen(after, 'a', false)).toBe(before);
    expect(setFrozen(before, 'a', false)).toBe('same');
    expect(setFrozen(after, 'a', true)).toBe('same');
  });

  it('takes away a field that stands last, and changes one that says false', () => {
    expect(setFrozen('stages:\n  a:\n    cmd: x\n    frozen: true', 'a', false)).toBe(
      'stages:\n  a:\n    cmd: x\n',
    );
    expect(setFrozen('stages:\n  a: { cmd: x, frozen: true }\n', 'a', false)).toBe(
      'stages:\n  a: { cmd: x }\n',
    );
    expect(setFrozen('stages:\n  a:\n    frozen: false # now\n    cmd: x\n', 'a', true)).toBe(
      'stages:\n  a:\n    frozen: true # now\n    cmd: x\n',
    );
  });

  it('does not touch a stage whose fields stand elsewhere, or that others share', () => {
    expect(setFrozen('vars: { v: &v { cmd: x } }\nstages:\n  a: *v\n', 'a', true)).toBeUndefined();
    expect(setFrozen('stages:\n  a: &a\n    cmd: x\n  b: *a\n', 'a', true)).toBeUndefined();
  });
});
