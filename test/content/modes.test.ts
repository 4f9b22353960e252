// The executable bit and private modes of outputs and dependencies: what a run made comes back, with no more rights than before.
import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectSoundStore } from '../safety/pipeline.ts';
import { canBeRefused, cliWithoutRights } from '../safety/refusals.ts';
import { lockedOut } from '../support/lock.ts';
import { Project } from '../support/project.ts';

const modeOf = (project: Project, path: string): string =>
  (lstatSync(project.path(path)).mode & 0o7777).toString(8);

/** Modes of all objects in the store, by path. */
function objectModes(project: Project): Map<string, string> {
  const modes = new Map<string, string>();
  for (const prefix of readdirSync(project.path('cache/objects')))
    for (const name of readdirSync(project.path(`cache/objects/${prefix}`))) {
      const stat = statSync(project.path(`cache/objects/${prefix}/${name}`));
      modes.set(`${prefix}${name}`, (stat.mode & 0o777).toString(8));
    }
  return modes;
}

const hashOf = async (project: Project, path: string): Promise<string> =>
  (await lockedOut(project, path)).hash;

const tools = {
  'pipeline.yaml': `
stages:
  build: { cmd: 'sh build.sh \${outs.tool} \${outs.secret} \${outs.plain}', outs: { tool: tool, secret: secret.txt, plain: plain.txt } }
  use: { cmd: '\${deps.tool} > \${outs.used}', deps: { tool: tool }, outs: { used: used.txt } }
`,
  'params.yaml': '',
  'build.sh': `printf '#!/bin/sh\\necho used\\n' > $1; chmod +x $1
echo secret > $2; chmod 600 $2
echo plain > $3
`,
};

describe('an output that is a file', () => {
  it('keeps its executable bit and a private mode when it is restored and checked out', async () => {
    const project = await Project.create(tools);
    expect((await project.repro()).summary.executed).toEqual(['build', 'use']);
    const modes = (): string[] => ['tool', 'secret.txt', 'plain.txt'].map((path) => modeOf(project, path));
    expect(modes()).toEqual(['755', '600', '644']);
    for (const path of ['tool', 'secret.txt', 'plain.txt']) await project.remove(path);
    expect((await project.repro()).summary.restored).toEqual(['build']);
    expect(modes()).toEqual(['755', '600', '644']);
    for (const path of ['tool', 'secret.txt']) await project.remove(path);
    expect((await project.cli('checkout')).exitCode).toBe(0);
    expect(modes()).toEqual(['755', '600', '644']);
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: [] });
    expect(await project.read('used.txt')).toBe('used\n');
    expectSoundStore(project.root);
  });

  it('keeps a private mode in the store, too', async () => {
    const project = await Project.create(tools);
    await project.repro();
    const modes = objectModes(project);
    expect(modes.get(await hashOf(project, 'secret.txt'))).toBe('600');
    expect(modes.get(await hashOf(project, 'plain.txt'))).toBe('644');
    expect(modes.get(await hashOf(project, 'tool'))).toBe('644');
  });

  it.each(['tool', 'secret.txt'])('whose mode somebody changed (%s) is put right by repro', async (path) => {
    const project = await Project.create(tools);
    await project.repro();
    const before = modeOf(project, path);
    chmodSync(project.path(path), 0o644);
    const status = await project.cli('status', 'build');
    expect(status.stdout).toContain(`↺ build would be restored (${path} has another mode)\n`);
    expect(status.exitCode).toBe(1);
    expect((await project.repro('build')).summary.restored).toEqual(['build']);
    expect(modeOf(project, path)).toBe(before);
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: [] });
    chmodSync(project.path(path), 0o644);
    expect((await project.repro('--force', 'build')).summary.executed).toEqual(['build']);
    expect(modeOf(project, path)).toBe(before);
    chmodSync(project.path(path), 0o644);
    await project.remove('pipeline.lock');
    await project.repro();
    expect(modeOf(project, path)).toBe(before);
    chmodSync(project.path(path), 0o644);
    expect((await project.cli('checkout')).exitCode).toBe(0);
    expect(modeOf(project, path)).toBe(before);
  });

  it('that is not kept in the store is made again when its executable bit is gone', async () => {
    const project = await Project.create({
      'pipeline.yaml':
        "stages: { make: { cmd: 'echo : > ${outs.t} && chmod +x ${outs.t}', outs: { t: { path: t, cache: false } } } }\n",
      'params.yaml': '',
    });
    await project.repro();
    chmodSync(project.path('t'), 0o644);
    expect((await project.repro()).summary.executed).toEqual(['make']);
    expect(modeOf(project, 't')).toBe('755');
    expect((await project.repro()).summary.fresh).toEqual(['make']);
  });

  it('becomes private when the command says so from now on, in the store as well', async () => {
    const project = await Project.create({
      'pipeline.yaml': "stages: { make: { cmd: 'sh make.sh ${outs.out}', outs: { out: out.txt } } }\n",
      'params.yaml': '',
      'make.sh': 'echo text > $1\n',
    });
    await project.repro();
    expect(modeOf(project, 'out.txt')).toBe('644');
    await project.write('make.sh', 'echo text > $1; chmod 640 $1\n');
    expect((await project.repro()).summary.executed).toEqual(['make']);
    expect(modeOf(project, 'out.txt')).toBe('640');
    expect(objectModes(project).get(await hashOf(project, 'out.txt'))).toBe('640');
    await project.write('make.sh', 'echo text > $1\n');
    expect((await project.repro()).summary.restored).toEqual(['make']);
    expect(modeOf(project, 'out.txt')).toBe('644');
  });

  it('may be read-only, and larger than what is copied in memory', async () => {
    const project = await Project.create({
      'pipeline.yaml': `
stages:
  make:
    cmd: 'head -c 9000000 /dev/zero > \${outs.big} && chmod \${mode} \${outs.big}'
    outs: { big: big.bin }
`,
      'params.yaml': "mode: '440'\n",
    });
    for (const mode of ['440', '700', '755', '400']) {
      await project.write('params.yaml', `mode: '${mode}'\n`);
      const made = canBeRefused
        ? (await cliWithoutRights(project, 'repro')).exitCode
        : (await project.repro()).exitCode;
      expect(made).toBe(0);
      expect(modeOf(project, 'big.bin')).toBe(mode);
      rmSync(project.path('big.bin'));
      expect((await project.repro()).summary.restored).toEqual(['make']);
      expect(modeOf(project, 'big.bin')).toBe(mode);
    }
  });

  it('loses the bits that change who runs it, and no others', async () => {
    const project = await Project.create({
      'pipeline.yaml':
        "stages: { make: { cmd: 'echo : > ${outs.t} && chmod 4755 ${outs.t}', outs: { t: t } } }\n",
      'params.yaml': '',
    });
    await project.repro();
    await project.remove('t');
    await project.repro();
    expect(modeOf(project, 't')).toBe('755');
  });
});

