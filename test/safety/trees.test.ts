// Odd names, links, empty directories, huge files and files that change: what a tree may hold, and what comes back.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readlinkSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../engine/event.ts';
import type { RunRecord } from '../../engine/store/run-records.ts';
import { lockedOut } from '../support/lock.ts';
import { Project } from '../support/project.ts';
import { jsonLines } from '../verbs/text-project.ts';
import { expectSoundStore, snapshot } from './pipeline.ts';
import { startRepro } from './processes.ts';

const names = [
  'with space',
  "o'quote",
  'double "quote"',
  'new\nline',
  'ärger',
  '日本',
  '-dash',
  '$HOME',
  '*',
  '#',
];

describe('names', () => {
  it('of files in a directory may be any', async () => {
    const project = await Project.create({
      'pipeline.yaml': `
stages:
  copy: { cmd: 'cp -R \${deps.in} \${outs.out}', deps: { in: in }, outs: { out: out } }
  list: { cmd: 'ls \${deps.out} | wc -l > \${outs.list}', deps: { out: out }, outs: { list: list.txt } }
`,
      'params.yaml': '',
      ...Object.fromEntries(names.map((name) => [`in/${name}/${name}`, name])),
    });
    expect((await project.repro()).summary.executed).toEqual(['copy', 'list']);
    const before = snapshot(project.root, ['out']);
    for (const name of names) expect(await project.read(`out/${name}/${name}`)).toBe(name);
    await project.remove('out');
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: ['copy'] });
    expect(snapshot(project.root, ['out'])).toEqual(before);
    expect((await project.repro()).summary).toMatchObject({ executed: [], restored: [] });
    expectSoundStore(project.root);
  });

  it.each(names)('of a dependency and an out may be %j', async (name) => {
    const project = await Project.create({
      'pipeline.yaml': JSON.stringify({
        stages: {
          copy: {
            cmd: 'cp ${deps.in} ${outs.out}',
            deps: { in: `in/${name}` },
            outs: { out: `out/${name}` },
          },
        },
      }),
      'params.yaml': '',
      [`in/${name}`]: 'content\n',
    });
    expect((await project.repro()).summary.executed).toEqual(['copy']);
    expect(await project.read(`out/${name}`)).toBe('content\n');
    await project.remove(`out/${name}`);
    expect((await project.repro()).summary.restored).toEqual(['copy']);
    expect(await project.read(`out/${name}`)).toBe('content\n');
  });

  it('are shown on one line, without what a terminal would obey', async () => {
    const name = 'new\nline \u001b[2J ä \u009b2J';
    const project = await Project.create({
      'pipeline.yaml': JSON.stringify({
        stages: {
          copy: { cmd: 'cp -R ${deps.in} ${outs.out}', deps: { in: 'in' }, outs: { out: `out/${name}` } },
        },
      }).replaceAll('\u009b', '\\u009b'), // YAML allows this character only as an escape
      'params.yaml': '',
      [`in/${name}`]: 'content\n',
    });
    await project.repro();
    const shown = 'new\\nline \\u001b[2J ä \\u009b2J';
    await project.write(`out/${name}/${name}`, 'edited\n');
    expect((await project.cli('status')).stdout).toBe(
      `↺ copy would be restored (out/${shown} is edited)\n1 would be restored, 0 fresh\n`,
    );
    expect((await project.cli('why', 'copy')).stdout).toMatch(/:\n.* is edited\n.*\n$/);
    expect((await project.cli('why', 'copy')).stdout).toContain(`    ~ ${shown}\n`);
    const checkout = await project.cli('checkout');
    expect(checkout.stdout).toContain(`error: \`out/${shown}\` of copy holds what neither`);
    expect((await project.cli('checkout', '--force')).stdout).toContain(`↺ out/${shown} copy\n`);
  });
});

