// The engine beside DVC on one tree: nothing to do, everything to do, a parameter edited, the edit undone.
import { type Bench, type BenchOptions, compared, inTurn, median } from './bench.ts';
import { peerDvc } from './dvc.ts';
import { dvcTree, rodadaTree, type Tree } from './engine-tree.ts';

const files = 14_000;
const description = `${files.toLocaleString('en')} files through two directory stages, and 10 that read the second`;

/** Both projects, both up to date: made once for all benchmarks of a call, since DVC needs a minute for it. */
interface Trees {
  readonly ours: Tree;
  readonly peer: Tree | null;
}

let trees: Promise<Trees> | undefined;

type Figures = Awaited<ReturnType<typeof inTurn>>;

async function makeTrees({ quick, report }: BenchOptions): Promise<Trees> {
  const count = quick ? files / 10 : files;
  const python = await peerDvc(report);
  report(`Making two projects of ${count.toLocaleString('en')} files and bringing both up to date`);
  const ours = await rodadaTree(count);
  const peer = python === null ? null : await dvcTree(python, count);
  await ours.repro();
  await peer?.repro();
  return { ours, peer };
}

/** Removes the projects. */
export async function disposeTrees(): Promise<void> {
  const { ours, peer } = (await trees) ?? {};
  await Promise.all([ours?.dispose(), peer?.dispose()]);
}

const rounds = ({ quick }: BenchOptions): number => (quick ? 2 : 5);

function treeBench(name: string, title: string, measure: (options: BenchOptions) => Promise<Figures>): Bench {
  return {
    name,
    title: `${title}: beside DVC`,
    run: async (options) => [compared(name, await measure(options), 's', 'smaller')],
    dispose: disposeTrees,
  };
}

async function measureInTurn(
  options: BenchOptions,
  measure: (tree: Tree) => Promise<number>,
): Promise<Figures> {
  trees ??= makeTrees(options);
  const { ours, peer } = await trees;
  return inTurn(rounds(options), () => measure(ours), peer && (() => measure(peer)));
}

export const noop = treeBench('noop', `repro with nothing to do, ${description}`, (options) =>
  measureInTurn(options, (tree) => tree.repro()),
);

export const cold = treeBench('cold', `repro of everything, ${description}`, (options) =>
  measureInTurn(options, async (tree) => {
    await tree.forget();
    return tree.repro();
  }),
);

let edits: Promise<{ edit: Figures; undo: Figures }> | undefined;

/** An edit and its undoing, measured together. */
async function measureEdits(options: BenchOptions): Promise<{ edit: Figures; undo: Figures }> {
  const undone: Record<'ours' | 'peer', number[]> = { ours: [], peer: [] };
  trees ??= makeTrees(options);
  const { ours, peer } = await trees;
  let round = 1;
  const measure = async (tree: Tree, undo: number[]): Promise<number> => {
    await tree.edit(round); // a value that was not there before
    const seconds = await tree.repro();
    await tree.edit(1);
    undo.push(await tree.repro());
    return seconds;
  };
  const edit = await inTurn(
    rounds(options),
    () => {
      round++;
      return measure(ours, undone.ours);
    },
    peer && (() => measure(peer, undone.peer)),
  );
  return {
    edit,
    undo: { rodada: median(undone.ours), peer: peer === null ? null : median(undone.peer) },
  };
}

export const edit = treeBench('edit', 'repro after an edit that remakes one directory', async (options) => {
  edits ??= measureEdits(options);
  return (await edits).edit;
});

export const undo = treeBench('undo', 'repro after that edit is undone', async (options) => {
  edits ??= measureEdits(options);
  return (await edits).undo;
});
