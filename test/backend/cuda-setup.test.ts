// The set-up for NVIDIA GPUs beside an index of small wheels: what lies where afterwards, and what takes its place when it fails.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import yazl from 'yazl';
import { fetchRelease, type ReleaseFolders } from '../../training/native/fetch-release.ts';
import { linkBinding } from '../../training/native/link.ts';
import { nativePlaces, type Places, withFlavour } from '../../training/native/places.ts';
import { setUpNative } from '../../training/native/setup.ts';
import { finishedBuild, nativeState } from '../../training/native/state.ts';
import { cudaReleases, type Release, tensorflowVersion, type Wheel } from '../../training/native/versions.ts';

const asked = await execa('python3', ['-m', 'pip', '--version'], { reject: false });
const machine = process.platform === 'linux' && process.arch === 'x64' && asked.exitCode === 0;
const pinned = cudaReleases['linux-x64']!;

let root: string;
let server: Server;
let index: string;
const wheels = new Map<string, Buffer>();
const lines: string[] = [];
const report = (line: string) => lines.push(line);

beforeAll(async () => {
  server = createServer((request, response) => {
    const name = basename(decodeURIComponent(request.url ?? ''));
    const wheel = wheels.get(name);
    if (wheel !== undefined) return response.end(wheel);
    const links = [...wheels.keys()].filter((each) => each.startsWith(`${name.replaceAll('-', '_')}-`));
    if (links.length === 0) response.statusCode = 404;
    const page = links.map((each) => `<a href="/files/${each}">${each}</a>`).join('\n');
    return response.setHeader('content-type', 'text/html').end(page);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  index = `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple`;
});

afterAll(() => server.close());

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'rodada-cuda-')));
  wheels.clear();
  lines.length = 0;
  vi.stubEnv('PIP_INDEX_URL', index);
  vi.stubEnv('PIP_CONFIG_FILE', '/dev/null');
  vi.stubEnv('PIP_RETRIES', '0');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true, force: true });
});