describe('links', () => {
  it('in an out are kept as links, wherever they point', async () => {
    const project = await Project.create({
      'pipeline.yaml': "stages: { link: { cmd: 'sh link.sh ${outs.out}', outs: { out: out } } }\n",
      'params.yaml': '',
      'outside.txt': 'outside\n',
      'link.sh': `mkdir -p "$1/folder/empty" && cd "$1" && echo inside > file.txt
ln -s file.txt inside; ln -s ../outside.txt outside; ln -s /etc/hosts absolute; ln -s nowhere dangling
ln -s folder to-folder; ln -s . to-itself
`,
    });
    await project.repro();
    const before = snapshot(project.root, ['out']);
    expect(before).toMatchObject({
      'out/inside': 'link file.txt',
      'out/outside': 'link ../outside.txt',
      'out/absolute': 'link /etc/hosts',
      'out/dangling': 'link nowhere',
      'out/to-folder': 'link folder',
      'out/to-itself': 'link .',
      'out/folder/empty': 'directory',
    });
    expect(await project.read('out/outside')).toBe('outside\n');
    await project.remove('out');
    expect((await project.repro()).summary.restored).toEqual(['link']);
    expect(snapshot(project.root, ['out'])).toEqual(before);
    await project.remove('out/inside');
    symlinkSync('folder', project.path('out/inside'));
    expect((await project.repro()).summary.restored).toEqual(['link']);
    expect(readlinkSync(project.path('out/inside'))).toBe('file.txt');
    expect((await project.repro()).summary.fresh).toEqual(['link']);
  });

  it('as a dependency stand for what they point to', async () => {
    const project = await Project.create({
      'pipeline.yaml':
        "stages: { copy: { cmd: 'cp ${deps.in} ${outs.out}', deps: { in: in.txt }, outs: { out: out.txt } } }\n",
      'params.yaml': '',
      'far/away.txt': 'one\n',
    });
    symlinkSync('far/away.txt', project.path('in.txt'));
    await project.repro();
    expect((await project.repro()).summary.fresh).toEqual(['copy']);
    await project.write('far/away.txt', 'two\n');
    expect((await project.repro()).summary.executed).toEqual(['copy']);
    expect(await project.read('out.txt')).toBe('two\n');
  });

  it('on the way to an out are refused, by repro and by checkout: it would land elsewhere', async () => {
    const project = await Project.create({
      'pipeline.yaml': "stages: { one: { cmd: 'echo 1 > ${outs.out}', outs: { out: made/deep/out.txt } } }\n",
      'params.yaml': '',
      'elsewhere/out.txt': 'mine\n',
      'elsewhere/deep/out.txt': 'mine\n',
    });
    await project.repro();
    await project.remove('made');
    symlinkSync('elsewhere', project.path('made'));
    const message =
      'The out `made/deep/out.txt` lies behind `made`, a symbolic link; make that a folder, or use `elsewhere/deep/out.txt`.';
    const repro = await project.cli('repro');
    expect(repro.exitCode).toBe(2);
    expect(repro.stdout).toContain(`pipeline.yaml:1:60 error: ${message}`);
    const checkout = await project.cli('checkout', '--force');
    expect(checkout.exitCode).not.toBe(0);
    expect(checkout.stdout).toContain(message);
    expect(await project.read('elsewhere/deep/out.txt')).toBe('mine\n');
  });

  it('are no outs themselves', async () => {
    const project = await Project.create({
      'pipeline.yaml': "stages: { link: { cmd: 'ln -s /etc/hosts ${outs.out}', outs: { out: out.txt } } }\n",
      'params.yaml': '',
    });
    const run = await project.cli('repro');
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toContain(
      '✖ link failed. Its command made the out `out` as a symbolic link; an out must be a file or a directory itself.',
    );
    expect(readFileSync('/etc/hosts', 'utf8').length).toBeGreaterThan(0);
  });

  it('that a user put in the place of an out are left alone where they lead', async () => {
    const project = await Project.create({
      'pipeline.yaml':
        "stages: { make: { cmd: 'mkdir ${outs.out} && echo ${text} > ${outs.out}/a.txt', outs: { out: out } } }\n",
      'params.yaml': 'text: one\n',
      'elsewhere/a.txt': 'precious\n',
    });
    await project.repro();
    await project.remove('out');
    symlinkSync('elsewhere', project.path('out'));
    await project.write('params.yaml', 'text: two\n');
    expect((await project.repro()).summary.executed).toEqual(['make']);
    expect(await project.read('out/a.txt')).toBe('two\n');
    expect(await project.read('elsewhere/a.txt')).toBe('precious\n');
  });
});

