// The comparison in words and numbers: its rows, and the Markdown that people read.
import { fewestSeeds, level } from '../engine/statistics/verdicts.ts';
import { signed } from './comparison.ts';
import { markdownTable } from './markdown-table.ts';
import { type Replicated, replicatedText } from './replicated.ts';
import type { TestedDifference, TestedPair } from './tested-change.ts';

/** One model and iteration, all its seeds. */
export interface RunRow {
  readonly model: string;
  readonly run: string;
  /** What the frozen convolutions are, for a model that has some. */
  readonly backbone?: string;
  /** Side of the split whose images were scored. */
  readonly side: 'validation' | 'test';
  /** Of these images, after the last epoch; so are the other scores. */
  readonly accuracy: Replicated;
  /** 95 % interval of the mean accuracy, over families of images and seeds. */
  readonly accuracyInterval: readonly [number, number];
  readonly loss: Replicated;
  /** Macro averages. */
  readonly precision: Replicated;
  readonly recall: Replicated;
  readonly f1: Replicated;
  /** Mean change of the validation loss from epoch to epoch, in the second half of the training. */
  readonly roughness: Replicated;
  readonly epochs: number;
  /** The epoch of the highest mean validation accuracy, and that accuracy: chosen on the images that it is scored on. */
  readonly bestEpoch: number;
  readonly bestAccuracy: number;
  /** The epoch of the lowest mean validation loss, and that loss. */
  readonly bestLossEpoch: number;
  readonly bestLoss: number;
  /** Seeds whose training diverged. */
  readonly diverged?: readonly number[];
}

/** What separates two rows: the later value minus the earlier. */
export interface Change extends TestedPair {
  /** `cnn1`, or `cnn1 → cnn2` for another model with the same iteration. */
  readonly model: string;
  readonly from: string;
  readonly to: string;
  /** `batch 32 → 64`, or the iteration that two models share. */
  readonly change: string;
}

/** Both families of comparisons. */
export interface Changes {
  /** Each iteration against the one before it, of the same model. */
  readonly iterations: readonly Change[];
  /** Each model against each other one, with the same iteration. */
  readonly models: readonly Change[];
}

/** What each model with a backbone stands on, a line each: `vgg16: ImageNet weights`. */
export function backboneNotes(
  runs: readonly { readonly model: string; readonly backbone?: string | undefined }[],
): string[] {
  return [
    ...new Set(
      runs.flatMap(({ model, backbone }) => (backbone === undefined ? [] : [`${model}: ${backbone}`])),
    ),
  ];
}

/** The comparison as a Markdown page: scores of each run, then what each change did. */
export function comparisonMarkdown(
  runs: readonly RunRow[],
  { iterations, models }: Changes,
  images: number,
): string {
  const table = markdownTable<RunRow>(
    [
      { title: 'Model', align: 'left', text: ({ model }) => model },
      { title: 'Iteration', align: 'left', text: ({ run }) => run },
      { title: 'Accuracy', align: 'right', text: ({ accuracy }) => replicatedText(accuracy) },
      { title: '95 % interval', align: 'right', text: ({ accuracyInterval: [a, b] }) => `${a.toFixed(3)} … ${b.toFixed(3)}` }, // biome-ignore format: one line
      { title: 'Loss', align: 'right', text: ({ loss }) => replicatedText(loss) },
      { title: 'Precision', align: 'right', text: ({ precision }) => precision.mean.toFixed(3) },
      { title: 'Recall', align: 'right', text: ({ recall }) => recall.mean.toFixed(3) },
      { title: 'F1', align: 'right', text: ({ f1 }) => replicatedText(f1) },
      { title: 'Roughness', align: 'right', text: ({ roughness }) => replicatedText(roughness) },
      { title: 'Best epoch', align: 'right', text: ({ bestEpoch, epochs }) => `${bestEpoch} of ${epochs}` },
      {
        title: 'Validation accuracy then',
        align: 'right',
        text: ({ bestAccuracy }) => bestAccuracy.toFixed(3),
      },
    ],
    runs,
  );
  const seeds = Math.max(...runs.map(({ accuracy }) => accuracy.n));
  const { side } = runs[0]!;
  const sections = [
    '# Comparison of models and iterations\n',
    `${scoresNote(seeds, images, side)}\n`,
    table,
    ...backboneNotes(runs).map((note) => `${note}.\n`),
    ...runs.flatMap(({ model, run, diverged = [] }) =>
      diverged.length === 0
        ? []
        : [`${model} ${run}: the training with seed ${diverged.join(', ')} diverged and is left out.\n`],
    ),
  ];
  if (iterations.length > 0)
    sections.push('## What each change of the iteration did\n', changesTable(iterations));
  if (models.length > 0) sections.push('## The models against each other\n', changesTable(models));
  if (iterations.length + models.length > 0) sections.push(explanation(seeds, iterations, models));
  return sections.join('\n');
}