/** Puts a wheel of these files into the index; each file's content is its own name. */
async function publish<T extends Wheel>(wheel: T, tag: string, files: readonly string[]): Promise<T> {
  const name = `${wheel.distribution.replaceAll('-', '_')}-${wheel.version}`;
  const metadata = `Metadata-Version: 2.1\nName: ${wheel.distribution}\nVersion: ${wheel.version}\n`;
  const archive = new yazl.ZipFile();
  for (const file of files) archive.addBuffer(Buffer.from(file), file);
  archive.addBuffer(Buffer.from(metadata), `${name}.dist-info/METADATA`);
  archive.addBuffer(
    Buffer.from(`Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: ${tag}\n`),
    `${name}.dist-info/WHEEL`,
  );
  archive.addBuffer(Buffer.from(''), `${name}.dist-info/RECORD`);
  archive.end();
  const parts: Buffer[] = [];
  for await (const part of archive.outputStream) parts.push(part as Buffer);
  const bytes = Buffer.concat(parts);
  wheels.set(`${name}-${tag}.whl`, bytes);
  return { ...wheel, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** The pinned release with small wheels in place of the real ones, each with more in it than is needed. */
async function publishRelease(without = ''): Promise<Release> {
  const has = (file: string) => basename(file) !== without;
  const tensorflow = await publish(
    pinned.tensorflow,
    'cp311-cp311-manylinux_2_17_x86_64',
    [
      ...pinned.tensorflow.libraries.map((name) => `tensorflow/${name}`),
      'tensorflow/include/tensorflow/c/c_api.h',
      'tensorflow/include/tensorflow/compiler/xla.h',
      'tensorflow/python/_pywrap.so',
    ].filter(has),
  );
  const nvidia = [];
  for (const wheel of pinned.nvidia) {
    const files = [...wheel.libraries, 'libmore.so.1', '__init__.py'];
    const paths = files.map((name) => `nvidia/${wheel.folder}/lib/${name}`).filter(has);
    nvidia.push(await publish(wheel, 'py3-none-manylinux1_x86_64', paths));
  }
  return { tensorflow, nvidia };
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

describe.runIf(machine)('fetching TensorFlow for the GPU', { timeout: 300_000 }, () => {
  const folders = (): ReleaseFolders => ({
    entry: join(root, 'entry'),
    libraries: join(root, 'entry', 'tensorflow'),
    headers: join(root, 'include'),
    downloads: join(root, 'downloads'),
  });

  it('lays the libraries out as the RUNPATHs in them want it, and nothing else', async () => {
    const release = await publishRelease();
    const written = await fetchRelease(release, folders(), 'python3', report);
    const expected = [
      ...pinned.tensorflow.libraries.map((name) => join('tensorflow', name)),
      ...pinned.nvidia.flatMap(({ folder, soughtIn, libraries }) =>
        libraries.map((name) => join('nvidia', soughtIn ?? folder, 'lib', name)),
      ),
    ].sort();
    expect((await filesIn(folders().entry)).sort()).toEqual(expected);
    expect(written.map((file) => relative(folders().entry, file)).sort()).toEqual(expected);
    expect(expected).toContain('nvidia/nvrtc/lib/libnvrtc.so.12');
    const nvrtc = await readFile(join(folders().entry, 'nvidia/nvrtc/lib/libnvrtc.so.12'), 'utf8');
    expect(nvrtc).toBe('nvidia/cuda_nvrtc/lib/libnvrtc.so.12');
    expect(await filesIn(folders().headers)).toEqual(['tensorflow/c/c_api.h']);
    expect(existsSync(folders().downloads)).toBe(false);
    const total = [release.tensorflow, ...release.nvidia].reduce((sum, { bytes }) => sum + bytes, 0);
    expect(lines[0]).toBe(
      `Downloading TensorFlow ${tensorflowVersion} and CUDA (${(total / 1e6).toFixed(1)} MB)`,
    );
  });

  it('says which wheel lacks which library', async () => {
    const release = await publishRelease('libcudnn_cnn_train.so.8');
    await expect(fetchRelease(release, folders(), 'python3', report)).rejects.toThrow(
      /^the wheel nvidia_cudnn_cu12-8\.9\.4\.25-\S+\.whl lacks libcudnn_cnn_train\.so\.8$/,
    );
  });

  it('refuses a wheel of NVIDIA that is not the pinned one', async () => {
    const { tensorflow, nvidia } = await publishRelease();
    const other = nvidia.map((wheel, i) => (i === 1 ? { ...wheel, sha256: '0'.repeat(64) } : wheel));
    await expect(fetchRelease({ tensorflow, nvidia: other }, folders(), 'python3', report)).rejects.toThrow(
      /^got nvidia_cuda_cupti_cu12-\S+\.whl with SHA-256 [0-9a-f]{64} .* but 0{64} is pinned/,
    );
  });
});

const own = nativePlaces(process.env, { flavour: 'cpu', wished: false, gpus: undefined });
const built = finishedBuild(own) !== undefined;

describe.runIf(machine && built)('where CUDA cannot be had', { timeout: 300_000 }, () => {
  /** A machine with a driver, whose cache has the CPU's build. */
  async function placesFor(wished: boolean): Promise<Places> {
    const places = nativePlaces(
      { RODADA_NATIVE_DIR: join(root, 'cache'), RODADA_TFJS_NODE: join(root, 'tfjs') },
      { flavour: 'cuda', wished, gpus: '535.104.05 all' },
    );
    await mkdir(places.cache, { recursive: true });
    await symlink(own.entry, withFlavour(places, 'cpu').entry);
    return places;
  }

  const trouble =
    /^No TensorFlow for the GPU: pip could not download tensorflow 2\.15\.1: .*\. Taking the CPU's \(`npm run native` tries again\)\.$/;

  it("takes the CPU's build, says why, and doesn't try again until it is asked to", async () => {
    const places = await placesFor(false);
    const first = await setUpNative({ places, report });
    expect(first).toMatchObject({ kind: 'ready', how: 'linked', gpu: false });
    expect(lines.at(-1)).toMatch(trouble);
    expect(await realpath(places.binding)).toBe(join(await realpath(own.entry), 'tfjs_binding.node'));
    expect(await readdir(places.cache)).toEqual([basename(own.entry)]);

    lines.length = 0;
    expect(nativeState(places)).toMatchObject({ kind: 'ready', withoutCuda: expect.stringContaining('pip') });
    expect(await setUpNative({ places, report })).toMatchObject({ kind: 'ready', how: 'found' });
    expect(lines).toEqual([]);

    expect(await setUpNative({ places, report, retry: true })).toMatchObject({ how: 'linked' });
    expect(lines.at(-1)).toMatch(trouble);
  });

  it('fails where CUDA was asked for', async () => {
    const places = await placesFor(true);
    expect(await setUpNative({ places, report })).toEqual({
      kind: 'failed',
      reason: expect.stringMatching(/^pip could not download tensorflow 2\.15\.1: /),
    });
    expect(existsSync(places.binding)).toBe(false);
  });
});

it("links the binding in its folder beside NVIDIA's", async () => {
  const places = nativePlaces(
    { RODADA_NATIVE_DIR: join(root, 'cache'), RODADA_TFJS_NODE: join(root, 'tfjs') },
    { flavour: 'cuda', wished: true, gpus: undefined },
  );
  const binding = join(places.entry, 'tensorflow', 'tfjs_binding.node');
  await mkdir(dirname(binding), { recursive: true });
  await writeFile(binding, 'binding');
  await linkBinding(places, ['tensorflow/tfjs_binding.node']);
  expect(await realpath(places.binding)).toBe(binding);
});
