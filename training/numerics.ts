// What the bytes of a result on native TensorFlow depend on besides its version: the processor's instruction set, and variables.
import { readFileSync } from 'node:fs';
import { UserError } from '../engine/stage.ts';

/**
 * Threads that TensorFlow's own operations share their sums among. With another number the sums are rounded otherwise, in convolutions
 * whose filters are no multiple of 16 for example, so it is the same on every machine. rodada's kernels, which take most of
 * the time, use all processors: their results don't depend on the number.
 */
export const tensorflowThreads = 4;

/** Variables that change what TensorFlow, oneDNN or cuDNN compute, or in which order. */
const variables = [
  'CUBLAS_WORKSPACE_CONFIG',
  'DNNL_DEFAULT_FPMATH_MODE',
  'DNNL_MAX_CPU_ISA',
  'NVIDIA_TF32_OVERRIDE',
  'ONEDNN_DEFAULT_FPMATH_MODE',
  'ONEDNN_MAX_CPU_ISA',
  'RODADA_INSTRUCTIONS',
  'TF_CUDNN_DETERMINISTIC',
  'TF_CUDNN_USE_AUTOTUNE',
  'TF_DETERMINISTIC_OPS',
  'TF_ENABLE_ONEDNN_OPTS',
  'TF_NUM_INTRAOP_THREADS',
  'TF_XLA_FLAGS',
  'XLA_FLAGS',
] as const;

/** The variables of them that are set, `NAME=value` each. */
export const numericVariables = (env: NodeJS.ProcessEnv = process.env): string[] =>
  variables.filter((name) => (env[name] ?? '') !== '').map((name) => `${name}=${env[name]}`);

/** The sets that rodada's kernels are compiled for, the widest first. */
const instructionSets = ['avx512', 'avx2', 'baseline'];

/** Flags of a processor that make up each set, as Linux calls them. oneDNN tells one more set apart than rodada's kernels. */
const flags: readonly (readonly [set: string, flags: readonly string[]])[] = [
  ['avx512', ['avx512f', 'avx512bw', 'avx512dq', 'avx512vl']],
  ['avx2', ['avx2', 'fma']],
  ['avx', ['avx']],
];

/**
 * The widest instruction set of this processor: `avx512`, `avx2`, `avx` or `baseline`; elsewhere than on x64 the architecture.
 * @param cpuinfo what Linux says of the processor
 */
export function instructionSet(arch: string = process.arch, cpuinfo = readCpuinfo(arch)): string {
  if (arch !== 'x64') return arch;
  const has = new Set(/^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(' '));
  return flags.find(([, needed]) => needed.every((flag) => has.has(flag)))?.[0] ?? 'baseline';
}

function readCpuinfo(arch: string): string {
  if (arch !== 'x64' || process.platform !== 'linux') return '';
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}

/**
 * Checks the variables whose values rodada knows, so that a wrong one is found before anything runs.
 * @throws UserError for a value that a training would refuse or ignore
 */
export function checkNumericVariables(env: NodeJS.ProcessEnv, available: string): void {
  const asked = env.RODADA_INSTRUCTIONS;
  if (asked) {
    const from = instructionSets.indexOf(available);
    const possible = instructionSets.slice(from < 0 ? -1 : from);
    if (!possible.includes(asked))
      throw new UserError(
        `RODADA_INSTRUCTIONS is "${asked}"; on this processor it must be one of ${possible.join(', ')}`,
      );
  }
  const threads = env.TF_NUM_INTRAOP_THREADS;
  if (threads && !/^[1-9]\d*$/.test(threads))
    throw new UserError(`TF_NUM_INTRAOP_THREADS is "${threads}"; it must be a whole number from 1`);
  const checkpoints = env.RODADA_CHECKPOINTS;
  if (checkpoints && checkpoints !== 'all')
    throw new UserError(`RODADA_CHECKPOINTS is "${checkpoints}"; it must be all, or not be set`);
}
