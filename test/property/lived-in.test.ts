// However people change a project, also while stages run: what a clean build makes is what is there, and no record is wrong.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import type { Summary } from '../../engine/event.ts';
import { repro } from '../../engine/execute/repro.ts';
import { Workspace } from '../../engine/execute/workspace.ts';
import { makePlan } from '../../engine/plan/plan.ts';
import type { RunRecord } from '../../engine/store/run-records.ts';
import { removeTree } from '../../engine/store/trees.ts';
import { projectRoot } from '../support/run-stage.ts';
import { mountCoarseDisk } from '../time/coarse-clock.ts';
import { counterexamples } from './counterexamples.ts';
import { homeOf } from './home.ts';
import {
  changed,
  commented,
  entriesOf,
  type LivedIn,
  livedIn,
  type Step,
  sealable,
  steps,
} from './lived-in-project.ts';
import { optionsOf } from './options.ts';
import { seeded } from './seed.ts';

/** Sequences of changes to try. */
const numRuns = Number(process.env.RODADA_SEQUENCES ?? 20);
/** Sequences to try on a disk with times in whole seconds. */
const onDisk = Math.ceil(numRuns / 10);
/** Of so many sequences about one goes through the command line, as a user who is not root if the tests run as root. */
const oneByCommand = 20;
const byCommand = fc.constantFrom(...Array.from({ length: oneByCommand }, (_, i) => i === oneByCommand - 1));
const nobody = 65534;
const isRoot = process.getuid?.() === 0;

const home = homeOf('lived-in');
let serial = 0;

/** A project in a folder of its own, with what lies beside it. */
class Place {
  readonly folder: string;
  readonly root: string;
  private written: string[] = [];

  constructor(
    readonly byCommand: boolean,
    /** Whether all files get one modification time of whole seconds, as `tar` and `touch` can give it to them. */
    readonly coarse: boolean,
    parent: string = home,
  ) {
    this.folder = join(parent, `${++serial}`);
    this.root = join(this.folder, 'project');
    for (const path of [this.folder, this.root, join(this.folder, 'gates')]) this.makeFolder(path);
  }

  write(state: LivedIn): void {
    const entries = entriesOf(state);
    for (const path of this.written.filter((name) => !(name in entries))) {
      this.open(dirname(join(this.root, path)));
      rmSync(join(this.root, path));
    }
    for (const [path, entry] of Object.entries(entries)) {
      const absolute = join(this.root, path);
      this.makeFolder(dirname(absolute));
      if (existsSync(absolute) && same(absolute, entry)) continue; // as an editor leaves what nobody changed
      this.open(dirname(absolute));
      rmSync(absolute, { force: true });
      if ('link' in entry) symlinkSync(entry.link, absolute);
      else {
        writeFileSync(absolute, entry.content);
        chmodSync(absolute, entry.mode);
        if (this.coarse) utimesSync(absolute, 1_700_000_000, 1_700_000_000);
      }
      this.own(absolute);
    }
    this.written = Object.keys(entries);
    for (const folder of sealable) {
      const absolute = join(this.root, folder);
      if (!state.sealed.includes(folder)) this.open(absolute);
      else if ((statSync(absolute).mode & 0o200) !== 0) chmodSync(absolute, 0o555);
    }
  }

  /** Runs repro while nothing else happens. */
  async repro(): Promise<Summary> {
    const { summary, failures } = await this.attempt();
    expect(failures).toEqual([]);
    return summary!;
  }

  /** Runs repro, and does something while the stages of a name wait in their script. */
  async reproDuring(name: string, happens: (waits: boolean) => Promise<void>): Promise<void> {
    const gate = join(this.folder, 'gates', `${name}.sh`);
    writeFileSync(gate, '');
    this.own(gate);
    let ended = false;
    const running = this.attempt().finally(() => {
      ended = true;
    });
    while (!ended && !existsSync(`${gate}.waits`)) await new Promise((resolve) => setTimeout(resolve, 2));
    try {
      await happens(existsSync(`${gate}.waits`));
    } finally {
      rmSync(gate);
      await running;
      rmSync(`${gate}.waits`, { force: true });
    }
  }

