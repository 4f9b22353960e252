// Real photos through the folder source: the engine and cnn1 on one's own pictures.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { projectRoot } from '../support/run-stage.ts';
import { copyStudy } from '../support/study.ts';

const photos = resolve(projectRoot, '../shared/photos');

if (!existsSync(photos))
  console.warn('Skipped: the photos for this test, ../shared/photos, are not on this machine.');

it.skipIf(!existsSync(photos))(
  'cnn1 tells the vehicles of traffic-camera photos apart',
  async () => {
    const study = await copyStudy();
    onTestFinished(() => study.dispose());
    const classes = '{ motorcycle: [bike], car: [car], bus: [minibus], truck: [truck] }';
    const set = {
      'source.kind': 'folder',
      'source.folder.root': photos,
      'filter.classes': classes,
      'resize.size': '64',
      'train.seeds': '1',
      iterations: '[{ batch: 32, epochs: 20 }]',
    };
    const assignments = Object.entries(set).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
    const { summary, exitCode } = await study.repro(...assignments, 'evaluate:cnn1');
    expect(summary.failed).toEqual([]);
    expect(exitCode).toBe(0);
    const metrics = JSON.parse(await study.read('metrics/cnn1/batch32-epochs20.json')) as {
      accuracy: { mean: number };
    };
    expect(metrics.accuracy.mean).toBeGreaterThanOrEqual(0.85);
    const { dropped } = JSON.parse(await study.read('metrics/filter.json')) as { dropped: unknown[] };
    expect(dropped).toEqual([]);
  },
  900_000,
);
