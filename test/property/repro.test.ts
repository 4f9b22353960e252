// For any pipeline and any edits: after each run the workspace is what a clean build makes, and nothing ran in vain.
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Summary } from '../../engine/event.ts';
import { repro } from '../../engine/execute/repro.ts';
import { Workspace } from '../../engine/execute/workspace.ts';
import { foretellAll, type Outlook, outlookOf } from '../../engine/inspect/forecast.ts';
import type { Instance } from '../../engine/plan/instance.ts';
import { makePlan } from '../../engine/plan/plan.ts';
import { snapshot } from '../safety/pipeline.ts';
import { projectRoot } from '../support/run-stage.ts';
import { homeOf } from './home.ts';
import { optionsOf } from './options.ts';
import {
  depPaths,
  type Edit,
  edited,
  edits,
  filesOf,
  outPath,
  type State,
  states,
} from './random-pipeline.ts';
import { seeded } from './seed.ts';

/** Sequences of edits to try; `npm run campaign` tries 500. */
const numRuns = Number(process.env.RODADA_SEQUENCES ?? 40);
/** Of so many sequences one goes through the command line, which takes ten times as long as the engine in this process. */
const oneByCommand = 20;

const home = homeOf('property');
let serial = 0;

function write(root: string, state: State): void {
  for (const [path, content] of Object.entries(filesOf(state))) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

/** How a project is worked on: by the engine in this process, or by the command line. */
interface Engine {
  repro(root: string): Promise<Summary>;
  /** What `repro --dry` foretells. */
  foretell(root: string): Promise<Outlook>;
}

const inProcess: Engine = {
  repro: run,
  foretell: async (root) => {
    const { workspace, chosen } = await open(root);
    const foretold = await foretellAll(workspace, chosen, { force: false, restore: true });
    if (!foretold.ok) throw new Error(JSON.stringify(foretold.failures));
    return outlookOf(foretold.value.forecasts);
  },
};

const byCommandLine: Engine = {
  repro: (root) => lastEvent<Summary>(root, 'repro', '--jobs', '2'),
  foretell: (root) => lastEvent<Outlook>(root, 'repro', '--dry'),
};

async function lastEvent<T>(root: string, ...args: string[]): Promise<T> {
  const command = join(projectRoot, 'engine/rodada.mjs');
  const { stdout } = await execa(process.execPath, [command, ...args, '--json'], { cwd: root });
  return JSON.parse(stdout.slice(stdout.lastIndexOf('\n') + 1)) as T;
}

async function open(root: string): Promise<{ workspace: Workspace; chosen: Instance[] }> {
  const plan = await makePlan(root, {});
  if (!plan.ok) throw new Error(JSON.stringify(plan.failures));
  const workspace = new Workspace(plan.value, { setup: false, report: () => undefined });
  return { workspace, chosen: [...plan.value.graph.instances] };
}

async function run(root: string): Promise<Summary> {
  const { workspace, chosen } = await open(root);
  expect((await workspace.prepare(chosen)).ok).toBe(true);
  const failures: unknown[] = [];
  const { summary } = await repro(workspace, chosen, optionsOf(failures));
  expect(failures).toEqual([]);
  return summary;
}

/** State → the outs of a build of it in an empty folder. */
const built = new Map<string, Record<string, string>>();

async function cleanBuild(state: State): Promise<Record<string, string>> {
  const key = JSON.stringify(state);
  let outs = built.get(key);
  if (outs === undefined) {
    const root = join(home, `clean-${++serial}`);
    write(root, state);
    await run(root);
    outs = snapshot(root, ['out']);
    built.set(key, outs);
    rmSync(root, { recursive: true });
  }
  return outs;
}

/** Does to the workspace what an edit says that does not show in the state. */
function disturb(root: string, edit: Edit, { stages }: State): void {
  if (edit.edit === 'forget') rmSync(join(root, edit.what), { recursive: true, force: true });
  if (edit.edit !== 'delete-out' && edit.edit !== 'change-out') return;
  const out = join(root, outPath(edit.which % stages.length));
  if (edit.edit === 'delete-out') rmSync(out, { recursive: true, force: true });
  else writeFileSync(statSync(out).isDirectory() ? join(out, 'inner/all.txt') : out, 'changed\n');
}

/** All that a stage's result depends on, and what stands for its dependencies in the workspace. */
function inputsOf(root: string, state: State, i: number): string {
  const { stages, params } = state;
  const stage = stages[i]!;
  const script = filesOf(state)[`scripts/${i}.sh`];
  const param = stage.param === null ? null : params[stage.param];
  return JSON.stringify([i, stage, script, param, depPaths(stage).map((path) => content(root, path))]);
}

/** What stands at a path, whatever its own name is. */
const content = (root: string, path: string): string =>
  JSON.stringify(
    Object.entries(snapshot(root, [path])).map(([name, text]) => [name.slice(path.length), text]),
  );

const done = { sequences: 0, byCommand: 0, runs: 0, foretold: 0 };

it(`holds for ${numRuns} random sequences`, async () => {
  const sequence = fc.tuple(states, fc.array(edits, { minLength: 1, maxLength: 6 }));
  await fc.assert(
    fc.asyncProperty(sequence, async ([first, steps]) => {
      const root = join(home, `project-${++serial}`);
      const engine = done.sequences % oneByCommand === 0 ? byCommandLine : inProcess;
      const foretells = done.sequences++ % 2 === 0; // looking first also leaves notes of what it saw
      if (engine === byCommandLine) done.byCommand++;
      try {
        let state = first;
        const history = [state];
        const executed = new Set<string>();
        for (const step of [undefined, ...steps]) {
          if (step !== undefined) {
            state = edited(state, step, history);
            history.push(state);
          }
          write(root, state);
          if (step !== undefined) disturb(root, step, state);
          const outlook = foretells ? await engine.foretell(root) : undefined;
          const summary = await engine.repro(root);
          done.runs++;
          if (outlook !== undefined) {
            expect(outlook.blocked).toEqual([]);
            expect(summary.executed).toEqual(expect.arrayContaining([...outlook.run]));
            expect(summary.restored).toEqual(expect.arrayContaining([...outlook.restore]));
            expect(summary.fresh).toEqual(expect.arrayContaining([...outlook.fresh]));
            done.foretold++;
          }
          expect(snapshot(root, ['out'])).toEqual(await cleanBuild(state));
          for (const i of state.stages.keys()) {
            const inputs = inputsOf(root, state, i);
            // What ran before on the same inputs does not run again, wherever else something changed.
            if (executed.has(inputs)) expect(summary.executed).not.toContain(`s${i}`);
            // And what never did is not taken from elsewhere.
            else expect(summary.executed).toContain(`s${i}`);
            executed.add(inputs);
          }
          expect(await engine.repro(root)).toMatchObject({ executed: [], restored: [] });
          done.runs++;
        }
      } finally {
        rmSync(root, { recursive: true, force: true });
      }
    }),
    { numRuns, ...seeded() },
  );
  console.log(
    `${done.sequences} sequences (${done.byCommand} through the command line), ${done.runs} runs, ${done.foretold} of them foretold, ${built.size} clean builds`,
  );
}, 7_200_000);
