// What DVC's words for fields are called here, or what to do if there is no such thing. docs/from-dvc.md says more about each.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Path } from './yaml-source.ts';
import type { ForeignWords } from './zod-diagnostics.ts';

/** Where a field of dvc.yaml is written. */
export type DvcPlace = 'pipeline' | 'stage' | 'out';

const comment = 'There is no field for it here: write a comment (`# …`).';
const noRemote =
  'There are no remotes here: the store is cache/, or the folder that `cache: { store: … }` names.';
const asOut = (field: string): string =>
  `It is a field of an out here, not of the stage: \`outs: { NAME: { path: …, ${field} } }\`.`;
const drawn = 'Here the stage itself draws its plots, and names them under `plots`.';
const persist =
  'An out is never there when its command starts. To go on from an earlier result use `resume`, or the folder RODADA_PARTIAL after an interruption.';
const oneParamsFile =
  'All parameters are in params.yaml, with profiles/NAME.yaml as variants. Move them there, or name the file under `deps`.';

/** The answers for the fields of dvc.yaml and of .dvc files that have another name here, or none. */
export const dvcFields: Readonly<Record<DvcPlace, Readonly<Record<string, string>>>> = {
  pipeline: {
    metrics:
      'Stages name their metrics: `metrics: { NAME: path.json }`. `compare` also reads metrics/**/*.json.',
    plots: `Stages name their plots: \`plots: { NAME: path.svg }\`. ${drawn}`,
    artifacts: 'There is no registry of artifacts here: name the file among the `outs` of its stage.',
    datasets: 'There are no datasets here: name the path under `deps`, or write a stage that downloads it.',
    outs: 'Only stages have `outs` here. A file that no stage makes needs no entry: name it under `deps` of its readers.',
    deps: 'Only stages have `deps` here. For data that is downloaded write a stage with `cmd: curl … > ${outs.data}`.',
    desc: comment,
    meta: comment,
    frozen: 'Only stages are frozen here: write it in the stage.',
    wdir: 'Only stages have a `wdir` here: write it in each stage.',
    schema: 'pipeline.lock is written by the engine. In pipeline.yaml there is no version of the format.',
  },
  stage: {
    foreach:
      '`foreach` is `matrix` here: `matrix: { item: [a, b] }`; then `${item}` in the other fields works as before.',
    do: 'There is no `do` here: its fields belong to the stage itself, beside `matrix`.',
    always_changed: '`always_changed` is `always` here: `always: true`.',
    persist: persist,
    desc: comment,
    meta: comment,
    live: 'There is no DVCLive here: name the files that it writes under `metrics` and `plots`.',
    artifacts: 'There is no registry of artifacts here: name the file among the `outs`.',
    cache: asOut('cache: false'),
    push: noRemote,
    remote: noRemote,
    vars: '`vars` are written once, at the top of pipeline.yaml. A parameter that differs among instances is an axis of `matrix`.',
    outs_no_cache: asOut('cache: false'),
    metrics_no_cache: asOut('cache: false'),
    plots_no_cache: asOut('cache: false'),
    outs_persist: persist,
    checkpoints: persist,
    locked: '`locked` is `frozen` here: `frozen: true`.',
    isolated:
      'A stage gets only what it declares, and writes into a folder of its own: there is nothing to switch on.',
  },
  out: {
    persist: persist,
    checkpoint: persist,
    push: noRemote,
    remote: noRemote,
    desc: comment,
    type: comment,
    labels: comment,
    meta: comment,
    hash: 'pipeline.lock has the hash of each out; it is not written here.',
    md5: 'pipeline.lock has the hash of each out; it is not written here.',
    size: 'pipeline.lock has what is known of each out; it is not written here.',
    nfiles: 'pipeline.lock has what is known of each out; it is not written here.',
    isexec: 'A file that the command makes executable stays so; nothing is written here.',
    metric: 'Name the file under `metrics` instead of `outs`.',
    plot: 'Name the file under `plots` instead of `outs`.',
    x: drawn,
    y: drawn,
    x_label: drawn,
    y_label: drawn,
    title: drawn,
    header: drawn,
    template: drawn,
  },
};