function scoresNote(seeds: number, images: number, side: RunRow['side']): string {
  const what = seeds === 1 ? 'Scores' : `Means of ${seeds} training seeds ± standard deviation, scored`;
  return (
    `${what} on the ${images} ${side} images after the last epoch; precision, recall and F1 are means over the classes. ` +
    'Intervals hold for other design families and other seeds. Roughness is the mean change of the validation loss from epoch to epoch ' +
    'in the second half of a training. The best epoch is chosen on the validation images that its accuracy is of, so that is too good.' +
    (side === 'test' ? ' Nothing was chosen on the test images.' : '')
  );
}

function changesTable(changes: readonly Change[]): string {
  return markdownTable<Change>(
    [
      { title: 'Model', align: 'left', text: ({ model }) => model },
      { title: 'Change', align: 'left', text: ({ change }) => change },
      { title: 'Accuracy', align: 'right', text: ({ scores }) => signed(scores.accuracy.difference) },
      { title: '95 % interval', align: 'right', text: ({ accuracyInterval: [a, b] }) => `${signed(a)} … ${signed(b)}` }, // biome-ignore format: one line
      { title: 'p (adjusted)', align: 'right', text: ({ scores }) => pText(scores.accuracy.adjustedP) },
      { title: 'Accuracy differs', align: 'left', text: ({ scores }) => scores.accuracy.verdict ?? '' },
      { title: 'Right only before : after', align: 'right', text: ({ onlyBefore, onlyAfter }) => `${onlyBefore} : ${onlyAfter}` }, // biome-ignore format: one line
      { title: 'F1', align: 'right', text: ({ scores }) => testedText(scores.f1) },
      { title: 'Loss', align: 'right', text: ({ scores }) => testedText(scores.loss) },
      { title: 'Roughness', align: 'right', text: ({ scores }) => testedText(scores.roughness) },
    ],
    changes,
  );
}

/** `−0.041, real` */
const testedText = ({ difference, verdict }: TestedDifference): string =>
  verdict === null ? signed(difference) : `${signed(difference)}, ${verdict}`;

function explanation(seeds: number, iterations: readonly Change[], models: readonly Change[]): string {
  const family = `the ${iterations.length} changes of the iteration and the ${models.length} pairs of models are one family each`;
  const counted =
    '"Right only before : after" counts the images that most seeds get right only before and only after the change.';
  if (seeds < fewestSeeds)
    return `\
${counted.replace('most seeds get', 'the trained network gets')} p is that of the exact sign-flip test over design families, adjusted after Holm
(${family}). It says whether these trained networks differ on these images; another seed may turn it around. Set \`train.seeds\`
to ${fewestSeeds} or more to learn what other seeds would say.
`;
  return `\
${counted} p is that of a paired t-test over the seeds whose variance all comparisons of its family steady, adjusted after Holm
(${family}); a difference is real below ${level}. See docs/statistics.md.
`;
}

/** 0.0312 → `0.031`, 0.00002 → `< 0.001`. */
const pText = (p: number | null) => (p === null ? '' : p < 0.001 ? '< 0.001' : p.toFixed(3));
