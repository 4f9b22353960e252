// What is worth a word but stops nothing, as data. The texts live in reporters/warning-text.ts alone.
import type { SourcePosition } from './failure.ts';

export type Warning =
  /** A parameter, or a whole group of them, that no stage and no template names. */
  | { readonly what: 'unused-param'; readonly name: string; readonly position?: SourcePosition }
  /** An entry of `vars` that no template names and no alias repeats. */
  | { readonly what: 'unused-var'; readonly name: string; readonly position?: SourcePosition }
  /** A named dependency whose command takes its other paths by template, but not this one. */
  | {
      readonly what: 'unused-dep';
      readonly stage: string;
      readonly name: string;
      readonly position?: SourcePosition;
    }
  /** A dependency or parameter that a stage names and that nothing in its code is called. */
  | {
      readonly what: 'unread';
      readonly stage: string;
      readonly kind: 'param' | 'dep';
      readonly name: string;
    }
  /** An entry of a matrix' `exclude` that no combination matches. */
  | { readonly what: 'unused-exclude'; readonly stage: string; readonly position?: SourcePosition }
  /** A command starts a program whose code is not found in the project. */
  | { readonly what: 'no-code'; readonly stage: string; readonly command: string }
  /** Code that imports modules by names that it computes. */
  | { readonly what: 'computed-import'; readonly stage: string; readonly file: string }
  /** A file that a command writes, that is no output, and that stays in the project. */
  | { readonly what: 'undeclared-write'; readonly stage: string; readonly path: string }
  /** A large file that a command names without depending on it. `size` in bytes. */
  | { readonly what: 'large-file'; readonly stage: string; readonly path: string; readonly size: number }
  /** A stage that reads params.yaml itself; `by` is the file with the code, or `cmd`. */
  | { readonly what: 'reads-params'; readonly stage: string; readonly by: string }
  /** Files of outputs that vary from run to run and that git does not ignore. */
  | { readonly what: 'varying-in-git'; readonly paths: readonly string[] }
  /** Commands run in the fallback shell, as bash is not installed and pipeline.yaml names no shell. */
  | { readonly what: 'no-bash' }
  /** A glob that matches files inside an out: what an out holds is known only by its own name. */
  | {
      readonly what: 'glob-inside-out';
      readonly stage: string;
      readonly pattern: string;
      readonly out: string;
      readonly position?: SourcePosition;
    };
