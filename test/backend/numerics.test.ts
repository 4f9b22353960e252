// What the bytes of a training on native TensorFlow depend on: never on the number of processors, and the rest is in the fact.
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../engine/stage.ts';
import { checkNumericVariables, instructionSet, numericVariables } from '../../training/numerics.ts';
import { native } from '../support/native.ts';

const hasTaskset = await execa('taskset', ['-c', '0,1', 'true']).then(
  () => true,
  () => false, // not Linux, or a single processor
);

interface Trained {
  readonly threads: number;
  readonly bytes: string;
}

async function trained(env: Record<string, string>, ...before: string[]): Promise<Trained> {
  const [command, ...args] = [
    ...before,
    'node',
    '--import',
    'tsx',
    'test/backend/trained-bytes.ts',
    'tensorflow',
  ];
  const { stdout } = await execa(command!, args, { env, timeout: 100_000 });
  return JSON.parse(stdout) as Trained;
}

describe.runIf(native)('a training (needs native TensorFlow)', () => {
  it.runIf(hasTaskset)('gives the same bytes on one processor and on two, whatever its widths', async () => {
    const one = await trained({}, 'taskset', '-c', '0');
    const two = await trained({}, 'taskset', '-c', '0,1');
    expect([one.threads, two.threads]).toEqual([1, 2]);
    expect(one.bytes).toBe(two.bytes);
  });

  it('gives others with another number of threads or other instructions, which the fact therefore has', async () => {
    const usual = await trained({});
    const variables = { TF_NUM_INTRAOP_THREADS: '1', TF_ENABLE_ONEDNN_OPTS: '0' };
    for (const [name, value] of Object.entries(variables)) {
      expect((await trained({ [name]: value })).bytes).not.toBe(usual.bytes);
      expect(numericVariables({ [name]: value })).toEqual([`${name}=${value}`]);
    }
  });
});

describe('the instruction set', () => {
  it.each([
    ['avx512', 'fpu sse2 avx avx2 fma avx512f avx512dq avx512bw avx512vl'],
    ['avx2', 'fpu sse2 avx avx2 fma avx512f'],
    ['avx', 'fpu sse2 avx avx2'],
    ['baseline', 'fpu sse2'],
  ])('is %s by the flags that Linux lists', (set, flags) => {
    expect(instructionSet('x64', `processor\t: 0\nflags\t\t: ${flags}\nbugs\t\t:\n`)).toBe(set);
  });

  it('is the architecture elsewhere', () => {
    expect(instructionSet('arm64', '')).toBe('arm64');
  });
});

describe('a variable with a value that a training would refuse or ignore', () => {
  it.each<[string, string, string]>([
    ['RODADA_INSTRUCTIONS', 'avx1024', 'on this processor it must be one of avx2, baseline'],
    ['RODADA_INSTRUCTIONS', 'avx512', 'on this processor it must be one of avx2, baseline'],
    ['TF_NUM_INTRAOP_THREADS', 'two', 'it must be a whole number from 1'],
    ['TF_NUM_INTRAOP_THREADS', '0', 'it must be a whole number from 1'],
    ['RODADA_CHECKPOINTS', 'yes', 'it must be all, or not be set'],
  ])('is refused: %s=%s', (name, value, why) => {
    expect(() => checkNumericVariables({ [name]: value }, 'avx2')).toThrow(
      new UserError(`${name} is "${value}"; ${why}`),
    );
  });

  it('is no empty one, and none that is known', () => {
    checkNumericVariables(
      { RODADA_INSTRUCTIONS: '', TF_NUM_INTRAOP_THREADS: '', RODADA_CHECKPOINTS: '' },
      'avx',
    );
    checkNumericVariables({ RODADA_INSTRUCTIONS: 'baseline', TF_NUM_INTRAOP_THREADS: '3' }, 'avx');
    checkNumericVariables({ RODADA_INSTRUCTIONS: 'avx2', RODADA_CHECKPOINTS: 'all' }, 'avx512');
    expect(numericVariables({ TF_ENABLE_ONEDNN_OPTS: '', HOME: '/' })).toEqual([]);
  });
});
