// The store of a workspace for verbs that make no plan.
import { readPipeline } from '../config/pipeline.ts';
import { storeFolder } from './store-folder.ts';

/** The folder of the store. If pipeline.yaml can't be read, it names none. */
export function storeAt(root: string): string {
  const pipeline = readPipeline(root);
  return storeFolder(root, pipeline.ok ? pipeline.value.definition.cache?.store : undefined);
}
