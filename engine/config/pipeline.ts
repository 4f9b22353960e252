// Reads pipeline.yaml and checks its form.
import { join } from 'node:path';
import { fail, type Result, succeed } from '../result.ts';
import { dvcWords } from './dvc-words.ts';
import { PipelineSchema } from './pipeline-schema.ts';
import { YamlSource } from './yaml-source.ts';
import { diagnose } from './zod-diagnostics.ts';

export const pipelineFile = 'pipeline.yaml';

/** pipeline.yaml as written, and where each entry stands. */
export interface Pipeline {
  readonly source: YamlSource;
  readonly definition: PipelineSchema;
}

export function readPipeline(root: string): Result<Pipeline> {
  const read = YamlSource.read(join(root, pipelineFile), pipelineFile);
  return read.ok ? parsePipeline(read.value) : read;
}

/** Checks the form of a pipeline.yaml that was read. */
export function parsePipeline(source: YamlSource): Result<Pipeline> {
  const parsed = PipelineSchema.safeParse(source.value);
  if (!parsed.success) {
    const locate = source.position.bind(source);
    return fail(...diagnose(parsed.error, PipelineSchema, source.value, locate, 'field', dvcWords));
  }
  return succeed({ source, definition: parsed.data });
}
