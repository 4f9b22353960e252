// `rodada init [folder]`: starts a project with an example that runs at once. It overwrites nothing.
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { paramsFile } from '../config/params.ts';
import { pipelineFile } from '../config/pipeline.ts';
import { defaultShell } from '../config/shell.ts';
import { systemErrorText } from '../execute/system-error.ts';
import { startFolder, typed } from '../invocation.ts';
import { gone, projectAround } from '../project-folder.ts';
import { shellWord } from '../shell-word.ts';
import { ignored, starterNumbers, starterParams, starterPipeline } from '../starter.ts';
import { examples } from './session.ts';

const ignoreFile = '.gitignore';

export function initCommand(): Command {
  return new Command('init')
    .description('start a project: an example pipeline.yaml that runs at once')
    .argument('[folder]', 'a new or existing folder (default: the current one)')
    .addHelpText(
      'after',
      () => `${examples([
        [typed('init'), 'in the current folder'],
        [typed('init study'), 'in the folder study, which is made if it does not exist'],
      ])}

It writes ${pipelineFile}, ${paramsFile} and a folder with the example's data, and adds what git must not keep to
${ignoreFile}. Files that exist stay as they are. Exit code: 0 if the project is there; 1 if the folder has a
${pipelineFile} already, or can't be written.`,
    )
    .action((folder = '.') => {
      process.exitCode = runInit(folder);
    });
}

function runInit(folder: string): number {
  const start = startFolder();
  if (start === undefined) return failed(gone.message);
  const root = resolve(start, folder);
  try {
    return init(root, start);
  } catch (error) {
    const message = systemErrorText(error, root);
    if (message === undefined) throw error;
    return failed(message.replace(' What is finished is kept.', ''));
  }
}

function init(root: string, start: string): number {
  if (isThere(join(root, pipelineFile))) {
    const hint = `Nothing was changed. \`${commandIn(root, start, 'status')}\` says what there is to do.`;
    return failed(`${join(root, pipelineFile)} exists; this is a project already.`, hint);
  }
  const outer = projectAround(dirname(root));
  mkdirSync(root, { recursive: true });
  const hasParams = isThere(join(root, paramsFile));
  const example = freeName(root, 'example');
  const shell = defaultShell();
  const pipeline = starterPipeline({ schema: schemaFor(root), shell, folder: example, hasParams });
  mkdirSync(join(root, example));
  write(root, join(example, 'numbers.txt'), starterNumbers);
  if (hasParams) console.log(`• ${paramsFile} exists and stays as it is`);
  else write(root, paramsFile, starterParams);
  addIgnored(root);
  // Last: a folder that could not be written is no project.
  write(root, pipelineFile, pipeline);
  if (outer !== undefined)
    console.log(`• This folder is inside the project ${outer}. Here, the new ${pipelineFile} is used.`);
  console.log(nextSteps(root, start, hasParams));
  return 0;
}

/** Writes a new file; fails if it exists. */
function write(root: string, path: string, text: string): void {
  writeFileSync(join(root, path), text, { flag: 'wx' });
  console.log(`✔ ${path}`);
}

/** Adds the lines that .gitignore lacks. */
function addIgnored(root: string): void {
  const path = join(root, ignoreFile);
  const hasPackages = isThere(join(root, 'package.json')) || isThere(join(root, 'node_modules'));
  const before = existsSync(path) ? readFileSync(path, 'latin1') : undefined;
  const present = new Set((before ?? '').split(/\r?\n/).map(bare));
  const missing = ignored(hasPackages).filter((line) => !present.has(bare(line)));
  if (missing.length === 0) return;
  const newline = before?.includes('\r\n') === true ? '\r\n' : '\n';
  const start = before === undefined || before === '' || before.endsWith('\n') ? '' : newline;
  appendFileSync(path, start + missing.map((line) => line + newline).join(''));
  console.log(`✔ ${ignoreFile}${before === undefined ? '' : `: added ${missing.join(' ')}`}`);
}

/** `cache`, `/cache` and `cache/` ignore the project's `/cache/` alike. */
const bare = (line: string): string => line.trim().replace(/^\/|\/$/g, '');

/** The name itself, or with a number if something has it. */
function freeName(root: string, name: string): string {
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? name : `${name}-${n}`;
    if (!isThere(join(root, candidate))) return candidate;
  }
}

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** How a project names the schema for editors: through its own node_modules, or where this rodada is. */
function schemaFor(root: string): string {
  const schema = 'schema/pipeline.schema.json';
  const installed = join('node_modules', 'rodada', schema);
  if (existsSync(join(root, installed))) return installed;
  const engine = dirname(dirname(realpathSync(process.argv[1]!)));
  const near = relative(engine, realpathSync(root));
  const isInside = !near.startsWith('..') && !isAbsolute(near);
  return isInside ? relative(root, join(engine, schema)) : join(engine, schema);
}

/** A command for the project, as the user can type it where they are. */
const commandIn = (root: string, start: string, command: string): string =>
  root === start
    ? typed(command)
    : `cd ${shellWord(near(start, root))} && ${typed(command, { folder: root })}`;

/** The shorter of the relative and the absolute path. */
function near(start: string, path: string): string {
  const short = relative(start, path);
  return short.length < path.length ? short : path;
}

function nextSteps(root: string, start: string, hasParams: boolean): string {
  const here = (command: string): string => typed(command, { folder: root });
  const steps: [string, string][] = [
    ...(root === start ? [] : ([[`cd ${shellWord(near(start, root))}`, '']] satisfies [string, string][])),
    [here('repro'), 'runs both stages'],
    [here('status'), 'says that nothing is left to do'],
  ];
  const width = Math.max(...steps.map(([command, what]) => (what === '' ? 0 : command.length)));
  const lines = steps.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`.trimEnd());
  const edited = hasParams ? `\`least\` in ${pipelineFile}` : `\`least\` in ${paramsFile}`;
  return `\nNext:\n${lines.join('\n')}\nThen change ${edited}, and repeat \`${here('repro')}\`.`;
}

function failed(message: string, hint?: string): number {
  console.error(`error: ${message}${hint === undefined ? '' : `\n${hint}`}`);
  return 1;
}
