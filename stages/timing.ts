// Compares how long the trainings of all models and iterations took. It differs on every run, so git does not keep it.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { stage } from '../engine/stage.ts';
import { signed, trainingTimePlot } from '../report/comparison.ts';
import { backboneNotes } from '../report/comparison-table.ts';
import { Evaluation, Timing } from '../report/evaluation.ts';
import { markdownTable } from '../report/markdown-table.ts';
import { replicated, replicatedText } from '../report/replicated.ts';
import { changeInWords } from '../report/run-order.ts';
import {
  byModelAndRun,
  checkSomeRun,
  consecutive,
  ofRun,
  readAll,
  writeJson,
} from '../report/run-results.ts';
import { writePlot } from '../report/vega.ts';

await stage(z.object({}), async ({ lists, outs }) => {
  const perSeed = await readAll(lists.timing!, Timing);
  const evaluations = (await readAll(lists.metrics!, Evaluation)).sort(byModelAndRun);
  checkSomeRun(perSeed);
  const runs = evaluations.map((evaluation) => {
    const { model, run, diverged = [] } = evaluation;
    const own = ofRun(perSeed, evaluation)
      .filter(({ seed }) => diverged.every((each) => each.seed !== seed))
      .sort((a, b) => a.seed - b.seed);
    const over = (figure: (timing: Timing) => number) =>
      replicated(new Map(own.map((timing) => [String(timing.seed), figure(timing)])));
    return {
      model,
      run,
      trainSeconds: over(({ trainSeconds }) => trainSeconds),
      secondsPerEpoch: over(({ epochSeconds }) => median(epochSeconds)),
      imagesPerSecond: over(({ imagesPerSecond }) => imagesPerSecond),
      backend: own[0]!.backend,
      threads: own[0]!.threads,
    };
  });
  const changes = consecutive(runs).map(([before, after]) => ({
    model: after.model,
    from: before.run,
    to: after.run,
    change: changeInWords(before.run, after.run),
    trainSeconds: after.trainSeconds.mean - before.trainSeconds.mean,
    ratio: after.trainSeconds.mean / before.trainSeconds.mean,
  }));
  await writeJson(outs.comparison!, { runs, changes });
  await writePlot(outs.plots!, 'training-time', trainingTimePlot(runs, backboneNotes(evaluations)));
  const table = markdownTable<(typeof runs)[number]>(
    [
      { title: 'Model', align: 'left', text: ({ model }) => model },
      { title: 'Iteration', align: 'left', text: ({ run }) => run },
      { title: 'Training, s', align: 'right', text: ({ trainSeconds }) => replicatedText(trainSeconds, 1) },
      {
        title: 'Median epoch, s',
        align: 'right',
        text: ({ secondsPerEpoch }) => replicatedText(secondsPerEpoch, 2),
      },
      {
        title: 'Images/s',
        align: 'right',
        text: ({ imagesPerSecond }) => replicatedText(imagesPerSecond, 0),
      },
      { title: 'Change, s', align: 'right', text: (row) => changeText(row.model, row.run) },
      { title: 'Backend', align: 'left', text: ({ backend, threads }) => `${backend}, ${threads} threads` },
    ],
    runs,
  );
  await writeFile(join(outs.plots!, 'table.md'), `# Training time\n\n${table}`);
  console.log(table);

  function changeText(model: string, run: string): string {
    const change = changes.find((entry) => entry.model === model && entry.to === run);
    return change === undefined ? '' : signed(change.trainSeconds, 1);
  }
});

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
