// The zod schema of a project's parameters: loaded only if what is remembered of it does not suffice, as loading takes time.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { z } from 'zod';
import {
  type CompiledModule,
  compileProjectModule,
  importErrorText,
  importProjectModule,
} from '../project-module.ts';
import { fail, type Result, succeed } from '../result.ts';
import { readJson, writeFileAtomic } from '../store/files.ts';
import { type Shape, shapeOf } from './params-shape.ts';

export class ParamsSchema {
  readonly #root: string;
  readonly #path: string;
  /** undefined if the module does not compile; loading it says why. */
  readonly compiled: CompiledModule | undefined;
  #loaded: Promise<Result<z.ZodType>> | undefined;

  private constructor(root: string, path: string, compiled: CompiledModule | undefined) {
    this.#root = root;
    this.#path = path;
    this.compiled = compiled;
  }

  /** @param path of the module whose default export is the schema, relative to the project */
  static async open(root: string, path: string): Promise<ParamsSchema> {
    return new ParamsSchema(root, path, await compileProjectModule(root, path));
  }

  load(): Promise<Result<z.ZodType>> {
    this.#loaded ??= this.#import();
    return this.#loaded;
  }

  async #import(): Promise<Result<z.ZodType>> {
    const path = this.#path;
    const hint =
      'pipeline.yaml names it under `params`; its default export is the zod schema of params.yaml.';
    const failure = (message: string): Result<never> => fail({ reason: 'file', path, message, hint });
    if (!existsSync(resolve(this.#root, path))) return failure('There is no such file.');
    try {
      const { default: schema } = await importProjectModule<{ default?: z.ZodType }>(this.#root, path);
      return typeof schema?.safeParse === 'function'
        ? succeed(schema)
        : failure('It does not export a zod schema as its default.');
    } catch (error) {
      return failure(importErrorText(error, this.#root));
    }
  }

  /** What overlaying a profile needs to know of it. */
  async shape(): Promise<Result<Shape>> {
    const file = join(this.#root, 'cache', 'memo', 'params-shape.json');
    const key = this.compiled?.key;
    const known = key === undefined ? undefined : readJson<{ key?: string; shape?: Shape }>(file);
    if (known?.key === key && known?.shape !== undefined) return succeed(known.shape);
    const schema = await this.load();
    if (!schema.ok) return schema;
    const shape = shapeOf(schema.value);
    // A folder that can't be written to must not keep anybody from planning.
    await writeFileAtomic(file, JSON.stringify({ key, shape }), { durable: false }).catch(() => undefined);
    return succeed(shape);
  }
}
