// Gates: which metrics may get worse, and by how much.
import picomatch from 'picomatch';
import * as z from 'zod';
import type { Direction } from './direction.ts';
import { type DottedKey, segments } from './flatten.ts';

/**
 * A gate as params.yaml gives it.
 *
 * The study's own schema (params/gates.ts) says the same, so that a mistake is found before a run starts; the engine
 * can't import that one, because a pipeline need not have a schema of its parameters to have gates.
 */
export const GateSchema = z.strictObject({
  metric: z.string().regex(/^[^:]+:.+$/, 'a pattern PATH:KEY such as **:accuracy'),
  better: z.enum(['higher', 'lower']),
  tolerance: z.union([
    z.number().min(0),
    z.string().regex(/^\d+(\.\d+)?%$/, 'a number, or a percentage such as 5%'),
  ]),
});
export type GateDefinition = z.infer<typeof GateSchema>;

/** The part of params.yaml that holds the gates. */
export const GatesSchema = z.looseObject({ gates: z.array(GateSchema).optional() });

// Metrics are called by `/` paths on every system.
const globOptions = { dot: true, windows: false };

export interface Gate {
  readonly definition: GateDefinition;
  readonly better: Direction;
  matches(path: string, key: DottedKey): boolean;
}

/**
 * Compiles a gate's pattern `PATH:KEY`, two globs. In PATH `*` stays within a folder and `**` goes any depth; in KEY,
 * `*` stands for one segment between dots and `**` for any number of them.
 */
export function compileGate(definition: GateDefinition): Gate {
  const colon = definition.metric.indexOf(':');
  const path = picomatch(definition.metric.slice(0, colon), globOptions);
  const key = picomatch(keyPath(patternSegments(definition.metric.slice(colon + 1))), globOptions);
  return {
    definition,
    better: definition.better,
    matches: (file, dotted) => path(file) && key(keyPath(segments(dotted))),
  };
}

// The glob matcher knows folders, not dots: a key becomes a path, and what paths treat apart within a segment (slashes,
// dots, line ends, nothing at all) becomes a letter that they don't, on both sides alike.
const keyPath = (parts: readonly string[]): string =>
  parts
    .map((part) =>
      part
        .replaceAll('/', '\u2215')
        .replaceAll('.', '\u2024')
        .replaceAll(/[\r\n\u2028\u2029]/g, '\u2424'),
    )
    .map((part) => (part === '' ? '\u2205' : part))
    .join('/');

/** Dots part a pattern's segments, but for those in quotes, which hold a name as keys are written. */
const patternSegments = (pattern: string): string[] =>
  [...pattern.matchAll(/"(?:[^"\\]|\\.)*"|[^.]+/g)].map(([text]) => {
    try {
      return text.startsWith('"') ? String(JSON.parse(text)) : text;
    } catch {
      return text;
    }
  });

/**
 * How much worse than `old` a metric may be: the tolerance itself, or its share of |old|. Relative to 0 nothing is
 * allowed.
 */
export function allowance({ tolerance }: GateDefinition, old: number): number {
  return typeof tolerance === 'number' ? tolerance : (Number.parseFloat(tolerance) / 100) * Math.abs(old);
}

/**
 * Whether a gate lets a metric pass. The tolerance is inclusive, and the rounding of the subtraction is forgiven:
 * 0.75 → 0.73 passes a tolerance of 0.02. A number that became NaN does not pass; one that was NaN always does.
 */
export function passes(gate: GateDefinition, old: number, now: number): boolean {
  if (Object.is(old, now) || Number.isNaN(old)) return true;
  if (Number.isNaN(now)) return false;
  const worse = gate.better === 'higher' ? old - now : now - old;
  if (worse <= 0) return true;
  if (worse === Number.POSITIVE_INFINITY) return false;
  const slack = 8 * Number.EPSILON * Math.max(Math.abs(old), Math.abs(now));
  return worse <= allowance(gate, old) + slack;
}
