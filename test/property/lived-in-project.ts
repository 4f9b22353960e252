// Projects as people change them, as data: links, modes, globs, spellings of paths, and stages and labels that come and go.
import fc from 'fast-check';

/** A file of `data/`, or a link in it. */
export type Entry = { readonly content: string; readonly mode: number } | { readonly link: string };

const names = ['a', 'b', 'c', 'd'] as const;
/** `a.txt` is always a file; the others may be absent. */
const entries = ['a.txt', 'b.txt', 'c.txt', 'd'] as const;
const labels = ['x', 'y', 'z'] as const;
/** Folders that people make read-only. */
export const sealable = ['data', 'other', 'scripts', '../outside'] as const;

export interface LivedInStage {
  readonly name: (typeof names)[number];
  /** Of its matrix; none if it has no matrix. */
  readonly labels: readonly string[];
  /** `out` is what an earlier stage makes, or `file` for the first stage. */
  readonly reads: 'file' | 'folder' | 'glob' | 'out';
  readonly which: number;
  /** How pipeline.yaml writes its paths, all of which mean the same. */
  readonly spelling: 'plain' | 'dot' | 'detour' | 'slash';
  readonly does: 'join' | 'first' | 'folder' | 'read-only' | 'private' | 'executable';
  readonly param: number | null;
}

/** Everything that a result depends on. */
export interface LivedIn {
  readonly stages: readonly LivedInStage[];
  readonly data: Readonly<Partial<Record<(typeof entries)[number], Entry>>>;
  /** What links in `data/` lead to: a file of the project, and one beside the project. */
  readonly other: string;
  readonly outside: string;
  readonly params: readonly number[];
  /** Folders that are read-only, which changes no result. */
  readonly sealed: readonly (typeof sealable)[number][];
  /** Of the script of the stages of a name: 0 as drawn, 1 with a comment more, 2 with a line of output more. */
  readonly scripts: Readonly<Record<string, number>>;
  /** How often somebody edited a comment in these scripts. */
  readonly comments: Readonly<Record<string, number>>;
}

export type Change =
  | { readonly change: 'entry'; readonly which: (typeof entries)[number]; readonly to: Entry | null }
  | { readonly change: 'other' | 'outside'; readonly content: string }
  | { readonly change: 'param'; readonly which: number; readonly value: number }
  | { readonly change: 'script'; readonly name: string; readonly version: number }
  | { readonly change: 'seal'; readonly folders: LivedIn['sealed'] }
  | { readonly change: 'stage'; readonly which: number; readonly to: LivedInStage }
  | { readonly change: 'labels'; readonly which: number; readonly to: readonly string[] }
  | { readonly change: 'rename'; readonly which: number; readonly to: (typeof names)[number] }
  | { readonly change: 'add'; readonly stage: LivedInStage }
  | { readonly change: 'remove'; readonly which: number }
  | { readonly change: 'revert'; readonly to: number }
  | { readonly change: 'forget'; readonly what: 'cache/memo' | 'pipeline.lock' };

/** One thing that somebody does. */
export interface Step {
  readonly change: Change;
  /** If not null, it is done while a stage runs: that at this position, counted round. Its script is edited before, so that it runs. */
  readonly during: number | null;
  /** Another engine that starts meanwhile; through the command line only. */
  readonly second: 'none' | 'waits' | 'does not wait';
}

const texts = fc.constantFrom('a\n', 'b\n', 'c\n', 'a\nb\n', '');
const nat = (max: number) => fc.nat({ max });
const file = fc.record({ content: texts, mode: fc.constantFrom(0o644, 0o755, 0o600) });
const link = fc.record({
  link: fc.constantFrom('a.txt', '../other/o.txt', '../../outside/o.txt'),
});
const folderLink = fc.record({ link: fc.constantFrom('../other', '../../outside') });
const someLabels = fc.subarray([...labels]);

const stage: fc.Arbitrary<LivedInStage> = fc.record({
  name: fc.constantFrom(...names),
  labels: someLabels,
  reads: fc.constantFrom('file', 'folder', 'glob', 'out', 'out'),
  which: nat(3),
  spelling: fc.constantFrom('plain', 'dot', 'detour', 'slash'),
  does: fc.constantFrom('join', 'first', 'folder', 'read-only', 'private', 'executable'),
  param: fc.option(nat(1)),
});

