// The results of one version of the project: its metrics files and its parameters.
import { overlayFile } from '../config/overlay.ts';
import type { Shape } from '../config/params-shape.ts';
import { YamlSource } from '../config/yaml-source.ts';
import { replaceTag } from '../config/yaml-value.ts';
import type { Failure } from '../failure.ts';
import { fail, type Result, succeed } from '../result.ts';
import { metricsOuts } from './metrics-outs.ts';
import type { Tree } from './tree.ts';

const metricsFolder = 'metrics';
const paramsFile = 'params.yaml';

export interface Results {
  readonly label: string;
  /** Parsed metrics files by path: `metrics/cnn1/batch32-epochs20.json`. */
  readonly metrics: ReadonlyMap<string, unknown>;
  /** Paths of the outs that this version declares as varying from run to run. */
  readonly varying: readonly string[];
  /** The parameters, nested; undefined where this version has no params.yaml. */
  readonly params: unknown;
}

export interface ResultsOptions {
  /** Whether metrics that differ from run to run are loaded, too: `*.timing.json`, and outs that are declared as varying. */
  readonly timing?: boolean | undefined;
  /** Name of an overlay in profiles/; a version that lacks it is taken without. */
  readonly profile?: string | undefined;
  /** What the schema says of the parameters, for laying the profile over them. */
  readonly shape?: Shape | undefined;
  /** What to do about a metrics file that is broken. */
  readonly hint?: string | undefined;
}

/** Loads and parses all results of a version; every file that is not readable is a failure of its own. */
export async function loadResults(tree: Tree, options: ResultsOptions = {}): Promise<Result<Results>> {
  const profileFile = options.profile === undefined ? undefined : `profiles/${options.profile}.yaml`;
  const { metrics: outs, varying } = await metricsOuts(tree, profileFile, options.shape);
  const folders = [metricsFolder, ...outs];
  const paths = [...folders, paramsFile, ...(profileFile === undefined ? [] : [profileFile])];
  const isMetrics = (path: string): boolean =>
    path !== paramsFile &&
    path !== profileFile &&
    path.endsWith('.json') &&
    (options.timing === true || !(path.endsWith('.timing.json') || isIn(path, varying)));
  const files = await tree.read(
    paths,
    (path) => isMetrics(path) || path === paramsFile || path === profileFile,
  );
  if (!files.ok) return files;

  const failures: Failure[] = [];
  const metrics = new Map<string, unknown>();
  let params: unknown;
  for (const [path, text] of files.value) {
    if (isMetrics(path)) {
      try {
        metrics.set(path, JSON.parse(text));
      } catch (error) {
        failures.push(brokenJson(`${path} in ${tree.label}`, error as SyntaxError, options.hint));
      }
    }
  }
  for (const path of [paramsFile, profileFile]) {
    const text = path === undefined ? undefined : files.value.get(path);
    if (path === undefined || text === undefined) continue;
    const source = YamlSource.parse(text, `${path} in ${tree.label}`, [replaceTag]);
    if (source.ok)
      params = path === paramsFile ? source.value.value : overlayFile(params, source.value, options.shape);
    else failures.push(...source.failures);
  }
  return failures.length > 0 ? fail(...failures) : succeed({ label: tree.label, metrics, varying, params });
}

/** Whether `path` is one of `outs`, or lies in one. */
export const isIn = (path: string, outs: readonly string[]): boolean =>
  outs.some((out) => path === out || path.startsWith(`${out}/`));

function brokenJson(path: string, error: SyntaxError, hint: string | undefined): Failure {
  // The parser's words quote the file, line ends included.
  const message = `It isn't JSON: ${error.message.replaceAll(/\s+/g, ' ')}.`;
  return { reason: 'file', path, message, ...(hint === undefined ? {} : { hint }) };
}

/** The failure of a version that has nothing to compare. */
export function withoutMetrics(label: string, hint: string): Failure {
  return {
    reason: 'usage',
    message: `There is no metrics file (${metricsFolder}/**/*.json) in ${label}.`,
    hint,
  };
}
