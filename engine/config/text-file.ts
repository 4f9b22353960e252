// Reads text files that people write: UTF-8, with or without a byte order mark, and nothing that would be read otherwise.
import { readFileSync } from 'node:fs';
import type { ConfigurationFailure } from '../failure.ts';
import { fail, type Result, succeed } from '../result.ts';

/**
 * Reads the file at `path`.
 * @param file what messages call it
 * @param hint the next step if there is no such file
 */
export function readTextFile(path: string, file: string, hint?: string): Result<string> {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const text = reasons[code ?? ''] ?? `It can't be read: ${message}.`;
    return fail({ reason: 'file', path: file, message: text, ...(hint === undefined ? {} : { hint }) });
  }
  return decodeText(bytes, file);
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'There is no such file.',
  EISDIR: 'It is a folder, not a file.',
  EACCES: 'You are not allowed to read it.',
};

/** Decodes UTF-8; a byte order mark is dropped. */
function decodeText(bytes: Buffer, file: string): Result<string> {
  const other = markedEncoding(bytes);
  if (other !== undefined) return fail(otherEncoding(file, other));
  const text = decoded(bytes);
  return text === undefined ? fail(invalidByte(bytes, file)) : succeed(text);
}

function decoded(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The encoding that a byte order mark, or the zeros between the bytes of ASCII characters, tell. */
function markedEncoding(bytes: Buffer): string | undefined {
  const start = bytes.subarray(0, 4).toString('hex');
  if (start.startsWith('fffe0000') || start.startsWith('0000feff')) return 'UTF-32';
  if (start.startsWith('fffe') || start.startsWith('feff')) return 'UTF-16';
  return /^(00(?!00)..|(?!00)..00)/.test(start) ? 'UTF-16' : undefined;
}

const otherEncoding = (file: string, encoding: string): ConfigurationFailure => ({
  reason: 'configuration',
  message: `${file} is ${encoding}, and must be UTF-8.`,
  hint: `Save it as UTF-8, for example with \`iconv -f ${encoding} -t UTF-8\`.`,
});

/** Points at the first byte that is no UTF-8. */
function invalidByte(bytes: Buffer, file: string): ConfigurationFailure {
  let start = 0;
  for (let line = 1; ; line++) {
    const newline = bytes.indexOf('\n', start);
    const end = newline < 0 ? bytes.length : newline;
    const row = bytes.subarray(start, end);
    if (decoded(row) === undefined) {
      let valid = 0; // bytes that decode
      for (let length = 1; length <= row.length; length++)
        if (decoded(row.subarray(0, length)) !== undefined) valid = length;
      const column = row.toString('utf8', 0, valid).length + 1;
      const byte = row[valid]!.toString(16).toUpperCase().padStart(2, '0');
      return {
        reason: 'configuration',
        message: `The byte 0x${byte} is not valid UTF-8.`,
        hint: `Save ${file} as UTF-8. If it is Latin-1: \`iconv -f LATIN1 -t UTF-8\`.`,
        position: { file, line, column, length: 1, text: row.toString('utf8').replace(/\r$/, '') },
      };
    }
    start = end + 1;
  }
}
