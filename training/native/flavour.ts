// Which build of TensorFlow the native set-up takes: the one for the CPU alone, or the one that runs on NVIDIA GPUs too.
import { UserError } from '../../engine/stage.ts';
import { nvidiaDriver } from './nvidia-driver.ts';
import { cudaReleases, oldestDriver } from './versions.ts';

const flavours = ['cpu', 'cuda'] as const;
export type Flavour = (typeof flavours)[number];

/** A flavour, and why. */
export interface FlavourChoice {
  readonly flavour: Flavour;
  /** `RODADA_NATIVE` asks for this one, so nothing else takes its place. */
  readonly wished: boolean;
  /** What decides whether TensorFlow finds a GPU: the driver's version and the GPUs that may be used; undefined without a driver. */
  readonly gpus: string | undefined;
  /** One line for whoever may wonder at the choice. */
  readonly note?: string;
}

/**
 * Takes the build with CUDA where there is an NVIDIA driver for it, unless `RODADA_NATIVE` asks for one of the two.
 *
 * @param platform a key of `cudaReleases`
 * @param root the folder that stands for `/`
 * @throws UserError for an unknown `RODADA_NATIVE`
 */
export function chooseFlavour(
  env: NodeJS.ProcessEnv = process.env,
  platform = `${process.platform}-${process.arch}`,
  root = '/',
): FlavourChoice {
  const wish = wishedFlavour(env.RODADA_NATIVE);
  const none = { flavour: 'cpu', wished: wish === 'cpu', gpus: undefined } as const;
  if (wish === 'cpu') return none;
  if (!(platform in cudaReleases)) {
    if (wish === undefined) return none;
    const known = Object.keys(cudaReleases).join(', ');
    return {
      ...none,
      note: `RODADA_NATIVE asks for CUDA, which is pinned for ${known} alone; taking the CPU's`,
    };
  }
  const driver = nvidiaDriver(env, root);
  const gpus = driver === undefined ? undefined : `${driver} ${env.CUDA_VISIBLE_DEVICES ?? 'all'}`;
  if (wish === 'cuda') {
    const note =
      'RODADA_NATIVE asks for CUDA, but no NVIDIA driver with a GPU is in reach; TensorFlow will run on the CPU';
    return { flavour: 'cuda', wished: true, gpus, ...(driver === undefined ? { note } : {}) };
  }
  if (driver === undefined) return none;
  if (isOlder(driver, oldestDriver)) {
    return {
      ...none,
      note: `The NVIDIA driver ${driver} is older than ${oldestDriver}, which CUDA 12 needs; taking the CPU's TensorFlow`,
    };
  }
  return { flavour: 'cuda', wished: false, gpus };
}

function wishedFlavour(value: string | undefined): Flavour | undefined {
  if (value === undefined || value === '') return undefined;
  const flavour = flavours.find((each) => each === value);
  if (flavour !== undefined) return flavour;
  throw new UserError(`RODADA_NATIVE is "${value}"; it must be one of ${flavours.join(', ')}`);
}

/** Compares versions part by part as numbers; one that can't be read is not older. */
function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((each) => each.split('.').map(Number));
  const at = b!.findIndex((part, i) => part !== (a![i] ?? 0));
  return at >= 0 && (a![at] ?? 0) < b![at]!;
}
