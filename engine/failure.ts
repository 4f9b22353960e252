// Every expected failure of the engine, as data. Their texts live in reporters/failure-text.ts alone.

/** A place in a YAML file, drawn with its line and a caret. */
export interface SourcePosition {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** Characters to underline. */
  readonly length: number;
  /** The line itself. */
  readonly text: string;
}

/** Something in pipeline.yaml, params.yaml, a profile or `--set` is not as it must be. */
export interface ConfigurationFailure {
  readonly reason: 'configuration';
  readonly message: string;
  /** What was probably meant, or the next step. */
  readonly hint?: string;
  readonly position?: SourcePosition;
}

/** A file that the engine needs is not there or can't be read. */
export interface FileFailure {
  readonly reason: 'file';
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
}

/** The command line is not understood. */
export interface UsageFailure {
  readonly reason: 'usage';
  readonly message: string;
  readonly hint?: string;
}

/** A stage's command ended with an error, or did not leave what it declares. */
export interface StageFailure {
  readonly reason: 'stage';
  readonly stage: string;
  readonly message: string;
  /** null where the command did not exit by itself. */
  readonly exitCode: number | null;
  /** Last lines of the log. */
  readonly tail: readonly string[];
  /** Where the whole log is; null where nothing was started. */
  readonly log: string | null;
  /** Dependents that can't run because of it. */
  readonly skips: readonly string[];
}

/** An environment fact, such as the training backend, could not be had. */
export interface EnvironmentFailure {
  readonly reason: 'environment';
  readonly name: string;
  readonly message: string;
  /** Where pipeline.yaml names the module that finds it. */
  readonly position: SourcePosition;
}

/** Another run holds the lock of this workspace. */
export interface LockedFailure {
  readonly reason: 'locked';
  readonly pid: number;
  readonly host: string;
  readonly since: string;
  /** Of a process in another container or on another host: seconds without a sign of life, and after how many it is dead. */
  readonly silence?: { readonly seconds: number; readonly limit: number };
  /** The store that the run uses, if it is the store that is locked and not this workspace. */
  readonly store?: string;
}

/** Another run took over from this one, which gave no sign of life, or somebody deleted its claim. */
export interface LostLockFailure {
  readonly reason: 'lost-lock';
  /** Seconds without a sign of life after which another run takes over. */
  readonly limit: number;
}

/** Content that pipeline.lock names can't be had from the store. */
export interface NotStoredFailure {
  readonly reason: 'not-stored';
  readonly stage: string;
  readonly path: string;
  /** `uncached`: an out with `cache: false`. */
  readonly why: 'missing' | 'damaged' | 'uncached';
}

/** An out holds what neither the store nor pipeline.lock knows, and would be lost. */
export interface UnsavedFailure {
  readonly reason: 'unsaved';
  readonly stage: string;
  readonly path: string;
}

/** What no run made is at an output's path, and the stage would replace it. */
export interface UnownedFailure {
  readonly reason: 'unowned';
  readonly stage: string;
  readonly path: string;
  /** Dependents that can't run because of it. */
  readonly skips: readonly string[];
}

/** The operating system refused something outside of a stage: a full disk, a folder that can't be written. */
export interface SystemFailure {
  readonly reason: 'system';
  readonly path: string;
  readonly message: string;
}

/** Ctrl-C, or a signal that asks to end. */
export interface InterruptedFailure {
  readonly reason: 'interrupted';
  readonly signal: string;
}

export type Failure =
  | ConfigurationFailure
  | FileFailure
  | UsageFailure
  | StageFailure
  | EnvironmentFailure
  | LockedFailure
  | LostLockFailure
  | NotStoredFailure
  | UnsavedFailure
  | UnownedFailure
  | SystemFailure
  | InterruptedFailure;

/** What must be mended before anything can start. */
const setUp: ReadonlySet<Failure['reason']> = new Set(['configuration', 'usage', 'file', 'environment']);

/** 2 where the user must mend the configuration or the call, 1 where the work failed. */
export function exitCodeOf(failures: readonly Failure[]): 0 | 1 | 2 {
  if (failures.length === 0) return 0;
  return failures.some(({ reason }) => setUp.has(reason)) ? 2 : 1;
}
