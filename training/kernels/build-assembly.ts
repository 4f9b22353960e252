// Compiles the kernels in assembly/ to the WebAssembly module that stands, as text, in assembly-binary.ts: `npm run assembly`.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { main } from 'assemblyscript/asc';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Where the module is kept. As a TypeScript file it is among the code that training's fingerprints hold. */
export const binaryFile = `${here}assembly-binary.ts`;

/**
 * Compiles the kernels.
 *
 * @returns the text of `assembly-binary.ts`; the same for the same sources and compiler
 * @throws Error with the compiler's messages
 */
export async function buildAssembly(): Promise<string> {
  let binary: Uint8Array | undefined;
  const memory = '--importMemory --noExportMemory --sharedMemory --initialMemory 1 --maximumMemory 65536';
  const options = `--runtime stub --noAssert -O3 --enable simd --enable threads ${memory}`.split(' ');
  const { error, stderr } = await main(
    ['index.ts', '--baseDir', `${here}assembly`, '--outFile', 'k.wasm', ...options],
    {
      writeFile(name, contents) {
        if (name === 'k.wasm') binary = contents as Uint8Array;
      },
    },
  );
  if (error !== null || binary === undefined) throw new Error(`${error?.message}\n${stderr.toString()}`);
  return `// The kernels in assembly/, compiled: \`npm run assembly\` writes this file.
export const assemblyBinary =
  '${Buffer.from(binary).toString('base64')}';
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(binaryFile, await buildAssembly());
