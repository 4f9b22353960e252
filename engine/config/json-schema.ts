// The JSON Schema of pipeline.yaml, made from the zod schema, for editors: it completes and explains the fields.
import * as z from 'zod';
import { PipelineSchema } from './pipeline-schema.ts';

/** Where the schema is kept, relative to the engine's own project. */
export const jsonSchemaFile = 'schema/pipeline.schema.json';

/** The text of the file. Draft 7 is what editors' YAML services know best. */
export function jsonSchemaText(): string {
  const schema = z.toJSONSchema(PipelineSchema, { target: 'draft-7', io: 'input' });
  const title = { title: 'pipeline.yaml of rodada' };
  return `${JSON.stringify({ ...title, ...schema }, null, 2)}\n`;
}
