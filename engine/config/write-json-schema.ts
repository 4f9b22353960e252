// `npm run schema`: writes the JSON Schema of pipeline.yaml to where editors look for it.
import { join } from 'node:path';
import { endWithReader } from '../reader.ts';
import { writeFileAtomic } from '../store/files.ts';
import { jsonSchemaFile, jsonSchemaText } from './json-schema.ts';

endWithReader();
await writeFileAtomic(join(import.meta.dirname, '..', '..', jsonSchemaFile), jsonSchemaText());
console.log(`${jsonSchemaFile} is written.`);
