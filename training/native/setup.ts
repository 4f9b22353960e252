// Makes the native binding of tfjs-node work: uses the one that is there, else links the cache's, else builds it.
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { isNonGlibcLinux } from 'detect-libc';
import { UserError } from '../../engine/stage.ts';
import { buildNative } from './build.ts';
import { buildOwnKernels } from './build-own-kernels.ts';
import { statOf } from './circumstances.ts';
import { watchForInterrupt } from './interrupt.ts';
import { removeLeftovers } from './leftovers.ts';
import { linkBinding } from './link.ts';
import { ownKernelsIn } from './own-kernels.ts';
import { nativePlaces, type Places, platformName, withFlavour } from './places.ts';
import {
  finishedBuild,
  type Loaded,
  linkedFlavour,
  nativeState,
  recordFailure,
  recordLoads,
} from './state.ts';
import { findTools } from './tools.ts';
import { type Verification, verifyBinding } from './verify.ts';
import { cudaReleases, type Release, tensorflowVersion, wheels } from './versions.ts';

/** How the set-up went. */
export type NativeSetup =
  | ({
      readonly kind: 'ready';
      /** `found`: a binding was there and loads; `linked`: from the cache; `built`: downloaded and compiled just now. */
      readonly how: 'found' | 'linked' | 'built';
    } & Loaded)
  /** `reason` is one line: what is missing or went wrong. */
  | { readonly kind: 'failed'; readonly reason: string };

/** What to set up, and how. */
export interface NativeSetupOptions {
  /** Build anew, even where a binding loads. */
  readonly force?: boolean;
  /** Try again what failed before. */
  readonly retry?: boolean;
  /** Takes the lines that say what goes on. */
  readonly report: (line: string) => void;
  readonly places?: Places;
}

/** Sets up the native binding. Expected failures are a value; only bugs throw. */
export async function setUpNative(options: NativeSetupOptions): Promise<NativeSetup> {
  const { force = false, retry = false, report, places = nativePlaces() } = options;
  const state = nativeState(places);
  if (retry || state.kind !== 'ready') {
    removeLeftovers(places.cache);
    if (places.choice.note !== undefined) report(`${places.choice.note}.`);
  }
  // Whether there is a GPU to use may have changed without a sign of it: tried again, as what failed is.
  const again = retry && linkedFlavour(places) === 'cuda';
  if (!force && state.kind === 'ready' && !again && !(retry && state.withoutCuda !== undefined)) {
    return { ...state, how: 'found' };
  }
  if (!force && !retry && state.kind === 'failed') {
    return { kind: 'failed', reason: `${state.reason} (\`npm run native\` tries again)` };
  }
  const mayLoad = state.kind === 'failed' ? statOf(places.binding) !== undefined : state.kind === 'untried';
  if (!force && (mayLoad || (state.kind === 'ready' && again))) {
    const verification = await verifyBinding(places.binding);
    if (verification.loads) return { kind: 'ready', how: 'found', ...loaded(places, verification, report) };
    report(`The binding of tfjs-node that is there doesn't load (${verification.reason}); making a new one`);
  }
  const interruption = watchForInterrupt();
  try {
    if (places.choice.flavour === 'cpu') return await obtain(places, force, report);
    const withCuda = await obtainOrReason(places, force, report);
    if (typeof withCuda !== 'string') return withCuda;
    if (interruption.happened) return interrupted;
    if (places.choice.wished) throw new UserError(withCuda);
    report(`No TensorFlow for the GPU: ${withCuda}. Taking the CPU's (\`npm run native\` tries again).`);
    return await obtain(withFlavour(places, 'cpu'), false, report, withCuda);
  } catch (error) {
    const reason = expectedReason(error);
    if (reason === undefined) throw error;
    if (interruption.happened) return interrupted;
    recordFailure(places, reason, isFull(error));
    return { kind: 'failed', reason };
  } finally {
    interruption.stop();
  }
}

/** Not recorded: it says nothing of the machine, and the next run tries again. */
const interrupted: NativeSetup = { kind: 'failed', reason: 'the set-up was interrupted' };

