// What a user of the study waits for where there is nothing to do: npm, Node and the engine.
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { UserError } from '../engine/stage.ts';
import { type Bench, compared, inTurn } from './bench.ts';

const project = fileURLToPath(new URL('..', import.meta.url));

export const studyNoop: Bench = {
  name: 'study-noop',
  title: '`npm run repro` of the study with nothing to do, on the smoke profile in a copy of the checkout',
  async run({ quick, report }) {
    const root = await mkdtemp(join(tmpdir(), 'rodada-bench-'));
    try {
      await execa('git', ['checkout-index', '--all', `--prefix=${root}/`], { cwd: project });
      await symlink(join(project, 'node_modules'), join(root, 'node_modules'));
      const repro = async (): Promise<number> => {
        const started = performance.now();
        const { failed, stdout, stderr } = await execa('npm', ['run', 'repro', '--', '--profile', 'smoke'], {
          cwd: root,
          reject: false,
        });
        if (failed) throw new UserError(`repro failed:\n${stdout}${stderr}`);
        return (performance.now() - started) / 1000;
      };
      report('Running the study once, which takes some minutes');
      await repro();
      return [compared('study-noop', await inTurn(quick ? 2 : 5, repro, null), 's', 'smaller')];
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  },
};
