// What pipeline.yaml may say: the zod schema of the file, before templates are resolved.
import { z } from 'zod';

const name = z.string().regex(/^[A-Za-z][\w-]*$/, 'letters, digits, _ and -, beginning with a letter');
const path = z.string().min(1);

/** Paths by name, or a list of paths, each then named by itself. */
const paths = z.union([z.record(name, path), z.array(path)]);

/** An axis of a matrix: its values, its values by label, or a template that stands for either. */
const axis = z.union([
  z.string().regex(/^\$\{[^}]+\}$/, 'a list, a mapping or a ${template}'),
  z.array(z.union([z.string(), z.number(), z.boolean(), z.record(z.string(), z.unknown())])).min(1),
  z.record(name, z.record(z.string(), z.unknown())),
]);

export const StageSchema = z.strictObject({
  /** Shell command, run in the project's folder with node_modules/.bin on the PATH. */
  cmd: z.string().min(1),
  /** One instance for each combination of the axes' values. */
  matrix: z.record(name, axis).optional(),
  /** Dotted names of the parameters that the command may read. */
  params: z.array(z.string().min(1)).optional(),
  /** What the command reads; a template that resolves to null is an absent, optional dependency. */
  deps: paths.optional(),
  /** What the command makes. */
  outs: paths,
  /** Environment facts, or variables of the process, that the result depends on. */
  env: z.array(z.string().min(1)).optional(),
  /** Jobs' worth of the machine that the command takes; `all` runs alone. */
  slots: z.union([z.int().min(1), z.literal('all')]).optional(),
});
export type StageSchema = z.infer<typeof StageSchema>;

export const PipelineSchema = z.strictObject({
  /** A module whose default export is the zod schema of params.yaml. */
  params: path.optional(),
  /** Environment facts by name: modules whose default export says what is in reach. */
  environment: z.record(name, path).optional(),
  /** Values for templates, and anchors for what several stages share. */
  vars: z.record(name, z.unknown()).optional(),
  stages: z.record(name, StageSchema),
});
export type PipelineSchema = z.infer<typeof PipelineSchema>;
