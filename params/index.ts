// The schema of params.yaml as a whole: the engine checks every parameter against it before the first stage starts.
import { z } from 'zod';
import { BackboneParams } from './backbone.ts';
import { checkTogether } from './consistency.ts';
import { ExploreParams } from './explore.ts';
import { FilterParams } from './filter.ts';
import { GatesParams } from './gates.ts';
import { IterationParams } from './iteration.ts';
import { ModelsParams } from './models.ts';
import { ResizeParams } from './resize.ts';
import { SeedParam } from './seed.ts';
import { SourceParams } from './source.ts';
import { SplitParams } from './split.ts';
import { TrainParams } from './train.ts';

export default z
  .strictObject({
    seed: SeedParam,
    source: SourceParams,
    filter: FilterParams,
    explore: ExploreParams,
    resize: ResizeParams,
    split: SplitParams,
    train: TrainParams,
    iterations: z.array(IterationParams).min(1),
    models: ModelsParams,
    backbone: BackboneParams,
    gates: GatesParams,
  })
  .superRefine(checkTogether);
