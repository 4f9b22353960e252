// Values of environment variables may be secrets: the command gets them, and nothing that rodada writes or prints has them.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import type { LockBlock } from '../../engine/lock-file.ts';
import { lockedBlock } from '../support/lock.ts';
import { Project } from '../support/project.ts';

const secret = 'hunter2-5f1c9e';
const files = {
  'pipeline.yaml': `environment: { device: device.ts }
stages:
  use:
    cmd: |
      stat -c %a "$RODADA_STAGE" > \${outs.mode}
      node -e 'console.log(process.env.API_TOKEN ?? "none")' | wc -c > \${outs.size}
      node -e '
        const { env } = JSON.parse(require("node:fs").readFileSync(process.env.RODADA_STAGE));
        console.log(Object.keys(env).join(), env.API_TOKEN === process.env.API_TOKEN)' > \${outs.same}
    env: [device, API_TOKEN]
    outs: { mode: mode.txt, size: size.txt, same: same.txt }
`,
  'params.yaml': '',
  'device.ts': "export default async () => 'cpu 1.0';\n",
};

afterEach(() => vi.unstubAllEnvs());

const locked = (project: Project): Promise<LockBlock> => lockedBlock(project, 'use');

/** All files of the project that contain the text. */
const filesWith = (project: Project, text: string): string[] =>
  readdirSync(project.root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path, 'latin1').includes(text));

it('reach the command and its inputs, which only the user can read', async () => {
  vi.stubEnv('API_TOKEN', secret);
  const project = await Project.create(files);
  expect((await project.repro()).summary.executed).toEqual(['use']);
  expect(await project.read('mode.txt')).toBe('600\n');
  expect(Number(await project.read('size.txt'))).toBe(secret.length + 1);
  expect(await project.read('same.txt')).toBe('device,API_TOKEN true\n');
});

it('are in no file and no output, neither in the clear nor under a plain hash', async () => {
  vi.stubEnv('API_TOKEN', secret);
  const project = await Project.create(files);
  const printed = [await project.cli('repro', '--json')];
  vi.stubEnv('API_TOKEN', `${secret}-2`);
  for (const call of [
    'status',
    'status --json',
    'why use',
    'why use --json',
    'repro --dry',
    'repro',
    'log use',
  ])
    printed.push(await project.cli(...call.split(' ')));
  await project.edit('pipeline.yaml', 'cmd: |', 'cmd: |\n      exit 1');
  printed.push(await project.cli('repro', '--json'), await project.cli('log', 'use', '--runs'));
  for (const { stdout, stderr } of printed) expect(stdout + stderr).not.toContain(secret);
  expect(printed[1]!.stdout).toContain('use would run (API_TOKEN changed)');
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  for (const text of [secret, sha256(secret), sha256(`${secret}-2`)])
    expect(filesWith(project, text)).toEqual([]);
});

it('have the same hash for everybody, and another for another variable', async () => {
  vi.stubEnv('API_TOKEN', secret);
  vi.stubEnv('OTHER_TOKEN', secret);
  const [one, two] = [await Project.create(files), await Project.create(files)];
  await two.edit('pipeline.yaml', 'API_TOKEN]', 'API_TOKEN, OTHER_TOKEN]');
  await one.repro();
  await two.repro();
  const { API_TOKEN, OTHER_TOKEN } = (await locked(two)).fingerprint.variables!;
  expect((await locked(one)).fingerprint.variables).toEqual({ API_TOKEN });
  expect(API_TOKEN).toMatch(/^[0-9a-f]{64}$/);
  expect(OTHER_TOKEN).not.toBe(API_TOKEN);
});

it('tell a variable that is not set from an empty one', async () => {
  vi.stubEnv('API_TOKEN', undefined);
  const project = await Project.create(files);
  await project.repro();
  expect(await project.read('same.txt')).toBe('device true\n');
  expect((await locked(project)).fingerprint.variables).toEqual({ API_TOKEN: null });
  vi.stubEnv('API_TOKEN', '');
  expect((await project.cli('status')).stdout).toContain('use would run (API_TOKEN is now set)');
  await project.repro();
  expect(await project.read('same.txt')).toBe('device,API_TOKEN true\n');
  vi.stubEnv('API_TOKEN', undefined);
  expect((await project.cli('status')).stdout).toContain(
    'use would be restored (API_TOKEN is no longer set)',
  );
  await project.edit('pipeline.yaml', '[device, API_TOKEN]', '[device]');
  expect((await project.cli('status')).stdout).toContain('(API_TOKEN removed from env)');
});

it('leave facts readable', async () => {
  const project = await Project.create(files);
  await project.repro();
  expect((await locked(project)).fingerprint.environment).toMatchObject({ device: 'cpu 1.0' });
  await project.edit('device.ts', 'cpu 1.0', 'gpu 2.0');
  expect((await project.cli('status')).stdout).toContain('(device cpu 1.0 → gpu 2.0)');
});

it('are removed from a lock that an older version wrote, and not printed from it', async () => {
  vi.stubEnv('API_TOKEN', secret);
  const project = await Project.create(files);
  await project.repro();
  const block = await locked(project);
  const { variables: _, ...fingerprint } = block.fingerprint;
  const environment = { ...fingerprint.environment, API_TOKEN: secret };
  const old = { ...block, key: '0'.repeat(64), fingerprint: { ...fingerprint, environment } };
  await project.write('pipeline.lock', `# lock\n\n${JSON.stringify(old, null, 2)}\n`);
  const why = await project.cli('why', 'use', '--json');
  expect(why.stdout).toContain('"what":"variable","name":"API_TOKEN","change":"changed"');
  expect(why.stdout).not.toContain(secret);
  await project.repro();
  expect(filesWith(project, secret)).toEqual([]);
});
