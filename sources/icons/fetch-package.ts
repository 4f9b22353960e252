// Fetches an npm package's tarball at an exact version and checks it against a pinned hash.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ExecaError, execa } from 'execa';
import { UserError } from '../../engine/stage.ts';

/** A package pinned by its content. */
export interface PinnedPackage {
  readonly package: string;
  /** Exact version. */
  readonly version: string;
  /** Subresource integrity of the tarball, `sha512-…`. */
  readonly integrity: string;
}

/**
 * Fetches a package's tarball with `npm pack`, which brings npm's own configuration (registry, proxy, credentials) and
 * its cache: a second fetch reads nothing but the package's metadata from the network.
 *
 * @param into an existing directory for the tarball
 * @returns path of the tarball
 * @throws UserError when npm is missing or fails, or when the tarball is not the pinned one
 */
export async function fetchPackage(pinned: PinnedPackage, into: string): Promise<string> {
  const spec = `${pinned.package}@${pinned.version}`;
  const file = join(into, await npmPack(spec, into));
  const found = await integrity(file);
  if (found !== pinned.integrity) {
    throw new UserError(
      `The tarball of ${spec} is not the pinned one: its integrity is ${found}, params.yaml expects ${pinned.integrity}. ` +
        'If you changed the version, put the new integrity (`npm view PACKAGE@VERSION dist.integrity`) beside it; ' +
        'if not, run `npm cache verify` and try again.',
    );
  }
  return file;
}

async function npmPack(spec: string, into: string): Promise<string> {
  try {
    // The working directory stays the project's, so that its .npmrc counts.
    const { stdout } = await execa('npm', [
      'pack',
      spec,
      '--pack-destination',
      into,
      '--ignore-scripts',
      '--prefer-offline',
      '--json',
      // `npm run -s` makes every npm below it silent, and then it does not say why it fails.
      '--loglevel=error',
    ]);
    const [packed] = JSON.parse(stdout) as { filename: string }[];
    if (packed === undefined) throw new Error(`\`npm pack ${spec}\` named no file.`);
    // npm before 9 names a scoped package's file `@scope/name-…` but writes `scope-name-…`.
    return packed.filename.replace(/^@/, '').replace('/', '-');
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    if (error.code === 'ENOENT') {
      throw new UserError('`npm` was not found: the icons come as an npm package. Put npm on the PATH.');
    }
    throw new UserError(
      `npm could not fetch ${spec}: ${npmReason(error)} ` +
        'Check the network and `npm config get registry`, then run the stage again; ' +
        'without a registry, use pictures of your own (`source.kind: folder`).',
    );
  }
}

/** Of npm's error lines those that repeat others, give general advice or belong to a stack trace. */
const isNoise =
  /^(syscall|errno|at) |^[a-z]\w*: |^[{}]$|^(network|\d+)$|^(network )?(This is a problem|In most cases)/;

/** npm's own error lines on stderr: the code, and what says more than that. */
function npmReason(error: ExecaError): string {
  const lines = String(error.stderr ?? '')
    .split('\n')
    .filter((line) => /^npm (error|ERR!)/.test(line) && !/A complete log of this run/.test(line))
    .map((line) => line.replace(/^npm (error|ERR!)\s*/, '').trim())
    .filter((line) => line !== '' && !isNoise.test(line));
  if (lines.length === 0) return `${error.shortMessage}.`;
  return `${lines.slice(0, 3).join('; ').replace(/\.+$/, '')}.`;
}

async function integrity(file: string): Promise<string> {
  const hash = createHash('sha512');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return `sha512-${hash.digest('base64')}`;
}