const entry = fc.constantFrom(...entries).chain((which) => {
  const some: fc.Arbitrary<Entry> = which === 'd' ? folderLink : fc.oneof(file, link);
  const to: fc.Arbitrary<Entry | null> = which === 'a.txt' ? file : fc.option(some);
  return fc.record({ change: fc.constant('entry' as const), which: fc.constant(which), to });
});

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 3, arbitrary: entry },
  {
    weight: 3,
    arbitrary: fc.record({
      change: fc.constant('entry' as const),
      which: fc.constant('a.txt' as const),
      to: file,
    }),
  },
  fc.record({ change: fc.constantFrom('other' as const, 'outside' as const), content: texts }),
  fc.record({ change: fc.constant('param' as const), which: nat(1), value: nat(3) }),
  {
    weight: 2,
    arbitrary: fc.record({
      change: fc.constant('script' as const),
      name: fc.constantFrom(...names),
      version: nat(2),
    }),
  },
  fc.record({ change: fc.constant('seal' as const), folders: fc.subarray([...sealable]) }),
  fc.record({ change: fc.constant('stage' as const), which: nat(3), to: stage }),
  fc.record({ change: fc.constant('labels' as const), which: nat(3), to: someLabels }),
  fc.record({ change: fc.constant('rename' as const), which: nat(3), to: fc.constantFrom(...names) }),
  fc.record({ change: fc.constant('add' as const), stage }),
  fc.record({ change: fc.constant('remove' as const), which: nat(3) }),
  fc.record({ change: fc.constant('revert' as const), to: nat(5) }),
  fc.record({
    change: fc.constant('forget' as const),
    what: fc.constantFrom('cache/memo' as const, 'pipeline.lock' as const),
  }),
);

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    change,
    during: fc.option(fc.constantFrom(0, 0, 1, 2, 3), { freq: 2 }),
    second: fc.constantFrom('none', 'waits', 'does not wait'),
  }),
  { minLength: 1, maxLength: 5 },
);

export const livedIn: fc.Arbitrary<LivedIn> = fc.record({
  stages: fc.uniqueArray(stage, { minLength: 1, maxLength: 4, selector: ({ name }) => name }),
  data: fc.record(
    {
      'a.txt': file,
      'b.txt': fc.oneof(file, link),
      'c.txt': fc.oneof(file, link),
      d: folderLink,
    },
    { requiredKeys: ['a.txt'] },
  ),
  other: texts,
  outside: texts,
  params: fc.tuple(nat(3), nat(3)),
  sealed: fc.subarray([...sealable]),
  scripts: fc.constant({ a: 0, b: 0, c: 0, d: 0 }),
  comments: fc.constant({ a: 0, b: 0, c: 0, d: 0 }),
});

/** The state after an edit of a comment in the script of a stage, and the stage's name. */
export function commented(state: LivedIn, which: number): { state: LivedIn; name: string } {
  const { name } = state.stages[which % state.stages.length]!;
  return { name, state: { ...state, comments: { ...state.comments, [name]: state.comments[name]! + 1 } } };
}

/** The state after a change; what only disturbs the workspace leaves it as it is. */
export function changed(state: LivedIn, what: Change, history: readonly LivedIn[]): LivedIn {
  const { stages } = state;
  const with_ = (which: number, edit: (old: LivedInStage) => LivedInStage): LivedIn => ({
    ...state,
    stages: unique(stages.map((old, i) => (i === which % stages.length ? edit(old) : old))),
  });
  switch (what.change) {
    case 'entry': {
      const { [what.which]: _, ...data } = state.data;
      return { ...state, data: what.to === null ? data : { ...data, [what.which]: what.to } };
    }
    case 'other':
    case 'outside':
      return { ...state, [what.change]: what.content };
    case 'param':
      return {
        ...state,
        params: state.params.map((value, i) => (i === what.which ? what.value : value)),
      };
    case 'script':
      return { ...state, scripts: { ...state.scripts, [what.name]: what.version } };
    case 'seal':
      return { ...state, sealed: what.folders };
    case 'stage':
      return with_(what.which, () => what.to);
    case 'labels':
      return with_(what.which, (old) => ({ ...old, labels: what.to }));
    case 'rename':
      return with_(what.which, (old) => ({ ...old, name: what.to }));
    case 'add':
      return { ...state, stages: unique([...stages, what.stage]) };
    case 'remove':
      return stages.length === 1
        ? state
        : { ...state, stages: stages.filter((_, i) => i !== what.which % stages.length) };
    case 'revert':
      return history[what.to % history.length]!;
    case 'forget':
      return state;
  }
}