describe('an output that is a directory', () => {
  const vault = {
    'pipeline.yaml': `
stages:
  build:
    cmd: 'sh build.sh \${outs.vault}'
    outs: { vault: vault }
  copy: { cmd: 'cp -R \${deps.vault} \${outs.copy}', deps: { vault: vault }, outs: { copy: copy } }
`,
    'params.yaml': '',
    'build.sh': `mkdir -p $1/private/inner $1/open/empty; cd $1
echo key > private/inner/key.txt; echo mine > open/mine.txt; chmod 600 open/mine.txt
echo ours > open/ours.txt; echo all > all.txt; printf ':\\n' > open/run; chmod 700 open/run
chmod 500 open/empty; chmod 700 private
`,
  };
  const expected = {
    '': '755',
    '/private': '700',
    '/private/inner': '755',
    '/private/inner/key.txt': '644',
    '/open': '755',
    '/open/empty': '500',
    '/open/mine.txt': '600',
    '/open/ours.txt': '644',
    '/open/run': '700',
    '/all.txt': '644',
  };
  const modesOf = (project: Project): Record<string, string> =>
    Object.fromEntries(Object.keys(expected).map((path) => [path, modeOf(project, `vault${path}`)]));

  it('keeps modes that are stricter than usual, of files and folders', async () => {
    const project = await Project.create(vault);
    await project.repro();
    expect(modesOf(project)).toEqual(expected);
    await project.remove('vault');
    expect((await project.repro()).summary.restored).toEqual(['build']);
    expect(modesOf(project)).toEqual(expected);
    await project.remove('vault');
    expect((await project.cli('checkout')).exitCode).toBe(0);
    expect(modesOf(project)).toEqual(expected);
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: [] });
    expectSoundStore(project.root);
    // Nothing of a private folder can be read in the store either: not its files, and not their names.
    const modes = objectModes(project);
    const store = (text: string): string[] =>
      [...modes].flatMap(([hash, mode]) => (readObject(project, hash).includes(text) ? [mode] : []));
    expect(store('key\n')).toEqual(['600']);
    expect(new Set(store('inner/key.txt'))).toEqual(new Set(['600']));
    expect(store('ours\n')).toEqual(['644']);
  });

  it.each([
    'open/mine.txt',
    'private',
    'open/run',
  ])('in which somebody gave more rights to %s is put right', async (path) => {
    const project = await Project.create(vault);
    await project.repro();
    const wider = path === 'open/mine.txt' ? 0o644 : 0o755;
    chmodSync(project.path(`vault/${path}`), wider);
    expect((await project.cli('status', 'build')).stdout).toContain('(vault has another mode)');
    expect((await project.repro()).summary.restored).toContain('build');
    expect(modesOf(project)).toEqual(expected);
    chmodSync(project.path(`vault/${path}`), wider);
    await project.repro('--force');
    expect(modesOf(project)).toEqual(expected);
  });

  it('whose modes the store lost is made again', async () => {
    const project = await Project.create(vault);
    await project.repro();
    const modes = (await lockedOut(project, 'vault')).modes!;
    rmSync(project.path(`cache/objects/${modes.slice(0, 2)}/${modes.slice(2)}`));
    await project.remove('vault');
    expect((await project.repro()).summary.executed).toContain('build');
    expect(modesOf(project)).toEqual(expected);
  });

  it('is collected and kept by gc together with its modes', async () => {
    const project = await Project.create(vault);
    await project.repro();
    await project.edit('build.sh', 'echo key', 'echo other');
    await project.repro();
    expect((await project.cli('gc', '--workspace')).exitCode).toBe(0);
    await project.remove('vault');
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: ['build'] });
    expect(modesOf(project)).toEqual(expected);
    expectSoundStore(project.root);
  });

  it('has the same hash under any umask, and no more rights after a restore under a wider one', async () => {
    const project = await Project.create(vault);
    await project.repro();
    const before = await hashOf(project, 'vault');
    const mask = process.umask(0o077);
    try {
      expect((await project.cli('status')).exitCode).toBe(0);
      await project.repro('--force');
      expect(await hashOf(project, 'vault')).toBe(before);
      await project.remove('vault');
      await project.repro();
      expect(modeOf(project, 'vault/open/ours.txt')).toBe('600');
      expect((await project.repro()).summary).toMatchObject({ executed: [], restored: [] });
    } finally {
      process.umask(mask);
    }
    expect((await project.cli('status')).exitCode).toBe(0);
  });
});

