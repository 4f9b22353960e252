// Folders that nobody may write to or look into, as a user who is not root: every place where the engine removes or replaces them.
import { chmodSync, existsSync, lstatSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { snapshot } from '../safety/pipeline.ts';
import { canBeRefused, cliWithoutRights } from '../safety/refusals.ts';
import { Project } from '../support/project.ts';

/** A stage whose output holds a read-only folder below a read-only folder; `text` makes another version of it. */
const sealed = {
  'pipeline.yaml': `
stages:
  seal:
    cmd: |
      mkdir -p \${outs.d}/a/b && echo \${text} | tee \${outs.d}/a/b/f.txt > \${outs.d}/a/g.txt
      chmod 555 \${outs.d}/a/b \${outs.d}/a \${outs.d}
    outs: { d: d }
  read: { cmd: 'cat \${deps.d}/a/b/f.txt > \${outs.copy}', deps: { d: d }, outs: { copy: copy.txt } }
`,
  'params.yaml': 'text: one\n',
};

async function projectWithout(files: Readonly<Record<string, string>>): Promise<Project> {
  const project = await Project.create(files);
  chmodSync(project.root, 0o755);
  return project;
}

const run = cliWithoutRights;
const modeOf = (project: Project, path: string): number => lstatSync(project.path(path)).mode & 0o777;

describe.skipIf(!canBeRefused)('a user who is not root', () => {
  it('makes, replaces, removes and restores an output with read-only folders', async () => {
    const project = await projectWithout(sealed);
    const first = await run(project, 'repro');
    expect(first.stdout).toMatch(/✔ 2 executed, 0 restored, 0 fresh/);
    expect(first.exitCode).toBe(0);
    expect(await project.read('copy.txt')).toBe('one\n');
    const before = snapshot(project.root, ['d']);
    expect(modeOf(project, 'd/a/b')).toBe(0o555);

    await project.write('params.yaml', 'text: two\n');
    const second = await run(project, 'repro');
    expect(second.stdout).toMatch(/✔ 2 executed, 0 restored, 0 fresh/);
    expect(await project.read('copy.txt')).toBe('two\n');
    expect(existsSync(project.path('cache/tmp'))).toBe(false);

    await project.write('params.yaml', 'text: one\n');
    const third = await run(project, 'repro');
    expect(third.stdout).toMatch(/✔ 0 executed, 2 restored, 0 fresh/);
    expect(snapshot(project.root, ['d'])).toEqual(before);
    expect(existsSync(project.path('cache/tmp'))).toBe(false);

    expect((await run(project, 'repro', '--force')).stdout).toMatch(/✔ 2 executed/);
    expect((await run(project, 'repro')).stdout).toMatch(/✔ 0 executed, 0 restored, 2 fresh/);
  });

  it('checks out an output with read-only folders over another', async () => {
    const project = await projectWithout(sealed);
    expect((await run(project, 'repro')).exitCode).toBe(0);
    chmodSync(project.path('d/a/b'), 0o755);
    writeFileSync(project.path('d/a/b/more.txt'), 'more\n');
    chmodSync(project.path('d/a/b'), 0o555);
    expect(await run(project, 'checkout', '--force')).toMatchObject({ exitCode: 0 });
    expect(readdirSync(project.path('d/a/b'))).toEqual(['f.txt']);
    expect((await run(project, 'status')).exitCode).toBe(0);
    expect(readdirSync(project.path('cache/tmp'))).toEqual([]);
  });

  it('clears up after a command that failed and left folders that nobody may look into', async () => {
    const project = await projectWithout({
      'pipeline.yaml': `
stages:
  make:
    cmd: |
      mkdir -p \${outs.d}/a/b/c "$RODADA_PARTIAL/p/q" && echo 1 > \${outs.d}/a/b/c/f && echo 1 > "$RODADA_PARTIAL/p/q/f"
      if ls | grep -q brok; then chmod 000 \${outs.d}/a/b/c \${outs.d}/a/b \${outs.d}/a "$RODADA_PARTIAL/p/q" "$RODADA_PARTIAL/p"; exit 3; fi
    outs: { d: d }
`,
      'params.yaml': '',
      broken: '',
    });
    const failed = await run(project, 'repro', '--json');
    expect(failed.stdout).toContain('"exitCode":3');
    expect(JSON.parse(failed.stdout.trimEnd().split('\n').at(-1)!)).toMatchObject({ failed: ['make'] });
    expect(existsSync(project.path('cache/tmp'))).toBe(false);
    // What it left in its partial state is kept for the next run; gc removes it.
    expect(readdirSync(project.path('cache/partial'))).toHaveLength(1);
    expect(await run(project, 'gc', '--workspace')).toMatchObject({ exitCode: 0 });
    expect(readdirSync(project.path('cache/partial'))).toEqual([]);
    expect((await run(project, 'repro')).exitCode).toBe(1);
    await project.remove('broken');
    expect((await run(project, 'repro', '--force')).stdout).toMatch(/✔ 1 executed/);
    expect(readdirSync(project.path('cache/partial'))).toEqual([]);
  });

  it('is told that an output can’t be read, and the next run works', async () => {
    const project = await projectWithout({
      'pipeline.yaml':
        "stages: { make: { cmd: 'mkdir -p ${outs.d}/a && chmod ${mode} ${outs.d}/a', outs: { d: d } } }\n",
      'params.yaml': "mode: '000'\n",
    });
    const refused = await run(project, 'repro');
    expect(refused.exitCode).toBe(1);
    expect(refused.stdout).toMatch(/✖ make failed\. .*permission denied/);
    expect(refused.stdout).toMatch(/✖ 0 executed, .*1 failed/);
    expect(existsSync(project.path('cache/tmp'))).toBe(false);
    await project.write('params.yaml', "mode: '755'\n");
    expect((await run(project, 'repro')).stdout).toMatch(/✔ 1 executed/);
  });

  it('clears what a killed run left, read-only folders too', async () => {
    const project = await projectWithout({
      'pipeline.yaml': `
stages:
  make:
    cmd: |
      mkdir -p \${outs.d}/a/b && echo 1 > \${outs.d}/a/b/f && chmod 555 \${outs.d}/a/b \${outs.d}/a
      if [ -e $PWD/kill ]; then rm $PWD/kill; kill -9 $PPID; fi
    outs: { d: d }
`,
      'params.yaml': '',
      kill: '',
    });
    expect((await run(project, 'repro')).exitCode).toBe(null);
    expect(existsSync(project.path('cache/tmp'))).toBe(true);
    expect((await run(project, 'repro')).stdout).toMatch(/✔ 1 executed/);
    expect(existsSync(project.path('cache/tmp'))).toBe(false);
  });

  it('replaces an output that is a read-only folder by a file, and a file by a read-only folder', async () => {
    const project = await projectWithout({
      'pipeline.yaml': "stages: { make: { cmd: 'sh make.sh ${outs.d} ${kind}', outs: { d: d } } }\n",
      'params.yaml': 'kind: folder\n',
      'make.sh':
        'if [ $2 = folder ]; then mkdir -p $1/a; echo 1 > $1/a/f; chmod 555 $1/a $1; else echo 2 > $1; fi\n',
    });
    expect((await run(project, 'repro')).exitCode).toBe(0);
    for (const kind of ['file', 'folder', 'file']) {
      await project.write('params.yaml', `kind: ${kind}\n`);
      expect(await run(project, 'repro')).toMatchObject({ exitCode: 0 });
      expect(lstatSync(project.path('d')).isDirectory()).toBe(kind === 'folder');
    }
  });
});
