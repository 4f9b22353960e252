// Finds what a stage names and its code never mentions, for code whose imports are all known: TypeScript and JavaScript.
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Instance } from '../plan/instance.ts';
import type { Warning } from '../warning.ts';
import { compiled } from './javascript/inputs.ts';

/**
 * A name that no file of the code has in it, as a word, can't be asked for. Code that takes dependencies or parameters by
 * computed names may ask for any of them.
 * @param scripts that the commands name
 * @param code files of their closures
 */
export function unreadNames(
  instance: Instance,
  scripts: readonly string[],
  code: readonly string[],
  root: string,
): Warning[] {
  if (scripts.length === 0 || scripts.some((script) => !compiled.has(extname(script)))) return [];
  const text = [...instance.cmds, ...code.map((file) => textOf(join(root, file)))].join('\n');
  const says = (word: string): boolean =>
    new RegExp(`(?<![\\w$])${word.replaceAll(/[^\w]/g, '\\$&')}(?![\\w$])`).test(text);
  const warnings: Warning[] = [];
  const add = (kind: 'param' | 'dep', name: string): void => {
    warnings.push({ what: 'unread', stage: instance.name, kind, name });
  };
  if (!/\b(?:deps|lists)\s*\[|(?:Object\.\w+|JSON\.\w+)\((?:[\w$]+\.)*(?:deps|lists)\b/.test(text))
    for (const { name, paths } of instance.deps)
      if (!says(name) && !paths.some((path) => text.includes(path))) add('dep', name);
  if (!/\bparams(?:\??\.[\w$]+)*\s*\[|(?:Object\.\w+|JSON\.\w+)\((?:[\w$]+\.)*params\b/.test(text))
    for (const name of Object.keys(instance.params)) if (!name.split('.').some(says)) add('param', name);
  return warnings;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // `(imports)` is no file
  }
}
