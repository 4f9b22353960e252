// What the commands and options of DVC, make and similar tools are called here. docs/from-dvc.md says more about those of DVC.

const noRemotes =
  'There are no remotes here: the store is cache/, or a folder that several workspaces share (`cache: { store: … }` in pipeline.yaml, or RODADA_STORE).';
const byHand =
  'pipeline.yaml is written by hand: schema/pipeline.schema.json of rodada lets editors complete it.';
const noAdd = 'Nothing needs to be added: a path under `deps` of a stage is enough.';
const download = 'Write a stage that downloads it, such as `cmd: curl … > ${outs.data}`.';
const noExperiments =
  'There is none: a branch is an experiment, a `matrix` runs several at once, and `rodada repro --set key=value` tries a value.';
const compare = 'The nearest is `rodada compare --baseline REV`, for metrics and parameters.';
const drawn = 'There is none: stages draw their plots themselves, and name them under `plots`.';
const noSettings =
  'There are no settings but those in pipeline.yaml (`cache`, `shell`) and the environment (RODADA_STORE).';

/** The answers for the commands of DVC. */
export const dvcVerbs: Readonly<Record<string, string>> = {
  add: noAdd,
  artifacts:
    'There is no registry of artifacts: results are outs of stages, and `rodada checkout --rev` brings those of a revision.',
  cache: noSettings,
  'check-ignore':
    'There is none, nor a .dvcignore: all that is in a folder belongs to it; depend on a glob to leave some out.',
  completion: 'There is none: `rodada --help` lists the commands, `rodada COMMAND --help` their options.',
  config: noSettings,
  data: 'The nearest is `rodada status`.',
  dataset: download,
  destroy: 'There is none: delete cache/, pipeline.lock and pipeline.yaml to remove all that rodada knows.',
  diff: `${compare} \`rodada why STAGE\` names the files that differ.`,
  doctor:
    'There is none: `rodada --version` tells the version, and `rodada status` what is wrong in the project.',
  du: 'The nearest is `rodada gc --dry`, which tells how large the store is.',
  exp: noExperiments,
  'exp run': 'It is `rodada repro` here; `-S key=value` is `--set key=value`.',
  'exp diff': compare,
  'exp show': compare,
  experiments: noExperiments,
  fetch: noRemotes,
  get: download,
  'get-url': download,
  import: download,
  'import-db': download,
  'import-url': download,
  install: 'There is none: no git hook is needed. `rodada check` and `rodada status` suit one of your own.',
  list: 'The nearest are `rodada dag --expand` for the stages and `git ls-files` for files.',
  'list-url': noRemotes,
  ls: 'The nearest are `rodada dag --expand` for the stages and `git ls-files` for files.',
  'ls-url': noRemotes,
  lock: 'It is `rodada freeze STAGE` here.',
  metrics: compare,
  'metrics diff': 'It is `rodada compare --baseline REV` here.',
  'metrics show':
    'The nearest is `rodada compare --baseline HEAD --all`; metrics are JSON files in the workspace.',
  move: noAdd,
  mv: noAdd,
  params: compare,
  'params diff': 'It is `rodada compare --baseline REV` here.',
  pipeline: 'It is `rodada dag` here.',
  plots: drawn,
  'plots diff': drawn,
  'plots show': drawn,
  pull: `${noRemotes} \`rodada checkout\` brings outs from the store.`,
  purge: 'The nearest is `rodada gc`, which removes from the store what nobody needs.',
  push: noRemotes,
  queue: noExperiments,
  remote: noRemotes,
  remove: 'Delete the stage in pipeline.yaml; `rodada clean` then moves its outs out of the workspace.',
  reproduce: 'It is `rodada repro` here.',
  root: 'There is none: it is the folder that holds pipeline.yaml.',
  run: 'It is `rodada repro` here, with the names of stages or without; a new stage is written into pipeline.yaml.',
  stage: byHand,
  'stage add': byHand,
  'stage list': 'It is `rodada dag` here, `rodada dag --expand` for all instances.',
  studio: noRemotes,
  unlock: 'It is `rodada unfreeze STAGE` here.',
  unprotect:
    'There is none: outs in the workspace are copies, which may be edited without harm to the store.',
  update: download,
  version: 'It is `rodada --version` here.',
};

