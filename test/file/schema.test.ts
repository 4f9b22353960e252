// The JSON Schema that editors complete and explain pipeline.yaml by.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { jsonSchemaFile, jsonSchemaText } from '../../engine/config/json-schema.ts';
import { PipelineSchema, StageSchema } from '../../engine/config/pipeline-schema.ts';
import { projectRoot } from '../support/run-stage.ts';

const read = (file: string): string => readFileSync(join(projectRoot, file), 'utf8');

const validator = (): ValidateFunction =>
  new Ajv({ strict: true, allowUnionTypes: true }).compile(JSON.parse(read(jsonSchemaFile)) as object);

describe(jsonSchemaFile, () => {
  it('is what the engine accepts now; `npm run schema` writes it', () => {
    expect(read(jsonSchemaFile)).toBe(jsonSchemaText());
  });

  it.each(['pipeline.yaml', 'examples/words/pipeline.yaml'])('is named by %s, and accepts it', (file) => {
    const up = '../'.repeat(file.split('/').length - 1);
    expect(read(file).split('\n')[0]).toBe(`# yaml-language-server: $schema=${up}${jsonSchemaFile}`);
    const validate = validator();
    expect(validate(parse(read(file))), JSON.stringify(validate.errors)).toBe(true);
  });

  it.each([
    ['an unknown field', 'stages: { a: { cmd: x, dep: [] } }'],
    ['a stage without a command', 'stages: { a: { outs: [b] } }'],
    ['a wrong name', 'stages: { "a b": { cmd: x } }'],
    ['an out that is said wrongly', 'stages: { a: { cmd: x, outs: { o: { path: p, cached: false } } } }'],
    ['a timeout that is none', 'stages: { a: { cmd: x, timeout: soon } }'],
    ['a resume without `from`', 'stages: { a: { cmd: x, resume: { by: epochs } } }'],
    ['an entry of exclude that is no mapping', 'stages: { a: { cmd: x, matrix: { m: [1], exclude: [m] } } }'],
  ])('refuses %s, as the engine does', (_, text) => {
    expect(validator()(parse(text))).toBe(false);
    expect(PipelineSchema.safeParse(parse(text)).success).toBe(false);
  });

  it('has no field that docs/from-dvc.md leaves out', () => {
    const page = read('docs/from-dvc.md');
    const fields = [...Object.keys(PipelineSchema.shape), ...Object.keys(StageSchema.shape)];
    expect(
      fields.filter((field) => !page.includes(field === 'environment' ? '`environment:`' : `\`${field}`)),
    ).toEqual([]);
  });

  it('explains every field', () => {
    const without: string[] = [];
    const visit = (schema: unknown, path: string): void => {
      if (typeof schema !== 'object' || schema === null) return;
      for (const [name, field] of Object.entries(
        ('properties' in schema ? schema.properties : {}) as Record<string, object>,
      ))
        if (!('description' in field)) without.push(`${path}.${name}`);
      for (const [key, inner] of Object.entries(schema)) visit(inner, `${path}.${key}`);
    };
    visit(JSON.parse(read(jsonSchemaFile)), '');
    expect(without).toEqual([]);
  });
});
