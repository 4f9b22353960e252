// Where a version of the project keeps its metrics: the outs that its pipeline.yaml names as such.
import { overlayFile } from '../config/overlay.ts';
import { paramsFile } from '../config/params.ts';
import type { Shape } from '../config/params-shape.ts';
import { parsePipeline, pipelineFile } from '../config/pipeline.ts';
import { YamlSource } from '../config/yaml-source.ts';
import { replaceTag } from '../config/yaml-value.ts';
import { expand } from '../plan/expand.ts';
import type { Tree } from './tree.ts';

/** Outs of a version: which are metrics, and which differ on every run. */
export interface MetricsOuts {
  readonly metrics: readonly string[];
  readonly varying: readonly string[];
}

/**
 * The metrics outs of a version, in the order of its pipeline.yaml, and all that vary. A pipeline that this engine can't
 * read, of an older version perhaps, has none.
 */
export async function metricsOuts(
  tree: Tree,
  profileFile: string | undefined,
  shape: Shape | undefined,
): Promise<MetricsOuts> {
  const none = { metrics: [], varying: [] };
  const wanted = [pipelineFile, paramsFile, ...(profileFile === undefined ? [] : [profileFile])];
  const files = await tree.read(wanted, (path) => wanted.includes(path));
  const text = files.ok ? files.value.get(pipelineFile) : undefined;
  if (!files.ok || text === undefined || !/\bmetrics\b/.test(text)) return none;
  const source = YamlSource.parse(text, pipelineFile);
  const pipeline = source.ok ? parsePipeline(source.value) : source;
  if (!pipeline.ok) return none;
  let values: unknown = {};
  for (const file of wanted.slice(1)) {
    const params = YamlSource.parse(files.value.get(file) ?? '', file, [replaceTag]);
    if (params.ok) values = overlayFile(values, params.value, shape);
  }
  const expanded = expand(pipeline.value, {
    values: values as Record<string, unknown>,
    exists: files.value.has(paramsFile),
    position: () => undefined,
  });
  if (!expanded.ok) return none;
  const outs = expanded.value.instances.flatMap((instance) => instance.outs);
  return {
    metrics: outs.filter(({ kind }) => kind === 'metrics').map(({ path }) => path),
    varying: outs.filter(({ varies }) => varies === true).map(({ path }) => path),
  };
}
