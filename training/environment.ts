// Which training backend is in reach: an environment fact that the training stages' fingerprints hold.
// The engine imports this at every run, also where nothing is to be done, so it only looks at files; tfjs is never loaded here.
import { UserError } from '../engine/stage.ts';
import { type Rung, rungs } from './backend-name.ts';
import { ownKernelsBeside, ownKernelsVersion } from './native/own-kernels.ts';
import { nativePlaces, type Places, platformName } from './native/places.ts';
import { type Loaded, nativeState } from './native/state.ts';
import { toolsInReach } from './native/tool-names.ts';
import { tensorflowVersion, tfjsVersion, wheels } from './native/versions.ts';
import { checkNumericVariables, instructionSet, numericVariables } from './numerics.ts';

/** How the engine asks for the fact. */
export interface EnvironmentRequest {
  /** Make the native binding first where it is missing; otherwise only look. */
  readonly setup: boolean;
  /** Takes the lines that say what goes on. */
  readonly report: (line: string) => void;
}

/**
 * Decides the backend: native TensorFlow where it can be had, on a GPU where it lists one, else WASM. `RODADA_BACKEND` forces a rung.
 *
 * Where it only looks and the set-up has not been tried, the answer is what the set-up will give if nothing goes wrong: so
 * `status` in a new clone says the same as the `repro` after it.
 *
 * @returns what `loadBackend` then loads, and what its bytes depend on: `tensorflow 2.15.1 kernels 0a1b2c3d avx512`, and after it
 *   variables that change the numbers, `TF_ENABLE_ONEDNN_OPTS=0`; `tensorflow-gpu 2.15.1`, `wasm 4.22.0` or `cpu 4.22.0`
 * @throws UserError for a variable with an unknown value, and if `RODADA_BACKEND` asks for a backend that this machine doesn't have
 */
export default async function trainingEnvironment({ setup, report }: EnvironmentRequest): Promise<string> {
  const forced = forcedBackend(process.env.RODADA_BACKEND);
  checkNumericVariables(process.env, instructionSet());
  const places = nativePlaces();
  if (forced === 'wasm' || forced === 'cpu') return `${forced} ${tfjsVersion}`;
  const state = nativeState(places);
  if (state.kind === 'ready') return nativeFact(state, places, forced);
  if (!setup) {
    const expected =
      state.kind === 'absent' ? platformName() in wheels && toolsInReach() : state.kind !== 'failed';
    if (!expected && forced === undefined) return `wasm ${tfjsVersion}`;
    const { flavour, gpus } = places.choice;
    const gpu = forced === 'tensorflow-gpu' || (flavour === 'cuda' && gpus !== undefined);
    return nativeFact({ tensorflow: tensorflowVersion, gpu }, undefined, forced);
  }
  const { setUpNative } = await import('./native/setup.ts');
  const result = await setUpNative({ report });
  if (result.kind === 'ready') return nativeFact(result, places, forced);
  if (forced !== undefined) {
    throw new UserError(`RODADA_BACKEND asks for native TensorFlow, which can't be had: ${result.reason}`);
  }
  report(`No native TensorFlow: ${result.reason}. Training uses WASM.`);
  return `wasm ${tfjsVersion}`;
}

/**
 * A GPU's figures are not the CPU's, so the rung tells them apart; nor are our kernels' TensorFlow's, so their version is told.
 * oneDNN's sums depend on the instruction set.
 * @param places undefined for what the set-up will give
 */
function nativeFact(
  { tensorflow, gpu, withoutCuda }: Loaded,
  places: Places | undefined,
  forced: Rung | undefined,
): string {
  if (forced === 'tensorflow-gpu' && !gpu) {
    const why = withoutCuda === undefined ? '' : `: ${withoutCuda}`;
    throw new UserError(
      `RODADA_BACKEND asks for a GPU, and native TensorFlow finds none${why}; \`npm run native\` says more`,
    );
  }
  if (gpu && forced !== 'tensorflow') return ['tensorflow-gpu', tensorflow, ...numericVariables()].join(' ');
  const kernels = places === undefined || ownKernelsBeside(places.binding) !== undefined;
  const version = kernels ? ['kernels', ownKernelsVersion()] : [];
  return ['tensorflow', tensorflow, ...version, instructionSet(), ...numericVariables()].join(' ');
}

function forcedBackend(value: string | undefined): Rung | undefined {
  if (value === undefined || value === '') return undefined;
  const name = rungs.find((each) => each === value);
  if (name !== undefined) return name;
  throw new UserError(`RODADA_BACKEND is "${value}"; it must be one of ${rungs.join(', ')}`);
}
