// Holds the code to the import rules of docs/architecture.md, so that dependencies keep pointing one way.
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { expect, it } from 'vitest';
import { projectRoot } from './support/run-stage.ts';

/** Folder → the other folders that its files may import. */
const allowed: Record<string, readonly string[]> = {
  engine: [],
  params: [],
  pictures: ['params'],
  models: ['params'],
  sources: ['params', 'pictures'],
  training: ['params', 'pictures', 'models'],
  report: ['params', 'pictures', 'models'],
  stages: ['params', 'pictures', 'models', 'sources', 'training', 'report'],
};

/** What others may import of the engine: the contract of stages, and the statistics that its verdicts share with the study's. */
const isShared = (path: string): boolean =>
  path === 'engine/stage.ts' || path.startsWith('engine/statistics/');

/** Local files that a file imports, relative to the project. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(projectRoot, file), 'utf8');
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(
    ([, specifier]) => specifier!,
  );
  return specifiers.map((specifier) => posix.join(posix.dirname(file), specifier));
}

const filesOf = (folder: string): string[] =>
  readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.m?ts$/.test(file))
    .map((file) => posix.join(folder, file.replaceAll('\\', '/')));

it.each(Object.keys(allowed))('%s imports only what it may', (folder) => {
  const files = filesOf(folder);
  expect(files).not.toEqual([]);
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter((path) => {
        const target = path.split('/')[0]!;
        return (
          target !== folder && !allowed[folder]!.includes(target) && !(isShared(path) && folder !== 'params')
        );
      })
      .map((path) => `${file} imports ${path}`),
  );
  expect(wrong).toEqual([]);
});

it.each([
  ...Object.keys(allowed),
  'bench',
  'test',
])('every file of %s begins with what it is for', (folder) => {
  const without = filesOf(folder).filter((file) => {
    const text = readFileSync(join(projectRoot, file), 'utf8').replace(/^#!.*\n/, '');
    return !/^\/\/ \S.{10,}/.test(text);
  });
  expect(without).toEqual([]);
});
