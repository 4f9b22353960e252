// The scores of one model and iteration as a Markdown table: a line for each class, then the averages.
import type { Evaluation } from './evaluation.ts';
import { markdownTable } from './markdown-table.ts';
import { type Replicated, replicatedText } from './replicated.ts';

interface Line {
  readonly name: string;
  readonly precision: Replicated;
  readonly recall: Replicated;
  readonly f1: Replicated;
  readonly support: number;
}

/** Shares with three decimals, mean ± standard deviation over the seeds; `Images` is the class's support. */
export function scoresTable(evaluation: Evaluation): string {
  const { model, run, accuracy, loss, perClass, weighted, precision, recall, f1 } = evaluation;
  const classes = Object.entries(perClass).map(([name, scores]) => ({ name, ...scores }));
  const support = classes.reduce((sum, line) => sum + line.support, 0);
  const score = (key: 'precision' | 'recall' | 'f1') => (line: Line) => replicatedText(line[key]);
  const table = markdownTable<Line>(
    [
      { title: 'Class', align: 'left', text: ({ name }) => name },
      { title: 'Precision', align: 'right', text: score('precision') },
      { title: 'Recall', align: 'right', text: score('recall') },
      { title: 'F1', align: 'right', text: score('f1') },
      { title: 'Images', align: 'right', text: (line) => String(line.support) },
    ],
    [
      ...classes,
      { name: 'mean of the classes', precision, recall, f1, support },
      { name: 'mean of the images', ...weighted, support },
    ],
  );
  const seeds = accuracy.n === 1 ? '' : ` (${accuracy.n} seeds)`;
  return `${model}, ${run}: accuracy ${replicatedText(accuracy)}, loss ${replicatedText(loss)}${seeds}\n\n${table}`;
}