/** Of several stages of one name the first. */
const unique = (stages: readonly LivedInStage[]): LivedInStage[] =>
  stages.filter(({ name }, i) => stages.findIndex((stage) => stage.name === name) === i);

/** Path from the project's folder → what is there. */
export function entriesOf(state: LivedIn): Record<string, Entry> {
  const { stages, data, other, outside, params, scripts, comments } = state;
  const plain = (content: string): Entry => ({ content, mode: 0o644 });
  const all: Record<string, Entry> = {
    'pipeline.yaml': plain(`stages:\n${stages.map((_, i) => stageText(stages, i)).join('')}`),
    'params.yaml': plain(params.map((value, i) => `p${i}: ${value}\n`).join('')),
    'other/o.txt': plain(other),
    '../outside/o.txt': plain(outside),
  };
  for (const [name, entry] of Object.entries(data)) all[`data/${name}`] = entry;
  const comment = (name: string): string => `# edited ${comments[name]} times\n`;
  for (const { name, does } of stages)
    all[`scripts/${name}.sh`] = plain(comment(name) + scriptText(does, scripts[name]!, waitsFirst(name)));
  return all;
}

function stageText(stages: readonly LivedInStage[], i: number): string {
  const { name, labels, reads, which, spelling, param } = stages[i]!;
  const earlier = i === 0 ? undefined : stages[which % i]!;
  const dep = { file: 'data/a.txt', folder: 'data', glob: 'data/*.txt', out: 'data/a.txt' }[reads];
  const path = reads === 'out' && earlier !== undefined ? `out/${earlier.name}*` : dep;
  const spelt = (text: string, isFile: boolean): string =>
    ({ plain: text, dot: `./${text}`, detour: `x/../${text}`, slash: isFile ? text : `${text}/` })[spelling];
  const isPattern = path.includes('*');
  return `  ${name}:
${labels.length > 0 ? `    matrix: { label: [${labels.join(', ')}] }\n` : ''}    cmd: bash scripts/${name}.sh \${outs.out} ${param === null ? '-' : `\${p${param}}`} \${${isPattern ? 'lists' : 'deps'}.in}
    deps: { in: '${spelt(path, path !== 'data')}' }
    outs: { out: '${spelt(labels.length > 0 ? `out/${name}-\${label}` : `out/${name}`, false)}' }
`;
}

/** Whether a script waits before it reads its input, so that it reads what somebody changed meanwhile; the others wait after. */
const waitsFirst = (name: string): boolean => name === 'a' || name === 'b';

/** While `gates/NAME` exists beside the project, the script waits, and `gates/NAME.waits` says that it does. */
function scriptText(does: LivedInStage['does'], version: number, waits: boolean): string {
  const folder =
    'mkdir -p "$out/inner/empty"; echo "$text" > "$out/inner/all.txt"; ln -s inner/all.txt "$out/link"; echo "$bit" > "$out/bit.txt"; chmod 600 "$out/bit.txt"';
  const body = {
    join: 'echo "$text" > "$out"',
    first: 'echo "$text" | { head -n 1; cat > /dev/null; } > "$out"',
    folder,
    'read-only': `${folder}; chmod 555 "$out/inner" "$out"`,
    private: 'echo "$text" > "$out"; chmod 600 "$out"',
    executable: 'echo "$text" > "$out"; chmod 755 "$out"',
  }[does];
  const gate = `gate="../gates/\${0##*/}"
if [ -e "$gate" ]; then
  touch "$gate.waits"
  while [ -e "$gate" ]; do sleep 0.01; done
fi
`;
  return `set -eu
out=$1; bit=$2; shift 2
if [ "$bit" != - ]; then bit=$((bit % 2)); fi
read_all() {
  for dep in "$@"; do
    find -L "$dep" -type f | LC_ALL=C sort | while read -r file; do
      if [ -x "$file" ]; then echo "\${file#"$dep"} x"; else echo "\${file#"$dep"}"; fi
      cat "$file"
    done
  done
}
${waits ? gate : ''}text=$(read_all "$@"; echo "$bit"${version === 2 ? '; echo more' : ''})
${waits ? '' : gate}${version === 1 ? '# a comment\n' : ''}${body}
`;
}
