// Makes the native binding of tfjs-node work: uses the one that is there, else links the cache's, else builds it.
import { isNonGlibcLinux } from 'detect-libc';
import { UserError } from '../../engine/stage.ts';
import { buildNative } from './build.ts';
import { removeLeftovers } from './leftovers.ts';
import { linkBinding } from './link.ts';
import { nativePlaces, type Places, platformName } from './places.ts';
import { finishedBuild, nativeState, recordFailure, recordLoads } from './state.ts';
import { verifyBinding } from './verify.ts';
import { tensorflowVersion, type Wheel, wheels } from './versions.ts';

/** How the set-up went. */
export type NativeSetup =
  | {
      readonly kind: 'ready';
      readonly tensorflow: string;
      /** `found`: a binding was there and loads; `linked`: from the cache; `built`: downloaded and compiled just now. */
      readonly how: 'found' | 'linked' | 'built';
    }
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
  if (retry || state.kind !== 'ready') removeLeftovers(places.cache);
  if (!force && state.kind === 'ready') return { ...state, how: 'found' };
  if (!force && !retry && state.kind === 'failed') {
    return { kind: 'failed', reason: `${state.reason} (\`npm run native\` tries again)` };
  }
  if (!force && state.kind === 'untried') {
    const verification = await verifyBinding(places.binding);
    if (verification.loads) {
      recordLoads(places, verification.tensorflow);
      return { kind: 'ready', tensorflow: verification.tensorflow, how: 'found' };
    }
    report(`The binding of tfjs-node that is there doesn't load (${verification.reason}); making a new one`);
  }
  try {
    const wheel = await wheelForThisMachine();
    const wasFinished = !force && finishedBuild(places) !== undefined;
    if (!wasFinished) await buildNative(places, wheel, force, report);
    const linked = await useCached(places, wheel);
    if (linked !== undefined)
      return { kind: 'ready', tensorflow: linked, how: wasFinished ? 'linked' : 'built' };
    // The cache's build was whole by its sizes, but doesn't load here: damaged, or from another system. Once more.
    await buildNative(places, wheel, true, report);
    const rebuilt = await useCached(places, wheel);
    if (rebuilt === undefined) throw new UserError(`the binding in ${places.entry} doesn't load`);
    return { kind: 'ready', tensorflow: rebuilt, how: 'built' };
  } catch (error) {
    const reason = expectedReason(error);
    if (reason === undefined) throw error;
    recordFailure(places, reason);
    return { kind: 'failed', reason };
  }
}

/** @returns the TensorFlow version, or undefined where the cache's binding doesn't load */
async function useCached(places: Places, wheel: Wheel): Promise<string | undefined> {
  await linkBinding(places, wheel.libraries);
  const verification = await verifyBinding(places.binding);
  if (!verification.loads) return undefined;
  recordLoads(places, verification.tensorflow);
  return verification.tensorflow;
}

async function wheelForThisMachine(): Promise<Wheel> {
  const wheel = wheels[platformName()];
  if (wheel === undefined) {
    const known = Object.keys(wheels).sort().join(', ');
    throw new UserError(`TensorFlow ${tensorflowVersion} is pinned for ${known}, not for ${platformName()}`);
  }
  if (await isNonGlibcLinux()) {
    throw new UserError(`TensorFlow's wheels need a Linux with glibc, and this one has another C library`);
  }
  return wheel;
}

/** A full disk, a read-only cache and the like are expected too; their sentence is the system's. */
function expectedReason(error: unknown): string | undefined {
  if (error instanceof UserError) return error.message;
  const { code, message } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && /^E[A-Z]+$/.test(code) ? message : undefined;
}
