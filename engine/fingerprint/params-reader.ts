// Finds JavaScript and TypeScript that reads params.yaml itself instead of the parameters that the engine gives to its stage.
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { compiled } from './javascript/inputs.ts';
import type { ReferenceMemo } from './references.ts';

/** A text that is a path to params.yaml. Comments, where it may stand, too, are gone from what the compiler gives. */
const literal = /(["'`])(?:[^"'`\s]*\/)?params\.ya?ml\1/;

/**
 * The first file of a closure that names params.yaml.
 * @param code files of the closure and the hashes of what counts of them
 */
export async function paramsReader(
  root: string,
  code: Readonly<Record<string, string>>,
  memo: ReferenceMemo,
): Promise<string | undefined> {
  for (const [file, hash] of Object.entries(code)) {
    if (!compiled.has(extname(file))) continue;
    if (await memo.recall(`params ${file} ${hash}`, () => namesParams(join(root, file)))) return file;
  }
  return undefined;
}

async function namesParams(path: string): Promise<boolean> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return false; // a name that stands for several files
  }
  if (!literal.test(text)) return false;
  const { transform } = await import('esbuild');
  const { code } = await transform(text, {
    loader: path.endsWith('x') ? 'tsx' : 'ts',
    legalComments: 'none',
  });
  return literal.test(code);
}
