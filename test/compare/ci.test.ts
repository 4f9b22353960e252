// The files for GitHub and GitLab: they are valid, restore the cache, run repro and put what check says where people read it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { projectRoot } from '../support/run-stage.ts';

const schemas = JSON.parse(
  readFileSync(new URL('../fixtures/ci-schemas.json', import.meta.url), 'utf8'),
) as Record<'github' | 'gitlab', object>;

const read = (file: string): string => readFileSync(join(projectRoot, file), 'utf8');

function problems(host: keyof typeof schemas, text: string): unknown {
  const validate = new Ajv({ strict: false, validateFormats: false, logger: false }).compile(schemas[host]);
  return validate(parse(text, { merge: true })) ? [] : validate.errors;
}

const files = [
  ['github', '.github/workflows/ci.yml'],
  ['gitlab', '.gitlab-ci.yml'],
] as const;

test.each(files)("%s's schema accepts %s", (host, file) => {
  expect(problems(host, read(file))).toEqual([]);
});

test.each([
  ['github', 'on: push\njobs: { a: { runs-on: x, step: [{ run: y }] } }'],
  ['github', 'on: pushed\njobs: { a: { runs-on: x, steps: [{ run: y }] } }'],
  ['gitlab', 'results: { scripts: [x] }'],
  ['gitlab', 'results: { script: [x], timeout: [1] }'],
] as const)("%s's schema refuses %s", (host, text) => {
  expect(problems(host, text)).not.toEqual([]);
});

test.each(files)('on %s the cache is restored before repro, and check comes after it', (_, file) => {
  const text = read(file);
  const order = [
    /^ +(paths: \[cache\]|path: cache)$/m,
    /npm run -s repro/,
    /npm run -s check -- .*--format md >/,
  ];
  const places = order.map((pattern) => text.search(pattern));
  expect(places.every((place) => place > 0)).toBe(true);
  expect(places).toEqual([...places].sort((a, b) => a - b));
});