/** Links what the cache has, or builds it first. */
async function obtain(
  places: Places,
  force: boolean,
  report: (line: string) => void,
  withoutCuda?: string,
): Promise<NativeSetup> {
  const release = await releaseForThisMachine(places);
  const build = async (replace: boolean) => buildNative(places, release, await findTools(), replace, report);
  const wasFinished = !force && finishedBuild(places) !== undefined;
  if (!wasFinished) await build(force);
  await obtainKernels(places, release, report);
  const linked = await useCached(places, report, withoutCuda);
  if (linked !== undefined) return { kind: 'ready', how: wasFinished ? 'linked' : 'built', ...linked };
  // The cache's build was whole by its sizes, but doesn't load here: damaged, or from another system. Once more.
  await build(true);
  await obtainKernels(places, release, report);
  const rebuilt = await useCached(places, report, withoutCuda);
  if (rebuilt === undefined) throw new UserError(`the binding in ${places.entry} doesn't load`);
  return { kind: 'ready', how: 'built', ...rebuilt };
}

/** Compiles this checkout's kernels where the cache's entry hasn't got them. */
async function obtainKernels(
  places: Places,
  release: Release,
  report: (line: string) => void,
): Promise<void> {
  if (existsSync(ownKernelsIn(places.libraries))) return;
  report('Compiling the kernels');
  const { compiler } = await findTools();
  await buildOwnKernels(places, compiler, release.tensorflow.libraries[1]);
}

/** @returns the reason in place of an expected failure */
async function obtainOrReason(
  places: Places,
  force: boolean,
  report: (line: string) => void,
): Promise<NativeSetup | string> {
  try {
    return await obtain(places, force, report);
  } catch (error) {
    const reason = expectedReason(error);
    if (reason === undefined) throw error;
    return reason;
  }
}

/** @returns undefined where the cache's binding doesn't load */
async function useCached(
  places: Places,
  report: (line: string) => void,
  withoutCuda?: string,
): Promise<Loaded | undefined> {
  const kernels = relative(places.entry, ownKernelsIn(places.libraries));
  await linkBinding(places, [...Object.keys(finishedBuild(places)?.files ?? {}), kernels]);
  const verification = await verifyBinding(places.binding);
  return verification.loads ? loaded(places, verification, report, withoutCuda) : undefined;
}

/** Notes how the binding loads, and says so where there is a driver and yet no GPU. */
function loaded(
  places: Places,
  verification: Extract<Verification, { loads: true }>,
  report: (line: string) => void,
  withoutCuda?: string,
): Loaded {
  const { tensorflow, gpu, complaint } = verification;
  const { flavour, gpus } = places.choice;
  if (flavour === 'cuda' && gpus !== undefined && !gpu) {
    const why = complaint === undefined ? '' : ` (${complaint})`;
    report(`There is an NVIDIA driver, but TensorFlow finds no GPU${why}; training runs on the CPU.`);
  }
  const result = { tensorflow, gpu, ...(withoutCuda === undefined ? {} : { withoutCuda }) };
  recordLoads(places, result);
  return result;
}

async function releaseForThisMachine({ choice }: Places): Promise<Release> {
  const tensorflow = wheels[platformName()];
  if (tensorflow === undefined) {
    const known = Object.keys(wheels).sort().join(', ');
    throw new UserError(`TensorFlow ${tensorflowVersion} is pinned for ${known}, not for ${platformName()}`);
  }
  if (await isNonGlibcLinux()) {
    throw new UserError(`TensorFlow's wheels need a Linux with glibc, and this one has another C library`);
  }
  return choice.flavour === 'cuda' ? cudaReleases[platformName()]! : { tensorflow, nvidia: [] };
}

/** pip, tar and the compiler tell it in their words. */
const isFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '') ||
  /no space left|quota exceeded/i.test((error as Error).message);

/** A full disk, a read-only cache and the like are expected too. */
function expectedReason(error: unknown): string | undefined {
  if (error instanceof UserError) return error.message;
  const { code, message, path } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) return undefined;
  const said = refusals[code];
  return said === undefined ? message : `${said}${path === undefined ? '' : ` (${path})`}`;
}

const refusals: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; make room',
  EDQUOT: 'the disk quota is used up; make room',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EIO: 'the disk fails',
};
