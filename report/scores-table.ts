// The scores of one run as a Markdown table: a line for each class, then the averages.
import type { Evaluation } from './evaluation.ts';
import { markdownTable } from './markdown-table.ts';

interface Line {
  readonly name: string;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly support: number;
}

/** Shares with three decimals; `Pictures` is the class's support. */
export function scoresTable(evaluation: Evaluation): string {
  const { model, run, accuracy, loss, perClass, weighted, precision, recall, f1 } = evaluation;
  const classes = Object.entries(perClass).map(([name, scores]) => ({ name, ...scores }));
  const support = classes.reduce((sum, line) => sum + line.support, 0);
  const score = (key: 'precision' | 'recall' | 'f1') => (line: Line) => line[key].toFixed(3);
  const table = markdownTable<Line>(
    [
      { title: 'Class', align: 'left', text: ({ name }) => name },
      { title: 'Precision', align: 'right', text: score('precision') },
      { title: 'Recall', align: 'right', text: score('recall') },
      { title: 'F1', align: 'right', text: score('f1') },
      { title: 'Pictures', align: 'right', text: (line) => String(line.support) },
    ],
    [
      ...classes,
      { name: 'mean of the classes', precision, recall, f1, support },
      { name: 'mean of the pictures', ...weighted, support },
    ],
  );
  return `${model}, ${run}: accuracy ${accuracy.toFixed(3)}, loss ${loss.toFixed(3)}\n\n${table}`;
}
