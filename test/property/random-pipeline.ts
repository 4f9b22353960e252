// Random pipelines and random edits of them, as data: what fast-check draws, shrinks and shows.
import fc from 'fast-check';

/** One stage: what it reads and how its script turns that into its out. */
export interface RandomStage {
  /** Positions among the sources and the earlier stages' outs: `0` and `1` are sources. */
  readonly deps: readonly number[];
  /** `first` keeps so little of its input that an edit may make no difference. */
  readonly does: 'join' | 'first' | 'folder';
  /** Its parameter, of which it uses the last bit only; null where it names none. */
  readonly param: number | null;
}

/** Everything that a result depends on. */
export interface State {
  readonly stages: readonly RandomStage[];
  readonly sources: readonly string[];
  readonly params: readonly number[];
  /** Of each stage's script: 0 as drawn, 1 with a comment more, 2 with a line of output more. */
  readonly scripts: readonly number[];
}

export type Edit =
  | { readonly edit: 'source'; readonly which: number; readonly content: string }
  | { readonly edit: 'param'; readonly which: number; readonly value: number }
  | { readonly edit: 'script'; readonly which: number; readonly version: number }
  | { readonly edit: 'dep'; readonly which: number; readonly to: number }
  | { readonly edit: 'delete-out'; readonly which: number }
  | { readonly edit: 'change-out'; readonly which: number }
  | { readonly edit: 'revert'; readonly to: number }
  | { readonly edit: 'forget'; readonly what: 'cache/memo' | 'pipeline.lock' };

export const sourceCount = 2;
export const paramCount = 2;

const texts = fc.constantFrom('a\n', 'a\nb\n', 'c\n', '');
const nat = (max: number) => fc.nat({ max });

const stage = (position: number): fc.Arbitrary<RandomStage> =>
  fc.record({
    deps: fc.uniqueArray(nat(sourceCount + position - 1), { minLength: 1, maxLength: 2 }),
    does: fc.constantFrom('join' as const, 'first' as const, 'folder' as const),
    param: fc.option(nat(paramCount - 1)),
  });

export const states: fc.Arbitrary<State> = nat(4).chain((more) =>
  fc.record({
    stages: fc.tuple(...Array.from({ length: more + 1 }, (_, i) => stage(i))),
    sources: fc.tuple(...Array.from({ length: sourceCount }, () => texts)),
    params: fc.tuple(...Array.from({ length: paramCount }, () => nat(3))),
    scripts: fc.tuple(...Array.from({ length: more + 1 }, () => fc.constant(0))),
  }),
);

export const edits: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ edit: fc.constant('source' as const), which: nat(sourceCount - 1), content: texts }),
  fc.record({ edit: fc.constant('param' as const), which: nat(paramCount - 1), value: nat(3) }),
  fc.record({ edit: fc.constant('script' as const), which: nat(4), version: nat(2) }),
  fc.record({ edit: fc.constant('dep' as const), which: nat(4), to: nat(5) }),
  fc.record({ edit: fc.constant('delete-out' as const), which: nat(4) }),
  fc.record({ edit: fc.constant('change-out' as const), which: nat(4) }),
  fc.record({ edit: fc.constant('revert' as const), to: nat(5) }),
  fc.record({
    edit: fc.constant('forget' as const),
    what: fc.constantFrom('cache/memo' as const, 'pipeline.lock' as const),
  }),
);

/** The state after an edit; edits of the workspace alone leave it as it is. */
export function edited(state: State, edit: Edit, history: readonly State[]): State {
  const replaced = <T>(list: readonly T[], at: number, value: T): T[] =>
    list.map((old, i) => (i === at % list.length ? value : old));
  switch (edit.edit) {
    case 'source':
      return { ...state, sources: replaced(state.sources, edit.which, edit.content) };
    case 'param':
      return { ...state, params: replaced(state.params, edit.which, edit.value) };
    case 'script':
      return { ...state, scripts: replaced(state.scripts, edit.which, edit.version) };
    case 'dep': {
      const at = edit.which % state.stages.length;
      const deps = [edit.to % (sourceCount + at)];
      return { ...state, stages: replaced(state.stages, at, { ...state.stages[at]!, deps }) };
    }
    case 'revert':
      return history[edit.to % history.length]!;
    default:
      return state;
  }
}

export const sourcePath = (i: number): string => `source ${i}.txt`;
export const outPath = (i: number): string => `out/${i}`;
const pathOf = (i: number): string => (i < sourceCount ? sourcePath(i) : outPath(i - sourceCount));

/** Paths of what a stage reads. */
export const depPaths = ({ deps }: RandomStage): string[] => deps.map(pathOf);

/** The files of a state: pipeline.yaml, params.yaml, scripts and sources. */
export function filesOf({ stages, sources, params, scripts }: State): Record<string, string> {
  const files: Record<string, string> = {
    'params.yaml': params.map((value, i) => `p${i}: ${value}\n`).join(''),
    'pipeline.yaml': `stages:\n${stages.map(stageText).join('')}`,
  };
  for (const [i, content] of sources.entries()) files[sourcePath(i)] = content;
  for (const [i, version] of scripts.entries()) files[`scripts/${i}.sh`] = scriptText(stages[i]!, version);
  return files;
}

function stageText(stage: RandomStage, i: number): string {
  const deps = depPaths(stage).map((path, d) => `d${d}: '${path}'`);
  const args = deps.map((_, d) => `\${deps.d${d}}`).join(' ');
  const param = stage.param === null ? '-' : `\${p${stage.param}}`;
  return `  s${i}:
    cmd: sh scripts/${i}.sh \${outs.out} ${param} ${args}
    deps: { ${deps.join(', ')} }
    outs: { out: ${outPath(i)} }
`;
}

function scriptText({ does }: RandomStage, version: number): string {
  const body = {
    join: 'text "$@" > "$out"',
    first: 'text "$@" | head -n 1 > "$out"',
    folder: 'mkdir -p "$out/inner/empty" && text "$@" > "$out/inner/all.txt" && echo "$bit" > "$out/bit.txt"',
  }[does];
  return `out=$1; bit=$2; shift 2
if [ "$bit" != - ]; then bit=$((bit % 2)); fi
text() { for dep in "$@"; do if [ -d "$dep" ]; then cat "$dep"/*.txt "$dep"/*/*.txt; else cat "$dep"; fi; done; echo "$bit";${
    version === 2 ? ' echo more;' : ''
  } }
${version === 1 ? '# a comment\n' : ''}${body}
`;
}
