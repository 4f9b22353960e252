// What a shell's simple command has Node do: the packages that it loads, and the scripts of package.json that it runs.
import { realpathSync } from 'node:fs';
import { posix } from 'node:path';
import { packageName } from './javascript/package-name.ts';
import type { ProjectFiles } from './project-files.ts';
import type { ShellCall } from './shell-calls.ts';

const programs = /^(?:node|nodejs|tsx|ts-node|npx|npm|pnpm|pnpx|yarn|yarnpkg|corepack)$/;
const managers = /^(?:npm|pnpm|yarn|yarnpkg)$/;

/** Whether a word is the name of Node or of a program that runs it. */
export const isNodeProgram = (word: string): boolean => programs.test(posix.basename(word));

export interface NodeCall {
  /** Whether Node runs. */
  readonly runs: boolean;
  /** Files of `node_modules` in the project that stand for the packages whose commands or modules it runs. */
  readonly packages: readonly string[];
  /** The script of package.json that it may run, and the folder that the options name. */
  readonly script?: { readonly name: string; readonly folder: string | undefined };
}

/** Options of Node that load a module, as a word of its own or before `=`. */
const loading = /^(?:-r|--(?:require|import|loader|experimental-loader))(?:=(.+))?$/;

/** Finds what a call has Node do. The engine puts the commands of the project's packages on the PATH. */
export function nodeCall({ words }: ShellCall, project: ProjectFiles): NodeCall {
  const texts = words.map((word) => word.texts[0] ?? '');
  const packages = new Set<string>();
  let runs = texts.some(isNodeProgram);
  for (const [i, text] of texts.entries()) {
    if (!/^[\w.-]+$/.test(text) || text.startsWith('-')) continue;
    const isCommand = i === 0 || runs;
    const command = posix.join('node_modules', '.bin', text);
    if (!isCommand || project.kind(command) !== 'file') continue;
    packages.add(command);
    runs = true;
  }
  if (runs)
    for (const [i, text] of texts.entries()) {
      const found = loading.exec(text);
      const specifier = found === null ? undefined : (found[1] ?? texts[i + 1]);
      if (specifier !== undefined && /^[@\w]/.test(specifier) && !specifier.includes(':'))
        packages.add(posix.join('node_modules', packageName(specifier), 'package.json'));
    }
  const script = scriptOf(texts);
  return {
    runs,
    packages: [...packages].filter((file) => isInstalled(file, project)),
    ...(script === undefined ? {} : { script }),
  };
}

/** A command of the project's own package is code of the project. */
const isInstalled = (file: string, project: ProjectFiles): boolean =>
  project.kind(file) === 'file' && realpathSync(posix.join(project.root, file)).includes('/node_modules/');

const runWords = /^(?:run|run-script|rum|urn)$/;
const lifecycle: Readonly<Record<string, string>> = {
  t: 'test',
  tst: 'test',
  test: 'test',
  start: 'start',
  stop: 'stop',
  restart: 'restart',
};

/** `npm run x`, `npm test`, `yarn x`, `node --run x` and the like. */
function scriptOf(texts: readonly string[]): NodeCall['script'] {
  const flag = texts.findIndex((text) => text === '--run' || text.startsWith('--run='));
  if (flag !== -1 && texts.slice(0, flag).some(isNodeProgram)) {
    const name = texts[flag]!.slice('--run='.length) || texts[flag + 1];
    return name === undefined ? undefined : { name, folder: undefined };
  }
  const at = texts.findIndex((text) => managers.test(posix.basename(text)));
  if (at === -1) return undefined;
  let folder: string | undefined;
  const args: string[] = [];
  for (let i = at + 1; i < texts.length && args.length < 2 && texts[i] !== '--'; i++) {
    const text = texts[i]!;
    const option = /^(?:-C|--prefix|--dir|--cwd)(?:=(.+))?$/.exec(text);
    if (option !== null) folder = option[1] ?? texts[++i];
    else if (/^(?:-w|--workspace|--filter|--loglevel)$/.test(text)) i++;
    else if (!text.startsWith('-')) args.push(text);
  }
  const [verb, script] = args;
  if (verb === undefined) return undefined;
  const name = runWords.test(verb) ? script : (lifecycle[verb] ?? (texts[at] === 'npm' ? undefined : verb));
  return name === undefined ? undefined : { name, folder };
}

/** A script of package.json with those that npm runs before and after it. */
export function scriptTexts(manifest: string, name: string): [name: string, text: string][] {
  let scripts: unknown;
  try {
    scripts = (JSON.parse(manifest) as { scripts?: unknown }).scripts;
  } catch {
    return []; // npm will say what is wrong with it
  }
  if (typeof scripts !== 'object' || scripts === null) return [];
  const texts = scripts as Record<string, unknown>;
  return [`pre${name}`, name, `post${name}`].flatMap((each) => {
    const text = Object.hasOwn(texts, each) ? texts[each] : undefined;
    return typeof text === 'string' ? [[each, text] as [string, string]] : [];
  });
}
