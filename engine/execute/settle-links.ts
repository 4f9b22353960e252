// Makes the links that a command left in an output lead to the same once the output is published.
import { chmodSync, lstatSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkNames } from '../store/file-names.ts';
import { insideOf, type Links } from '../store/links.ts';
import { entriesOf } from '../store/trees.ts';

/**
 * Links that lead to their own directory or to something else in the project become relative.
 * @param folder the directory in scratch
 * @param gone folders that are deleted when the run ends
 * @returns a link that leads into such a folder, if there is one
 */
export function settleLinks(folder: string, links: Links, gone: readonly string[]): string | undefined {
  for (const path of linksIn(folder, '')) {
    const { text, to } = links.read(path);
    if (to !== undefined && gone.some((each) => insideOf(each, to) !== undefined)) return path;
    if (text !== readlinkSync(join(folder, path))) replaceLink(join(folder, path), text);
  }
  return undefined;
}

function* linksIn(folder: string, prefix: string): Generator<string> {
  const links: string[] = [];
  const folders: string[] = [];
  for (const entry of entriesOf(join(folder, prefix))) {
    checkNames(join(folder, prefix), [entry.name]);
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isSymbolicLink()) links.push(path);
    else if (entry.isDirectory()) folders.push(path);
  }
  yield* links;
  for (const path of folders) yield* linksIn(folder, path);
}

function replaceLink(path: string, text: string): void {
  const folder = dirname(path);
  const mode = lstatSync(folder).mode & 0o7777;
  const readOnly = (mode & 0o200) === 0;
  if (readOnly) chmodSync(folder, mode | 0o200);
  unlinkSync(path);
  symlinkSync(text, path);
  if (readOnly) chmodSync(folder, mode);
}