function readObject(project: Project, hash: string): string {
  return readFileSync(join(project.path('cache/objects'), hash.slice(0, 2), hash.slice(2)), 'utf8');
}

describe('what kind of thing it is counts', () => {
  const copying = {
    'pipeline.yaml':
      "stages: { copy: { cmd: 'cp -pR ${deps.in} ${outs.out}', deps: { in: in }, outs: { out: out } } }\n",
    'params.yaml': '',
  };

  it('of a dependency: chmod +x is a change, and chmod go-r is none', async () => {
    const project = await Project.create({ ...copying, in: ':\n' });
    await project.repro();
    chmodSync(project.path('in'), 0o755);
    expect((await project.cli('status')).stdout).toContain('▶ copy would run (in changed)');
    expect((await project.repro()).summary.executed).toEqual(['copy']);
    expect(modeOf(project, 'out')).toBe('755');
    chmodSync(project.path('in'), 0o644);
    expect((await project.repro()).summary.restored).toEqual(['copy']);
    expect(modeOf(project, 'out')).toBe('644');
    chmodSync(project.path('in'), 0o600);
    expect((await project.repro()).summary.fresh).toEqual(['copy']);
  });

  it('of an output that a later stage reads: chmod +x reaches it', async () => {
    const project = await Project.create({
      'pipeline.yaml': `
stages:
  make: { cmd: 'sh make.sh \${outs.t}', outs: { t: t } }
  read: { cmd: 'test -x \${deps.t} && echo yes > \${outs.r} || echo no > \${outs.r}', deps: { t: t }, outs: { r: r } }
`,
      'params.yaml': '',
      'make.sh': 'echo : > $1\n',
    });
    await project.repro();
    expect(await project.read('r')).toBe('no\n');
    await project.write('make.sh', 'echo : > $1; chmod +x $1\n');
    expect((await project.repro()).summary.executed).toEqual(['make', 'read']);
    expect(await project.read('r')).toBe('yes\n');
    await project.write('make.sh', 'echo : > $1\n');
    expect((await project.repro()).summary.restored).toEqual(['make', 'read']);
    expect(await project.read('r')).toBe('no\n');
  });

  it('a file with the bytes of a directory’s manifest is not that directory', async () => {
    const project = await Project.create({ ...copying, 'in/a.txt': 'a\n' });
    await project.repro();
    const hash = await hashOf(project, 'out');
    const manifest = readObject(project, hash);
    for (const path of ['in', 'out']) {
      await project.remove(path);
      writeFileSync(project.path(path), manifest);
    }
    expect((await project.cli('status')).exitCode).toBe(1);
    expect((await project.repro()).summary.executed).toEqual(['copy']);
    expect(await project.read('out')).toBe(manifest);
    expect((await project.cli('gc', '--runs', '5')).exitCode).toBe(0);
    await project.remove('in');
    await project.write('in/a.txt', 'a\n');
    expect((await project.repro()).summary.restored).toEqual(['copy']);
    expect(existsSync(project.path('out/a.txt'))).toBe(true);
  });

  it('survives a resume', async () => {
    const project = await Project.create({
      'pipeline.yaml': `
stages:
  train:
    matrix: { epochs: [1, 2] }
    cmd: 'sh train.sh \${epochs} \${resume.from} > \${outs.check} && cat \${outs.check}'
    resume: { by: epochs, from: check }
    outs: { check: 'check-\${epochs}' }
`,
      'params.yaml': '',
      'train.sh':
        'if [ -n "$2" ]; then stat -c %a "$2" >&2; fi; echo $1; chmod 750 "$(readlink /proc/$$/fd/1)"\n',
    });
    await project.repro('train:1');
    expect(modeOf(project, 'check-1')).toBe('750');
    await project.repro('train:2');
    expect((await project.cli('log', 'train:2')).stdout).toContain('750');
  });
});
