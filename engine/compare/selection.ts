// What `--only` chooses: metrics files by a glob, and with `:KEY` some of their metrics.
import picomatch from 'picomatch';
import { fail, type Result, succeed } from '../result.ts';
import { compileGate } from './gates.ts';
import type { FilePair, MetricPair } from './pairs.ts';

export interface Selection {
  readonly files: (path: string) => boolean;
  /** Which metrics of the files; undefined if the pattern names none. */
  readonly metrics: ((pair: MetricPair) => boolean) | undefined;
}

/**
 * `cnn1`, `cnn1/*`, `metrics/cnn1/**` or `**:loss`. A path may leave out `metrics/` and `.json`; a folder stands for all in it. With
 * `:` it is a pattern as gates have it.
 */
export function selectionOf(pattern: string | undefined, files: readonly FilePair[]): Result<Selection> {
  if (pattern === undefined) return succeed({ files: () => true, metrics: undefined });
  const colon = pattern.indexOf(':');
  const path = colon < 0 ? pattern : pattern.slice(0, colon);
  const matches = picomatch([path, `${path}/**`], { dot: true, windows: false });
  const chosen = (file: string): boolean => formsOf(file).some((form) => matches(form));
  if (!files.some((file) => chosen(file.path))) {
    const hint = "Patterns are globs of paths, such as 'metrics/cnn1/**', or PATH:KEY, such as '**:loss'.";
    return fail({ reason: 'usage', message: `--only ${pattern} matches no metrics file.`, hint });
  }
  if (colon < 0) return succeed({ files: chosen, metrics: undefined });
  const key = compileGate({ metric: `**:${pattern.slice(colon + 1)}`, better: 'higher', tolerance: 0 });
  const metrics = (pair: MetricPair): boolean =>
    chosen(pair.file.path) && key.matches(pair.file.path, pair.key);
  return succeed({ files: chosen, metrics });
}

function formsOf(path: string): string[] {
  const short = path.replace(/^metrics\//, '');
  return [path, short].flatMap((form) => [form, form.replace(/\.json$/, '')]);
}