  attempt(): Promise<{ summary?: Summary; failures: unknown[] }> {
    return this.byCommand ? this.command() : runIn(this.root);
  }

  async command(...args: string[]): Promise<{ summary?: Summary; failures: unknown[]; exitCode: number }> {
    const command = join(projectRoot, 'engine/rodada.mjs');
    const child = spawn(process.execPath, [command, 'repro', '--json', '--jobs', '2', ...args], {
      cwd: this.root,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(isRoot && { uid: nobody, gid: nobody, env: { ...process.env, HOME: this.folder } }),
    });
    const closed = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)));
    const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
    const events = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
    const summary = events.find(({ type }) => type === 'summary');
    const failures = exitCode === 0 ? [] : [...events.filter(({ type }) => type === 'failure'), stderr];
    return { summary, failures, exitCode };
  }

  forget(what: string): Promise<void> {
    return removeTree(join(this.root, what));
  }

  remove(): Promise<void> {
    return removeTree(this.folder);
  }

  private makeFolder(path: string): void {
    if (existsSync(path)) return;
    mkdirSync(path);
    this.own(path);
  }

  /** Makes a folder one that its owner may write to. */
  private open(folder: string): void {
    if ((statSync(folder).mode & 0o200) === 0) chmodSync(folder, 0o755);
  }

  private own(path: string): void {
    if (this.byCommand && isRoot) lchownSync(path, nobody, nobody);
  }
}

function same(path: string, entry: ReturnType<typeof entriesOf>[string]): boolean {
  const stat = lstatSync(path);
  if ('link' in entry) return stat.isSymbolicLink() && readlinkSync(path) === entry.link;
  return stat.isFile() && (stat.mode & 0o777) === entry.mode && readFileSync(path, 'utf8') === entry.content;
}

async function runIn(root: string): Promise<{ summary?: Summary; failures: unknown[] }> {
  const plan = await makePlan(root, {});
  if (!plan.ok) return { failures: [...plan.failures] };
  const workspace = new Workspace(plan.value, { setup: false, report: () => undefined });
  const chosen = [...plan.value.graph.instances];
  const prepared = await workspace.prepare(chosen);
  if (!prepared.ok) return { failures: [...prepared.failures] };
  const failures: unknown[] = [];
  const { summary } = await repro(workspace, chosen, optionsOf(failures));
  return { summary, failures };
}

/** Path → kind, mode and content of everything under `out`. */
function outsOf(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  const look = (path: string): void => {
    const absolute = join(root, path);
    const stat = lstatSync(absolute, { throwIfNoEntry: false });
    if (stat === undefined) return;
    const mode = (stat.mode & 0o777).toString(8);
    if (stat.isSymbolicLink()) found[path] = `link ${readlinkSync(absolute)}`;
    else if (stat.isDirectory()) {
      found[path] = `directory ${mode}`;
      for (const name of readdirSync(absolute)) look(join(path, name));
    } else found[path] = `file ${mode} ${readFileSync(absolute, 'utf8')}`;
  };
  look('out');
  return found;
}

/** Key → the outs of its record, of all projects and clean builds here: one key has one result, wherever it was made. */
const results = new Map<string, string>();

function expectRightRecords(root: string): void {
  const folder = join(root, 'cache/runs');
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    if (!name.endsWith('.json')) continue;
    const record = JSON.parse(readFileSync(join(folder, name), 'utf8')) as RunRecord;
    const outs = JSON.stringify(
      Object.entries(record.outs).map(([out, { type, hash, modes }]) => [out, type, hash, modes]),
    );
    const known = results.get(name);
    if (known === undefined) results.set(name, outs);
    else expect(outs).toEqual(known);
  }
}

