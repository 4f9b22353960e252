// What pipeline.yaml may say: the zod schema of the file, before templates are resolved. Editors get it as JSON Schema.
import * as z from 'zod';
import { durationPattern } from './duration.ts';
import { shellPattern } from './shell.ts';
import { sizePattern } from './size.ts';

const name = z.string().regex(/^[A-Za-z][\w-]*$/, 'letters, digits, _ and -, beginning with a letter');
const path = z.string().min(1);

/** Paths by name, or a list of paths, each then named by itself. */
const deps = z
  .union([z.record(name, path), z.array(path)])
  .describe(
    'What the command reads: paths by name, `{ text: texts/a.txt }`, or a list. A path is a file, a directory, a glob such as ' +
      '`texts/*.txt`, or `${stages.STAGE.OUT}` for the out of all instances of a stage. One that resolves to null is an ' +
      'absent, optional dependency. The code of TypeScript and JavaScript commands counts with all that it imports; of a ' +
      'Python, R or shell command only the script that `cmd` names does: name the modules that it imports here.',
  );

const out = z.union([
  path,
  z
    .strictObject({
      path: path.describe('Where the out goes, relative to `wdir`.'),
      cache: z
        .boolean()
        .optional()
        .describe(
          'false: the out is kept in the workspace only, not in the store. pipeline.lock holds its hash; when it is deleted or edited, the stage runs again.',
        ),
      varies: z
        .boolean()
        .optional()
        .describe(
          'true: each run makes other content, such as timings. pipeline.lock does not hold its hash, so a run that differs only in this leaves git clean; name the path in .gitignore. What reads it must say of each of its own outs whether it varies, too.',
        ),
    })
    .describe('A path, and how it is kept.'),
]);
const outs = z.union([z.record(name, out), z.array(out)]);

const integer = z.union([z.int(), z.string().regex(/^\$\{[^}]+\}$/, 'an integer or a ${template}')]);

/** An axis of a matrix: its values, its values by label, consecutive integers, or a template that stands for one of these. */
const axis = z
  .union([
    z.string().regex(/^\$\{[^}]+\}$/, 'a list, a mapping or a ${template}'),
    z.array(z.union([z.string(), z.number(), z.boolean(), z.record(z.string(), z.unknown())])).min(1),
    z.strictObject({
      from: integer.describe('The first of consecutive integers.'),
      count: integer.describe('How many integers.'),
    }),
    z.record(name, z.record(z.string(), z.unknown())),
  ])
  .describe(
    'Values of an axis: a list of scalars or objects, a mapping of labels to objects, consecutive integers such as ' +
      '`{ from: 20, count: 5 }`, or a template that stands for one of these.',
  );

const matrix = z
  .object({
    exclude: z
      .array(
        z.record(
          name,
          z.union([z.string(), z.number(), z.boolean(), z.null(), z.record(z.string(), z.unknown())]),
        ),
      )
      .optional()
      .describe(
        'Combinations to leave out. An entry gives a label, a value or some fields of the value for some of the axes: `{ model: cnn1, run: { epochs: 30 } }`.',
      ),
  })
  .catchall(axis)
  .superRefine((axes, context) => {
    for (const key of Object.keys(axes))
      if (!name.safeParse(key).success)
        context.addIssue({
          code: 'custom',
          path: [key],
          message: 'an axis is named with letters, digits, _ and -, beginning with a letter',
        });
  });

const command = z.string().min(1);

const shell = z
  .string()
  .regex(shellPattern, 'a program and its options without quotes, such as `bash -euo pipefail` or `sh -eu`');

const resume = z.strictObject({
  by: z
    .string()
    .min(1)
    .describe(
      'A number that may grow: a parameter that the stage names, or a field of a matrix axis, such as `run.epochs`.',
    ),
  from: z
    .string()
    .min(1)
    .describe('Name of the out that a run with a smaller number leaves to go on from, such as `checkpoint`.'),
  with: z
    .array(z.string().min(1))
    .optional()
    .describe(
      'Names of further outs of that run that the stage gets to see, such as what it measured so far.',
    ),
});

