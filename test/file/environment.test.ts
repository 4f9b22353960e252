// Environment facts and variables: what a result depends on besides its inputs, and what happens where a fact can't be found.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Project } from '../support/project.ts';

const files = {
  'pipeline.yaml': `environment: { device: fact.ts }
stages:
  first: { cmd: 'echo first > \${outs.out}', outs: { out: first.txt } }
  one: { cmd: 'echo "$device $UNIT" > \${outs.out}', env: [device, UNIT], deps: [first.txt], outs: { out: one.txt } }
  two: { cmd: 'echo "$device" > \${outs.out}', env: [device], outs: { out: two.txt } }
`,
  'params.yaml': '',
  'fact.ts': `
const known = ['gpu', 'cpu'];
export default async ({ setup, report }: { setup: boolean; report: (line: string) => void }): Promise<string> => {
  const asked = process.env.DEVICE ?? 'cpu';
  if (!known.includes(asked)) throw new Error(\`DEVICE is "\${asked}"; it must be one of \${known.join(', ')}\`);
  if (setup) report(\`made \${asked} ready\`);
  return \`\${asked} 1.0\`;
};
`,
};

afterEach(() => vi.unstubAllEnvs());

describe('what a stage names under env', () => {
  it('reaches its command, and counts; what it does not name counts for nothing', async () => {
    const project = await Project.create(files);
    vi.stubEnv('UNIT', 'words');
    const { events, summary } = await project.repro();
    expect(summary.executed).toEqual(['first', 'one', 'two']);
    expect(await project.read('one.txt')).toBe('cpu 1.0 words\n');
    // Once, however many stages name it.
    expect(events.filter(({ type }) => type === 'note')).toEqual([
      { type: 'note', message: 'made cpu ready' },
    ]);
    vi.stubEnv('UNIT', 'lines');
    expect((await project.cli('status')).stdout).toBe(
      '▶ one would run (UNIT changed)\n1 would run, 2 fresh\n',
    );
    vi.stubEnv('DEVICE', 'gpu');
    vi.stubEnv('UNIT', 'words');
    vi.stubEnv('OTHER', 'counts for nothing');
    const { stdout } = await project.cli('repro');
    for (const stage of ['one', 'two']) expect(stdout).toContain(`▶ ${stage} (device cpu 1.0 → gpu 1.0)\n`);
    vi.stubEnv('DEVICE', 'cpu');
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: ['one', 'two'] });
  });

  it('is a fact or a variable in capitals', async () => {
    const project = await Project.create(files);
    await project.edit('pipeline.yaml', 'env: [device]', 'env: [devise]');
    const { exitCode, stdout } = await project.cli('repro');
    expect(exitCode).toBe(2);
    expect(stdout).toContain(
      'pipeline.yaml:5:53 error: `devise` is neither a fact named under `environment`',
    );
    expect(stdout).toContain('Did you mean `device`?');
  });
});

describe('a fact that can not be found', () => {
  const failure = `pipeline.yaml:1:24 error: The environment fact \`device\` can't be found: DEVICE is "gpv"; it must be one of gpu, cpu.
  1 │ environment: { device: fact.ts }
    │                        ^^^^^^^
`;

  it.each([
    'repro',
    'repro --dry',
    'repro --keep-going',
    'status',
    'why one',
    'commit',
  ])('is said once by %s, before anything starts', async (command) => {
    vi.stubEnv('DEVICE', 'gpv');
    const project = await Project.create(files);
    const { exitCode, stdout, stderr } = await project.cli(...command.split(' '));
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 2, stdout: failure, stderr: '' });
    await expect(project.read('first.txt')).rejects.toThrow();
  });

  it('does not matter to what does not name it', async () => {
    vi.stubEnv('DEVICE', 'gpv');
    const project = await Project.create(files);
    expect((await project.repro('first')).summary.executed).toEqual(['first']);
  });

  it.each([
    ['there is no file `fact.ts`.', undefined],
    ['fact.ts does not export a function as its default.', 'export const device = 1;\n'],
    ['fact.ts gave a value of type number, not a text.', 'export default async () => 1;\n'],
    ['fact.ts gave null, not a text.', 'export default () => null;\n'],
  ])('says that %s', async (message, code) => {
    const project = await Project.create(files);
    await (code === undefined ? project.remove('fact.ts') : project.write('fact.ts', code));
    const { exitCode, stdout } = await project.cli('status');
    expect(exitCode).toBe(2);
    expect(stdout.split('\n')[0]).toBe(
      `pipeline.yaml:1:24 error: The environment fact \`device\` can't be found: ${message}`,
    );
  });
});