/** State → the outs of a build of it in an empty folder. */
const built = new Map<string, Record<string, string>>();

async function cleanBuild(lived: LivedIn): Promise<Record<string, string>> {
  const state = { ...lived, sealed: [] };
  const key = JSON.stringify(state);
  let outs = built.get(key);
  if (outs === undefined) {
    const place = new Place(false, false);
    place.write(state);
    await place.repro();
    expectRightRecords(place.root);
    outs = outsOf(place.root);
    built.set(key, outs);
    await place.remove();
  }
  return outs;
}

const done = { sequences: 0, byCommand: 0, onDisk: 0, during: 0, seconds: 0 };

/** Runs repro while the change happens, and perhaps another engine. */
async function changeDuring(
  place: Place,
  name: string,
  second: Step['second'],
  change: () => void,
): Promise<void> {
  let other: ReturnType<Place['command']> | undefined;
  await place.reproDuring(name, async (waits) => {
    if (waits) done.during++;
    if (waits && place.byCommand && second === 'does not wait') {
      expect((await place.command('--no-wait')).exitCode).toBe(1);
      done.seconds++;
    } else if (place.byCommand && second === 'waits') {
      other = place.command();
      done.seconds++;
    }
    change();
  });
  await other;
}

async function tryOne(
  first: LivedIn,
  list: readonly Step[],
  coarse: boolean,
  byCommand: boolean,
  disk?: string,
): Promise<void> {
  const place = new Place(byCommand, coarse, disk);
  done.sequences++;
  if (disk !== undefined) done.onDisk++;
  if (place.byCommand) done.byCommand++;
  try {
    let state = first;
    const history = [state];
    place.write(state);
    if (list[0]?.during === null) await place.repro();
    for (const step of list) {
      const { during } = step;
      let before: ReturnType<typeof commented> | undefined;
      if (during !== null) {
        before = commented(state, during);
        history.push(before.state);
        place.write(before.state);
      }
      state = changed(before?.state ?? state, step.change, history);
      history.push(state);
      const change = (): void => place.write(state);
      if (before === undefined) {
        change();
        if (step.change.change === 'forget') await place.forget(step.change.what);
      } else await changeDuring(place, before.name, step.second, change);
      await place.repro();
      expect(outsOf(place.root)).toEqual(await cleanBuild(state));
      if (before !== undefined) await cleanBuild(before.state); // for its records
      expectRightRecords(place.root);
      expect(await place.repro()).toMatchObject({ executed: [], restored: [] });
    }
  } finally {
    await place.remove();
  }
}

const inMemory = (...one: [LivedIn, Step[], boolean, boolean]): Promise<void> => tryOne(...one);

it(`holds for ${numRuns} random sequences of changes`, async () => {
  await fc.assert(fc.asyncProperty(livedIn, steps, fc.boolean(), byCommand, inMemory), {
    numRuns,
    ...(counterexamples.length > 0 && { examples: counterexamples }),
    ...seeded(),
  });
}, 7_200_000);

it(`holds for ${onDisk} of them on a disk with times in whole seconds (needs root)`, async ({ skip }) => {
  const disk = mountCoarseDisk();
  if (typeof disk === 'string') return skip(disk);
  try {
    const tried = (first: LivedIn, list: Step[], command: boolean): Promise<void> =>
      tryOne(first, list, false, command, disk.path);
    await fc.assert(fc.asyncProperty(livedIn, steps, byCommand, tried), { numRuns: onDisk, ...seeded() });
  } finally {
    disk.dispose();
  }
}, 7_200_000);

afterAll(() => {
  console.log(
    `${done.sequences} sequences (${done.byCommand} through the command line, ${done.onDisk} on a disk with whole seconds), ${done.during} changes during a run, ${done.seconds} second engines, ${results.size} results`,
  );
});
