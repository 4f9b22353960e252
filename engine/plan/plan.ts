// From the files on disk to a checked graph: everything that can be found wrong before the first stage is found here.
import { type Params, type ParamsOptions, readParams } from '../config/params.ts';
import { type Pipeline, readPipeline } from '../config/pipeline.ts';
import { type Result, succeed } from '../result.ts';
import { expand } from './expand.ts';
import { buildGraph, type Graph } from './graph.ts';

export interface Plan {
  readonly root: string;
  readonly pipeline: Pipeline;
  readonly params: Params;
  readonly graph: Graph;
}

export async function makePlan(root: string, options: Omit<ParamsOptions, 'schema'>): Promise<Result<Plan>> {
  const pipeline = readPipeline(root);
  if (!pipeline.ok) return pipeline;
  const params = await readParams(root, { ...options, schema: pipeline.value.definition.params });
  if (!params.ok) return params;
  const instances = expand(pipeline.value, params.value);
  if (!instances.ok) return instances;
  const graph = buildGraph(instances.value, pipeline.value, root);
  if (!graph.ok) return graph;
  return succeed({ root, pipeline: pipeline.value, params: params.value, graph: graph.value });
}
