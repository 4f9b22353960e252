// The command line's own words: help with examples for each verb, and the nearest to one that does not exist.
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { Project } from '../support/project.ts';

const verbs = [
  'init',
  'repro',
  'status',
  'why',
  'dag',
  'log',
  'checkout',
  'clean',
  'commit',
  'freeze',
  'unfreeze',
  'gc',
  'verify',
  'compare',
  'check',
];

describe('the command line', () => {
  it('lists all verbs', async () => {
    const project = await Project.create({});
    const { exitCode, stdout } = await project.cli('--help');
    expect(exitCode).toBe(0);
    for (const verb of verbs) expect(stdout).toMatch(new RegExp(`^ {2}${verb} .* `, 'm'));
    expect((await project.cli()).exitCode).toBe(2);
  });

  it.each(verbs)('explains %s with examples', async (verb) => {
    const project = await Project.create({});
    const { exitCode, stdout } = await project.cli(verb, '--help');
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Usage: rodada ${verb} [options]`);
    expect(stdout).toMatch(/^Examples:\n {2}\$ (rodada|git) /m);
  });

  it('names the verb that is nearest to an unknown one', async () => {
    const project = await Project.create({});
    expect(await project.cli('verfy')).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: "error: unknown command 'verfy'\n(Did you mean verify?)\n(--help shows the options)\n",
    });
    const option = await project.cli('repro', '--dyr');
    expect(option.exitCode).toBe(2);
    expect(option.stderr).toContain("error: unknown option '--dyr'\n(Did you mean --dry?)");
  });

  it('has an npm script for each verb', () => {
    for (const verb of verbs) expect(manifest.scripts).toHaveProperty(verb, `node engine/rodada.mjs ${verb}`);
  });
});
