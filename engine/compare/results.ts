// The results of one version of the project: its metrics files, predictions, lock and parameters.
import { createHash } from 'node:crypto';
import { overlayFile } from '../config/overlay.ts';
import type { Shape } from '../config/params-shape.ts';
import { YamlSource } from '../config/yaml-source.ts';
import { replaceTag } from '../config/yaml-value.ts';
import type { Failure } from '../failure.ts';
import { parseLock } from '../lock/read.ts';
import { type LockBlock, lockFile } from '../lock-file.ts';
import { fail, type Result, succeed } from '../result.ts';
import type { DottedKey } from './flatten.ts';
import { type Metric, metricsOf, parseMetrics } from './metric.ts';
import { metricsOuts } from './metrics-outs.ts';
import {
  decode,
  type Images,
  imagesOf,
  type Predictions,
  type PredictionsFile,
  predictionsEnd,
  predictionsFileOf,
} from './predictions.ts';
import type { Tree } from './tree.ts';

const metricsFolder = 'metrics';
const paramsFile = 'params.yaml';

/** A metrics file that could be read. */
export interface MetricsFile {
  /** SHA-256 of the file. */
  readonly hash: string;
  readonly document: unknown;
  readonly metrics: ReadonlyMap<DottedKey, Metric>;
}

/** A file that can't be used, and why. */
export interface FileProblem {
  /** Label of the version. */
  readonly version: string;
  readonly path: string;
  readonly message: string;
}

export interface Results {
  readonly label: string;
  /** Metrics files by path: `metrics/cnn1/batch32-epochs20.json`. */
  readonly files: ReadonlyMap<string, MetricsFile>;
  /** Path of a metrics file → the answers that it is about. */
  readonly predictions: ReadonlyMap<string, Predictions>;
  /** SHA-256 of files that can't be parsed, by path. */
  readonly unreadable: ReadonlyMap<string, string>;
  readonly problems: readonly FileProblem[];
  /** Blocks of pipeline.lock by instance; undefined if this version has none. */
  readonly lock: ReadonlyMap<string, LockBlock> | undefined;
  /** Paths of the outs that this version declares as varying from run to run. */
  readonly varying: readonly string[];
  /** The parameters of params.yaml, nested; undefined if this version has none. */
  readonly params: unknown;
}

export interface ResultsOptions {
  /** Whether metrics that differ from run to run are loaded, too: `*.timing.json`, and outs that are declared as varying. */
  readonly timing?: boolean | undefined;
  /** Name of an overlay in profiles/; a version that lacks it is taken without. */
  readonly profile?: string | undefined;
  /** What the schema says of the parameters, for laying the profile over them. */
  readonly shape?: Shape | undefined;
}

/** Loads all results of a version. A metrics file that is not readable is a problem, and the rest is loaded. */
export async function loadResults(tree: Tree, options: ResultsOptions = {}): Promise<Result<Results>> {
  const profileFile = options.profile === undefined ? undefined : `profiles/${options.profile}.yaml`;
  const { metrics: outs, varying } = await metricsOuts(tree, profileFile, options.shape);
  const folders = [metricsFolder, ...outs];
  const others = [paramsFile, lockFile, ...(profileFile === undefined ? [] : [profileFile])];
  const isMetrics = (path: string): boolean =>
    !others.includes(path) &&
    path.endsWith('.json') &&
    (options.timing === true || !(path.endsWith('.timing.json') || isIn(path, varying)));
  const texts = await tree.read([...folders, ...others], (path) => isMetrics(path) || others.includes(path));
  if (!texts.ok) return texts;
  const params = paramsOf(texts.value, tree.label, profileFile, options.shape);
  if (!params.ok) return params;
  const lock = texts.value.get(lockFile);
  const metrics = new Map([...texts.value].filter(([path]) => isMetrics(path)));
  return succeed({
    label: tree.label,
    ...readMetrics(metrics, tree.label),
    lock: lock === undefined ? undefined : parseLock(lock).blocks,
    varying,
    params: params.value,
  });
}

function paramsOf(
  texts: ReadonlyMap<string, string>,
  label: string,
  profileFile: string | undefined,
  shape: Shape | undefined,
): Result<unknown> {
  const failures: Failure[] = [];
  let params: unknown;
  for (const path of [paramsFile, profileFile]) {
    const text = path === undefined ? undefined : texts.get(path);
    if (path === undefined || text === undefined) continue;
    const source = YamlSource.parse(text, `${path} in ${label}`, [replaceTag]);
    if (source.ok)
      params = path === paramsFile ? source.value.value : overlayFile(params, source.value, shape);
    else failures.push(...source.failures);
  }
  return failures.length > 0 ? fail(...failures) : succeed(params);
}

type Read = Pick<Results, 'files' | 'predictions' | 'unreadable' | 'problems'>;

function readMetrics(texts: ReadonlyMap<string, string>, version: string): Read {
  const files = new Map<string, MetricsFile>();
  const unreadable = new Map<string, string>();
  const problems: FileProblem[] = [];
  const images = new Map<string, Images>();
  const answers = new Map<string, PredictionsFile & { readonly hash: string }>();
  for (const [path, text] of texts) {
    const hash = createHash('sha256').update(text).digest('hex');
    let document: unknown;
    try {
      document = parseMetrics(text);
    } catch (error) {
      unreadable.set(path, hash);
      // The parser's words quote the file, line ends included.
      const words = (error as SyntaxError).message.replaceAll(/\s+/g, ' ');
      problems.push({ version, path, message: `it isn't JSON: ${words}` });
      continue;
    }
    const predicted = path.endsWith(predictionsEnd) ? predictionsFileOf(document) : undefined;
    if (predicted !== undefined) {
      answers.set(path, { ...predicted, hash });
      continue;
    }
    const list = imagesOf(document);
    if (list !== undefined) images.set(path, list);
    files.set(path, { hash, document, metrics: metricsOf(document) });
  }
  const predictions = new Map<string, Predictions>();
  for (const [path, file] of answers) {
    const list = images.get(file.images);
    const decoded = list && decode(file, list, file.hash);
    if (decoded !== undefined) predictions.set(`${path.slice(0, -predictionsEnd.length)}.json`, decoded);
    else
      problems.push({
        version,
        path,
        message:
          list === undefined
            ? `there is no list of images \`${file.images}\``
            : `it has not one answer for each of the ${list.images.length} images of ${file.images}`,
      });
  }
  return { files, predictions, unreadable, problems };
}

/** Whether `path` is one of `outs`, or lies in one. */
export const isIn = (path: string, outs: readonly string[]): boolean =>
  outs.some((out) => path === out || path.startsWith(`${out}/`));

/** The failure of a version that has nothing to compare. */
export function withoutMetrics(label: string, hint: string): Failure {
  return {
    reason: 'usage',
    message: `There is no metrics file (${metricsFolder}/**/*.json) in ${label}.`,
    hint,
  };
}