const repro = 'It is `rodada repro` here, with the names of stages or without.';

/** The answers for the commands of make, Snakemake and others. */
const otherVerbs: Readonly<Record<string, string>> = {
  all: repro,
  build: repro,
  exec: repro,
  execute: repro,
  make: repro,
  start: repro,
  explain: 'It is `rodada why STAGE` here.',
  graph: 'It is `rodada dag` here.',
  history: 'It is `rodada log STAGE --runs` here.',
  logs: 'It is `rodada log STAGE` here.',
  plan: 'It is `rodada repro --dry` here.',
  prune: 'It is `rodada gc` here.',
  restore: 'It is `rodada checkout` here.',
  show: 'The nearest are `rodada status`, `rodada dag` and `rodada log STAGE`.',
  tail: 'It is `rodada log STAGE --follow` here.',
  tree: 'It is `rodada dag` here.',
};

/** What to do instead of the command that `words` begin with; undefined if nobody has one of that name. */
export function foreignVerb(words: readonly string[]): string | undefined {
  const [verb = '', object = ''] = words;
  for (const name of [`${verb} ${object}`, verb])
    for (const known of [dvcVerbs, otherVerbs]) if (Object.hasOwn(known, name)) return known[name];
  return undefined;
}

/** The answers for the options of DVC's commands, by the command that has them here, too. */
export const dvcOptions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  repro: {
    '--pull': noRemotes,
    '--allow-missing': 'It is `rodada status --allow-missing` here.',
    '--no-commit': 'There is none: a run always records what it made.',
    '--no-run-cache': 'It is `--no-restore` here.',
    '--interactive': 'There is none: `--dry` shows what would run.',
    '-i': 'There is none: `--dry` shows what would run.',
    '--pipeline':
      'There is none: a target brings all that it needs, and `--downstream` all that depends on it.',
    '-p': 'There is none: a target brings all that it needs, and `--downstream` all that depends on it.',
    '--all-pipelines': 'Without targets `rodada repro` brings everything up to date.',
    '-P': 'Without targets `rodada repro` brings everything up to date.',
    '--recursive': 'Targets are stages, prefixes and instances: `train`, `train:cnn1`.',
    '-R': 'Targets are stages, prefixes and instances: `train`, `train:cnn1`.',
    '--glob': 'Targets are stages, prefixes and instances: `train`, `train:cnn1`.',
    '--force-downstream': 'The nearest is `--force --downstream`.',
    '--single-stage': 'It is `--single-item` here.',
    '--set-param': 'It is `--set key=value` here.',
    '-S': 'It is `--set key=value` here.',
    '-m': 'The nearest is `rodada compare --baseline HEAD` afterwards.',
  },
  status: { '--cloud': noRemotes, '-c': noRemotes, '--remote': noRemotes, '-r': noRemotes },
  dag: {
    '--md': 'It is `--mermaid` here.',
    '--full': 'The whole graph is shown unless targets are named.',
    '--outs': 'There is none: `rodada dag` shows stages.',
    '-o': 'There is none: `rodada dag` shows stages.',
  },
  gc: {
    '--workspace': 'What pipeline.lock names is always kept.',
    '-w': 'What pipeline.lock names is always kept.',
    '--cloud': noRemotes,
    '-c': noRemotes,
  },
};

/** What to do instead of an option that `verb` does not have. */
export const foreignOption = (verb: string, option: string): string | undefined =>
  Object.hasOwn(dvcOptions, verb) ? dvcOptions[verb]![option.replace(/=.*/, '')] : undefined;
