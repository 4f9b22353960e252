// A disk that is full or read-only in the middle of a training: the stage says what it could not write and why, without a stack trace.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { canMount, mountSmall } from '../safety/refusals.ts';
import { runStage } from '../support/run-stage.ts';
import { type Study, writeStudy } from './pictures.ts';

const size = 12;
const cnn1 = { filters: [4, 8], dense: 16, dropout: 0, optimizer: { name: 'adam', learningRate: 0.005 } };

describe.runIf(canMount)('a disk (needs root on Linux)', () => {
  let directory: string;
  let disk: string;
  let study: Study;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rodada-refused-'));
    const made = directory;
    onTestFinished(() => rm(made, { recursive: true, force: true })); // after the disk is gone
    disk = join(directory, 'disk');
    mkdirSync(disk);
    mountSmall(disk, '64k');
    study = await writeStudy(directory, 24, size);
  });

  /** Trains, and writes the outs that `on` names to the disk. */
  function train(...on: string[]) {
    const place = (name: string, file: string): string => join(on.includes(name) ? disk : directory, file);
    return runStage('stages/train/cnn1.ts', {
      params: { models: { cnn1 } },
      matrix: { run: { batch: 8, epochs: 1 }, seed: 3 },
      labels: { model: 'cnn1', run: 'small' },
      deps: { inputs: study.pictures, index: study.index, split: study.split },
      outs: {
        model: place('model', 'model.h5'),
        history: place('history', 'history.json'),
        timing: place('timing', 'timing.json'),
        checkpoint: place('checkpoint', 'checkpoint.h5'),
      },
      env: { backend: 'cpu' },
    });
  }

  /** Leaves no byte of room. */
  function fill(): void {
    for (let bytes = 1 << 16; bytes > 0; bytes >>= 1)
      try {
        writeFileSync(join(disk, `fill-${bytes}`), Buffer.alloc(bytes));
      } catch {
        // It has less room than that.
      }
  }

  const said =
    /^There is no space left on the disk for its output.*\. Make room: the verb `gc` removes what the store can spare\. Then run it again; what is finished is kept\.\n$/;

  it.each(['model', 'checkpoint'])('that is full names the HDF5 output `%s`', async (name) => {
    fill();
    const { exitCode, stderr } = await train(name);
    expect(stderr).toMatch(said);
    expect(stderr).toContain(`its output \`${name}\``);
    expect(exitCode).toBe(1);
  });

  it('that is full stops the writing of JSON', async () => {
    fill();
    const { exitCode, stderr } = await train('history');
    expect(stderr).toMatch(said);
    expect(exitCode).toBe(1);
  });

  it('that is read-only names the output', async () => {
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    onTestFinished(() => void execFileSync('mount', ['-o', 'remount,rw', disk], { stdio: 'ignore' }));
    const { exitCode, stderr } = await train('model');
    expect(stderr).toBe(
      "Can't write its output `model`: the file system is read-only. Mount it writable, or move the project. Then run it again; what is finished is kept.\n",
    );
    expect(exitCode).toBe(1);
  });
});
