// An instance: one stage of pipeline.yaml for one combination of its matrix, with every template resolved.
import type { Path } from '../config/yaml-source.ts';

export interface Instance {
  /** `resize`, or `train:cnn1:batch64-epochs20`. */
  readonly name: string;
  readonly stage: string;
  /** Shell commands, run in this order until one fails; templates of deps and outs are still in them. */
  readonly cmds: readonly string[];
  /** The shell that runs them and its options, separated by a space. */
  readonly shell: string;
  /** Folder that the commands run in, relative to the project; `.` is the project itself. */
  readonly wdir: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly matrix: Readonly<Record<string, unknown>>;
  /** Dotted names and values of the parameters that it may read. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly deps: readonly Dependency[];
  readonly outs: readonly Out[];
  /** Environment facts that it depends on. */
  readonly env: readonly string[];
  readonly slots: number | 'all';
  /** How long its commands may take together, as written and in seconds; null where they may take any time. */
  readonly timeout: { readonly text: string; readonly seconds: number } | null;
  /** Whether it runs every time. */
  readonly always: boolean;
  /** Whether it never runs. */
  readonly frozen: boolean;
  /** From which runs one of it may go on; null where each starts from scratch. */
  readonly resume: Resume | null;
}

/** A named dependency. */
export interface Dependency {
  readonly name: string;
  /** Relative to the project, with `/`. One path, or all the paths that it stands for in code-unit order. */
  readonly paths: readonly string[];
  /** Whether it stands for a list, so that the stage gets a list even when there is one path. */
  readonly list: boolean;
  /** What a list was written as, with its templates resolved: a glob, or a reference to the out of a stage. */
  readonly pattern: string | null;
  /** Where pipeline.yaml says so. */
  readonly at: Path;
}

/** A named output. */
export interface Out {
  readonly name: string;
  /** Relative to the project, with `/`. */
  readonly path: string;
  /** Under which field of the stage it stands. */
  readonly kind: OutKind;
  /** Whether the store keeps it; otherwise only the workspace does. */
  readonly cache: boolean;
  /** Whether each run makes other content, so that git does not keep it; undefined if pipeline.yaml does not say. */
  readonly varies: boolean | undefined;
  readonly at: Path;
}

export const outKinds = ['outs', 'metrics', 'plots'] as const;
export type OutKind = (typeof outKinds)[number];

/** A run may go on from the out `from` of a run that differs only in a smaller number at `by`. */
export interface Resume {
  /** Where the number stands: in a matrix axis (`run`, `epochs`), or under the name of a parameter. */
  readonly by: { readonly in: 'matrix' | 'params'; readonly path: readonly string[] };
  readonly from: string;
  /** Further outs of that run that the stage gets. */
  readonly with: readonly string[];
}