const outFields = ['outs', 'metrics', 'plots'];

function placeOf(path: Path): DvcPlace | undefined {
  if (path.length === 0) return 'pipeline';
  if (path[0] !== 'stages') return undefined;
  if (path.length === 2) return 'stage';
  return path.length > 3 && outFields.includes(String(path[2])) ? 'out' : undefined;
}

/** Answers those who write pipeline.yaml as they would write dvc.yaml. */
export const dvcWords: ForeignWords = {
  key: (path, key) => {
    const place = placeOf(path);
    const words = place && dvcFields[place];
    return words !== undefined && Object.hasOwn(words, key) ? words[key] : undefined;
  },
  entry: (path, value) => {
    const [top, , field, step] = path;
    if (path.length === 1 && top === 'vars' && Array.isArray(value))
      return '`vars` is a mapping here, `vars: { NAME: value }`, and names no files: what is in them belongs into params.yaml.';
    if (path.length === 1 && top === 'params' && typeof value !== 'string')
      return `Stages name their parameters themselves. ${oneParamsFile}`;
    if (top !== 'stages') return undefined;
    if (path.length === 4 && field === 'params' && isMapping(value)) return oneParamsFile;
    if (path.length === 4 && outFields.includes(String(field)) && typeof step === 'number')
      return attributesOf(String(field), value);
    return undefined;
  },
  // The command stands in `do`.
  covers: (path, value) => path.length === 3 && path[2] === 'cmd' && isMapping(value) && 'do' in value,
};

/** How an element `- path: { cache: false }` of a list of outs is written here. */
function attributesOf(field: string, element: unknown): string | undefined {
  if (!isMapping(element) || 'path' in element) return undefined;
  const [entry, ...others] = Object.entries(element);
  if (entry === undefined || others.length > 0 || !(entry[1] === null || isMapping(entry[1])))
    return undefined;
  const [path, attributes] = entry;
  const given = Object.entries(attributes ?? {});
  const known = given.filter(([name]) => name === 'cache').map(([name, value]) => `, ${name}: ${value}`);
  const answers = given.map(([name]) => dvcFields.out[name]).filter((answer) => answer !== undefined);
  return [
    `An out with fields has a name here: \`${field}: { NAME: { path: ${path}${known.join('')} } }\`, and the command writes to \`\${outs.NAME}\`.`,
    ...new Set(answers),
  ].join(' ');
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What stands here for a template of DVC that names nothing.
 * @param axes of the stage's matrix
 */
export function dvcTemplate(name: string, axes: readonly string[]): string | undefined {
  const [, first, rest] = /^(item|key)(?:\.(.+))?$/.exec(name) ?? [];
  if (first === undefined) return undefined;
  const axis = rest?.split('.')[0];
  const meant = axes.length === 1 ? axes[0]! : axis !== undefined && axes.includes(axis) ? axis : undefined;
  const own = first === 'item' && rest !== undefined && axis !== meant ? `.${rest}` : '';
  const example = meant === undefined ? '' : ` Here it is \`\${${meant}${own}}\`.`;
  return `DVC's \`\${${name}}\` is \`\${AXIS}\`, the name of an axis of \`matrix\`.${example}`;
}

/** What to do with the files of DVC in a folder without pipeline.yaml; undefined if there are none. */
export function dvcFilesHint(root: string): string | undefined {
  const found =
    ['dvc.yaml', 'dvc.lock', '.dvc'].find((name) => existsSync(join(root, name))) ?? dvcFileIn(root);
  return found === undefined
    ? undefined
    : `\`${found}\` is DVC's, which rodada does not read. Write the stages into pipeline.yaml: docs/from-dvc.md of rodada has our word for each field and command.`;
}

function dvcFileIn(root: string): string | undefined {
  try {
    return readdirSync(root).find((name) => name.endsWith('.dvc'));
  } catch {
    return undefined;
  }
}
