// Reads a stage's messages about its progress. Any program may write to the channel, so nothing about them is sure.
import type { Readable } from 'node:stream';
import { Lines, printable } from '../printable.ts';
import type { Progress } from '../stage.ts';

/** Reads the channel to which `process.send` writes a line of JSON for each message. */
export function readProgress(channel: Readable, onProgress: (progress: Progress) => void): void {
  const lines = new Lines((line) => {
    const progress = progressIn(line);
    if (progress !== undefined) onProgress(progress);
  });
  channel.on('data', (piece: Buffer) => lines.write(piece));
  channel.on('error', () => undefined); // the command has closed it
}

/** The progress that a line reports, fit for a terminal; undefined for other lines. */
function progressIn(line: string): Progress | undefined {
  const { type, done, total, unit, message } = parsed(line);
  if (type !== 'progress' || typeof done !== 'number' || !Number.isFinite(done)) return undefined;
  return {
    done,
    ...(typeof total === 'number' && Number.isFinite(total) ? { total } : {}),
    ...(typeof unit === 'string' ? { unit: oneLine(unit) } : {}),
    ...(typeof message === 'string' ? { message: oneLine(message) } : {}),
  };
}

function parsed(line: string): Record<string, unknown> {
  try {
    return { ...JSON.parse(line) };
  } catch {
    return {};
  }
}

const oneLine = (text: string): string => printable(text.replaceAll(/\s+/g, ' '));
