// An instance: one stage of pipeline.yaml for one combination of its matrix, with every template resolved.
import type { Path } from '../config/yaml-source.ts';

export interface Instance {
  /** `resize`, or `train:cnn1:batch64-epochs20`. */
  readonly name: string;
  readonly stage: string;
  readonly cmd: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly matrix: Readonly<Record<string, unknown>>;
  /** Dotted names and values of the parameters that it may read. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly deps: readonly Dependency[];
  readonly outs: readonly Out[];
  /** Environment facts that it depends on. */
  readonly env: readonly string[];
  readonly slots: number | 'all';
}

/** A named dependency. */
export interface Dependency {
  readonly name: string;
  /** As written: relative to the project, with `/`. One path, or all the paths that it stands for in code-unit order. */
  readonly paths: readonly string[];
  /** Whether it stands for a list, so that the stage gets a list even when there is one path. */
  readonly list: boolean;
  /** Where pipeline.yaml says so. */
  readonly at: Path;
}

/** A named output. */
export interface Out {
  readonly name: string;
  readonly path: string;
  readonly at: Path;
}