describe('a file that changes', () => {
  const files = {
    'pipeline.yaml':
      "stages: { count: { cmd: 'sh count.sh ${deps.in} > ${outs.out}', deps: { in: in.bin }, outs: { out: out.txt } } }\n",
    'params.yaml': '',
    'count.sh': 'wc -c < "$1"\n',
  };

  it('while it is hashed fails the stage, which reads it', async () => {
    const project = await Project.create(files);
    writeFileSync(project.path('in.bin'), Buffer.alloc(64 << 20));
    // A byte every few milliseconds, while hashing takes tens of them.
    const script = `const { appendFileSync } = require('node:fs'); setInterval(() => appendFileSync('in.bin', 'x'), 2); console.log();`;
    const writer = spawn(process.execPath, ['-e', script], {
      cwd: project.root,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await new Promise((resolve) => writer.stdout.once('data', resolve));
    const run = await project.cli('repro');
    const ended = new Promise((resolve) => writer.on('close', resolve));
    writer.kill();
    await ended;
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toMatch(
      /^✖ count failed\. `\S+\/in\.bin` keeps changing while it is read\. Run it again when nobody writes to it\.\n/,
    );
    expect((await project.repro()).summary.executed).toEqual(['count']);
    expect((await project.repro()).summary.fresh).toEqual(['count']);
  });

  it('by its own reader’s hand makes that run once more, and no oftener', async () => {
    const project = await Project.create({
      ...files,
      'in.bin': 'one',
      'count.sh': 'wc -c < "$1"; if [ ! -e again ]; then echo more >> "$1"; touch again; fi\n',
    });
    const run = await project.cli('repro');
    expect(run.stdout).toContain(
      '• count: in.bin changed while it ran; nothing was recorded, running it again\n',
    );
    expect(run.exitCode).toBe(0);
    expect(await project.read('out.txt')).toBe('8\n');
    await project.edit('count.sh', 'if [ ! -e again ]; then', 'if true; then');
    const always = await project.cli('repro');
    expect(always.exitCode).toBe(1);
    expect(always.stdout).toContain(
      '✖ count failed. `in.bin` changed while it ran; nothing was recorded. Run it again when nobody writes to it.',
    );
    expect(await project.read('out.txt')).toBe('8\n');
  });
});

/** Megabytes of the sparse file that is streamed: 5 GiB with RODADA_HUGE=5120, on a disk with room for twice that. */
const megabytes = Number(process.env.RODADA_HUGE ?? 300);

it(`streams a file of ${megabytes} MiB in bounded memory, and tells how far it is`, async () => {
  const project = await Project.create({
    'pipeline.yaml': `
stages:
  huge: { cmd: 'truncate -s ${megabytes}M \${outs.huge} && printf end >> \${outs.huge}', outs: { huge: huge.bin } }
  size: { cmd: 'wc -c < \${deps.huge} > \${outs.size}', deps: { huge: huge.bin }, outs: { size: size.txt } }
`,
    'params.yaml': '',
    'peak.mjs': `process.on('exit', () => {
  process.stdout.write(JSON.stringify({ peak: process.resourceUsage().maxRSS }) + '\\n');
});`,
  });
  const peakOf = async (): Promise<number> => {
    const run = startRepro(project, [], { NODE_OPTIONS: '--import ./peak.mjs' });
    expect(await run.ended).toEqual({ exitCode: 0, signal: null });
    for (const event of run.events)
      if (event.type === 'hashing') {
        expect(event).toMatchObject({ path: 'huge.bin', total: megabytes * 2 ** 20 + 3 });
        expect(event.done).toBeLessThanOrEqual(event.total);
        expect(event.secondsLeft).toBeGreaterThanOrEqual(0);
      }
    return (run.events as unknown as { peak: number }[]).at(-1)!.peak / 1024;
  };
  expect(await peakOf()).toBeLessThan(220);
  expect(await project.read('size.txt')).toBe(`${megabytes * 2 ** 20 + 3}\n`);
  await project.remove('huge.bin');
  expect(await peakOf()).toBeLessThan(220);
  await project.remove('cache/memo');
  expect(await peakOf()).toBeLessThan(220);
  expect((await lockedOut(project, 'huge.bin')).hash).toMatch(/^[0-9a-f]{64}$/);
}, 1_800_000);

it('tells how far the hashing of many files is, status too', async () => {
  const project = await Project.create({
    'pipeline.yaml':
      "stages: { count: { cmd: 'ls ${deps.in} | wc -l > ${outs.out}', deps: { in: in }, outs: { out: out.txt } } }\n",
    'params.yaml': '',
  });
  mkdirSync(project.path('in'));
  // So much that it takes longer than a second on any machine.
  const size = 96 << 20;
  for (let i = 0; i < 32; i++) {
    await project.write(`in/${i}.bin`, '');
    truncateSync(project.path(`in/${i}.bin`), size);
  }
  const { stdout } = await project.cli('status', '--json');
  const hashing = (jsonLines(stdout) as unknown as Event[]).filter((event) => event.type === 'hashing');
  expect(hashing.length).toBeGreaterThan(0);
  for (const [i, event] of hashing.entries()) {
    expect(event).toMatchObject({ path: 'in', total: 32 * size });
    if (i > 0) expect(event.done).toBeGreaterThanOrEqual(hashing[i - 1]!.done);
  }
  expect(hashing.at(-1)).toMatchObject({ done: 32 * size, secondsLeft: 0 });
});

it('keeps a record that names what it made', async () => {
  const project = await Project.create({
    'pipeline.yaml': "stages: { make: { cmd: 'mkdir ${outs.out}', outs: { out: out } } }\n",
    'params.yaml': '',
  });
  await project.repro();
  const { key } = JSON.parse(/\{.*\}/s.exec(await project.read('pipeline.lock'))![0]) as { key: string };
  const record = JSON.parse(await project.read(`cache/runs/${key}.json`)) as RunRecord;
  expect(record.outs.out).toMatchObject({ type: 'directory', files: 0, size: 0 });
  await project.remove('out');
  expect((await project.repro()).summary.restored).toEqual(['make']);
  expect(snapshot(project.root, ['out'])).toEqual({ out: 'directory' });
});
