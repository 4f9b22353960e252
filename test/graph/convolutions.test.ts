// Our convolutions give what TensorFlow's do, on every instruction set that this machine has, and the same bytes on any number of threads.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { isNativeReady } from '../support/native.ts';
import { type ConvolutionResult, cases } from './convolution-cases.ts';

const native = isNativeReady({ ...process.env, RODADA_NATIVE: 'cpu' });
const script = fileURLToPath(new URL('convolutions-worker.ts', import.meta.url));

const hasAvx2 = existsSync('/proc/cpuinfo') && readFileSync('/proc/cpuinfo', 'utf8').includes(' avx2 ');

interface Run {
  readonly label: string;
  readonly results: readonly ConvolutionResult[];
}

async function run(env: Record<string, string>): Promise<Run> {
  const { stdout } = await execa(process.execPath, ['--import', 'tsx', script], { env });
  return JSON.parse(stdout) as Run;
}

describe.runIf(native)('our convolutions (needs native TensorFlow)', () => {
  const some = ['', ...(hasAvx2 ? ['avx2'] : []), 'baseline'];
  it.each(some)('give what TensorFlow’s do (instructions: "%s")', async (instructions) => {
    const { label, results } = await run({ RODADA_INSTRUCTIONS: instructions });
    expect(label).toContain(`(kernels for ${instructions}`);
    expect(results).toHaveLength(cases.length);
    for (const [i, { operations, differences }] of results.entries()) {
      const what = JSON.stringify(cases[i]);
      const { pooling, normalization = false, useBias } = cases[i]!;
      const [gradients, input] = ['RodadaConv3x3FilterGradient', 'RodadaConv3x3InputGradient'];
      if (normalization) {
        const block = ['RodadaConv3x3', 'RodadaBatchNormReluPool'];
        const back = ['RodadaBatchNormReluPoolGradient', gradients];
        expect(operations, what).toEqual([...block, ...block, ...back, input, ...back]);
        expect(Object.keys(differences), what).toHaveLength(1 + 2 * 5);
      } else {
        const forward = pooling ? 'RodadaConv3x3Pool' : 'RodadaConv3x3';
        expect(operations, what).toEqual([forward, forward, gradients, input, gradients]);
        expect(Object.keys(differences), what).toHaveLength(useBias ? 5 : 3);
      }
      for (const [name, difference] of Object.entries(differences)) {
        expect(difference, `${name} of ${what}`).toBeLessThan(1e-5);
      }
    }
  });

  it('refuse instructions that there are not', async () => {
    await expect(run({ RODADA_INSTRUCTIONS: 'avx1024' })).rejects.toThrow(
      'RODADA_INSTRUCTIONS is "avx1024"; it must be one of avx512, avx2, baseline, and one that this processor has.',
    );
  });

  it('give the same bytes on one thread and on five', async () => {
    const [one, five] = [
      await run({ TF_NUM_INTRAOP_THREADS: '1' }),
      await run({ TF_NUM_INTRAOP_THREADS: '5' }),
    ];
    expect(one.results.map(({ digest }) => digest)).toEqual(five.results.map(({ digest }) => digest));
  });
});