export const StageSchema = z.strictObject({
  cmd: z
    .union([command, z.array(command).min(1)])
    .describe(
      'Shell command, or several that run in order until one fails; in `wdir`, with node_modules/.bin on the PATH. ' +
        '`${deps.NAME}`, `${lists.NAME}`, `${outs.NAME}` and `${resume.from}` stand for quoted paths, `${listfiles.NAME}` for a file with the paths of a list, one a line; `\\${NAME}` is left to the shell.',
    ),
  shell: shell
    .optional()
    .describe('Shell that runs the commands of this stage, instead of the one that the pipeline names.'),
  wdir: path
    .optional()
    .describe(
      'Folder inside the project in which the command runs; paths of deps, outs and scripts are relative to it. Default: the project.',
    ),
  matrix: matrix
    .optional()
    .describe('One instance of the stage for each combination of the values of these axes.'),
  params: z
    .array(z.string().min(1))
    .optional()
    .describe('Dotted names of the parameters that the command may read; no other reaches it.'),
  deps: deps.optional(),
  outs: outs
    .optional()
    .describe(
      'What the command makes: paths by name, or a list. It writes each to `${outs.NAME}`; the engine puts it into its place.',
    ),
  metrics: outs
    .optional()
    .describe('Outs that are metrics: JSON files with numbers, which compare and check read.'),
  plots: outs.optional().describe('Outs that are plots.'),
  env: z
    .array(z.string().min(1))
    .optional()
    .describe(
      'What else the result depends on: environment facts named under `environment`, or variables of the process in capitals, of whose values pipeline.lock has a hash only.',
    ),
  slots: z
    .union([z.int().min(1), z.literal('all')])
    .optional()
    .describe('How many of the job slots (`repro --jobs`) the command takes; `all` runs alone. Default: 1.'),
  timeout: z
    .string()
    .regex(durationPattern, 'a duration such as `90 s`, `30 min`, `2 h` or `1 d`')
    .optional()
    .describe(
      'How long the command may take, such as `90 s`, `30 min`, `2 h` or `1 d`; then it is ended with all that it started.',
    ),
  always: z
    .boolean()
    .optional()
    .describe(
      'true: it runs every time, for inputs that the engine can not see. What depends on it runs only if its outs changed.',
    ),
  frozen: z
    .boolean()
    .optional()
    .describe(
      'true: it never runs; its outs count as they stand, and nothing that it needs runs for its sake.',
    ),
  resume: resume
    .optional()
    .describe('A run may go on from what a run that differs only in a smaller number left.'),
});
export type StageSchema = z.infer<typeof StageSchema>;

export const PipelineSchema = z.strictObject({
  params: path
    .optional()
    .describe(
      'A module whose default export is the zod schema of params.yaml; all parameters are checked against it.',
    ),
  environment: z
    .record(name, path)
    .optional()
    .describe(
      'Environment facts by name, such as the training backend: modules whose default export finds out.',
    ),
  shell: shell
    .optional()
    .describe(
      'Shell that runs the commands: a program and its options, to which `-c` and the command are added. Default: ' +
        '`bash -euo pipefail`, which stops at a command that fails, also inside a pipe, and at a variable that is not set; ' +
        'without bash `sh -eu`, which overlooks failures inside a pipe.',
    ),
  cache: z
    .strictObject({
      store: path
        .optional()
        .describe(
          'Folder of the store, which other workspaces may share: relative to the project, absolute, or with `~` for the home directory. The environment variable RODADA_STORE replaces it. Default: cache/.',
        ),
      limit: z
        .string()
        .regex(sizePattern, 'a size such as `500 MB`, `20 GB` or `1.5 TiB`')
        .optional()
        .describe(
          'How large the results in the store may grow, such as `20 GB`; logs and records come on top. After a repro that exceeds it, and by `rodada gc`, the results that were not used for longest are removed; what pipeline.lock names stays.',
        ),
    })
    .optional()
    .describe('The store of results.'),
  vars: z
    .record(name, z.unknown())
    .optional()
    .describe(
      'Values for templates, and anchors for what several stages share. Texts in them may name parameters and the vars before them: `${seed}`.',
    ),
  stages: z
    .record(name, StageSchema)
    .describe('The stages by name: each a command, what it reads and what it makes.'),
});
export type PipelineSchema = z.infer<typeof PipelineSchema>;
