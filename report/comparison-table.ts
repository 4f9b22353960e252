// The comparison in words and numbers: its rows, and the Markdown that people read.
import { signed } from './comparison.ts';
import { markdownTable } from './markdown-table.ts';

/** One model trained with one iteration. */
export interface RunRow {
  readonly model: string;
  readonly run: string;
  /** What the frozen convolutions are, for a model that stands on some. */
  readonly backbone?: string;
  /** Of the validation pictures, after the last epoch; so are the other scores. */
  readonly accuracy: number;
  /** Wilson's 95 % interval of the accuracy. */
  readonly accuracyInterval: readonly [number, number];
  readonly loss: number;
  /** Macro averages. */
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly epochs: number;
  /** The epoch of the highest validation accuracy, and that accuracy. */
  readonly bestEpoch: number;
  readonly bestAccuracy: number;
  /** The epoch of the lowest validation loss, and that loss. */
  readonly bestLossEpoch: number;
  readonly bestLoss: number;
}

/** What one step from an iteration to the next did to one model: the later value minus the earlier. */
export interface Change {
  readonly model: string;
  readonly from: string;
  readonly to: string;
  /** `batch 32 → 64` */
  readonly change: string;
  readonly accuracy: number;
  readonly loss: number;
  readonly f1: number;
  /** 95 % interval of the accuracy's difference, by the paired bootstrap. */
  readonly accuracyInterval: readonly [number, number];
  /** Pictures that only the earlier, and only the later run gets right. */
  readonly onlyBefore: number;
  readonly onlyAfter: number;
  /** Of McNemar's mid-P test, and adjusted after Holm for the number of changes. */
  readonly pValue: number;
  readonly adjustedPValue: number;
  readonly verdict: Verdict;
}

/** Whether the accuracies differ by more than the choice of validation pictures explains. */
export type Verdict = 'real' | 'within noise';

/** Adjusted P values below this are called real. */
export const significanceLevel = 0.05;

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
  changes: readonly Change[],
  pictures: number,
): string {
  const table = markdownTable<RunRow>(
    [
      { title: 'Model', align: 'left', text: ({ model }) => model },
      { title: 'Iteration', align: 'left', text: ({ run }) => run },
      { title: 'Accuracy', align: 'right', text: ({ accuracy }) => accuracy.toFixed(3) },
      { title: '95 % interval', align: 'right', text: ({ accuracyInterval: [a, b] }) => `${a.toFixed(3)} … ${b.toFixed(3)}` }, // biome-ignore format: one line
      { title: 'Loss', align: 'right', text: ({ loss }) => loss.toFixed(3) },
      { title: 'Precision', align: 'right', text: ({ precision }) => precision.toFixed(3) },
      { title: 'Recall', align: 'right', text: ({ recall }) => recall.toFixed(3) },
      { title: 'F1', align: 'right', text: ({ f1 }) => f1.toFixed(3) },
      { title: 'Best epoch', align: 'right', text: ({ bestEpoch, epochs }) => `${bestEpoch} of ${epochs}` },
      { title: 'Accuracy then', align: 'right', text: ({ bestAccuracy }) => bestAccuracy.toFixed(3) },
    ],
    runs,
  );
  const sections = [
    '# Comparison of models and iterations\n',
    `Scores on the ${pictures} validation pictures after the last epoch; precision, recall and F1 are means over the classes.\n`,
    table,
    ...backboneNotes(runs).map((note) => `${note}.\n`),
  ];
  if (changes.length > 0) sections.push('## What each change did\n', changesTable(changes), explanation);
  return sections.join('\n');
}

function changesTable(changes: readonly Change[]): string {
  return markdownTable<Change>(
    [
      { title: 'Model', align: 'left', text: ({ model }) => model },
      { title: 'Change', align: 'left', text: ({ change }) => change },
      { title: 'Accuracy', align: 'right', text: ({ accuracy }) => signed(accuracy) },
      { title: '95 % interval', align: 'right', text: ({ accuracyInterval: [a, b] }) => `${signed(a)} … ${signed(b)}` }, // biome-ignore format: one line
      { title: 'Loss', align: 'right', text: ({ loss }) => signed(loss) },
      { title: 'F1', align: 'right', text: ({ f1 }) => signed(f1) },
      { title: 'Right only before : after', align: 'right', text: ({ onlyBefore, onlyAfter }) => `${onlyBefore} : ${onlyAfter}` }, // biome-ignore format: one line
      { title: 'P (adjusted)', align: 'right', text: ({ adjustedPValue }) => pText(adjustedPValue) },
      { title: 'Accuracy differs', align: 'left', text: ({ verdict }) => verdict },
    ],
    changes,
  );
}

const explanation = `\
"Right only before : after" counts the pictures that only the earlier and only the later run gets right. P is McNemar's mid-P test,
adjusted after Holm for the number of changes; a difference is called real below ${significanceLevel}. The intervals are the
paired bootstrap's and are not adjusted. Both take pictures as independent and account for the choice of pictures alone:
another seed, too, would have moved the accuracies.
`;

/** 0.0312 → `0.031`, 0.00002 → `< 0.001`. */
const pText = (p: number) => (p < 0.001 ? '< 0.001' : p.toFixed(3));
