// The native set-up through its real command: what it says where something is missing, and what it leaves behind.
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { nvidiaDriver } from '../../training/native/nvidia-driver.ts';
import { ownKernelsIn } from '../../training/native/own-kernels.ts';
import { nativePlaces, packageFolder } from '../../training/native/places.ts';
import { finishedBuild, nativeState } from '../../training/native/state.ts';
import { tensorflowVersion, wheels } from '../../training/native/versions.ts';

const places = nativePlaces({ ...process.env, RODADA_NATIVE: 'cpu' });
const built = finishedBuild(places) !== undefined && nativeState(places).kind === 'ready';

let root: string;
let python: string | undefined;
let compiler: string | undefined;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'rodada-native-'));
  const asked = await execa('python3', ['-c', 'import sys, pip; print(sys.executable)'], { reject: false });
  python = asked.exitCode === 0 ? asked.stdout : undefined;
  compiler = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'g++'))
    .find((file) => existsSync(file));
});

afterAll(() => rm(root, { recursive: true, force: true }));

/** A machine with nothing but some programs, an empty cache and an untouched tfjs-node. */
interface Machine {
  readonly bin: string;
  readonly cache: string;
  readonly tfjsNode: string;
}

let machine: Machine;

beforeEach(async () => {
  const folder = await mkdtemp(join(root, 'machine-'));
  machine = {
    bin: join(folder, 'bin'),
    cache: join(folder, 'cache'),
    tfjsNode: join(folder, 'tfjs-node-gpu'),
  };
  await mkdir(machine.bin);
  await mkdir(machine.tfjsNode);
  await cp(join(packageFolder('@tensorflow/tfjs-node-gpu'), 'binding'), join(machine.tfjsNode, 'binding'), {
    recursive: true,
  });
});

const addCompiler = () => symlink(compiler!, join(machine.bin, 'g++'));

async function addPython(): Promise<void> {
  const file = join(machine.bin, 'python3');
  await writeFile(file, `#!/bin/sh\nexec '${python}' "$@"\n`);
  await chmod(file, 0o755);
}

/** The environment of that machine. */
const environment = (index: string, cache = machine.cache, wish = 'cpu') => ({
  PATH: machine.bin,
  HOME: root,
  RODADA_NATIVE_DIR: cache,
  RODADA_NATIVE: wish, // not by the driver of the machine that the tests run on
  RODADA_TFJS_NODE: machine.tfjsNode,
  PIP_INDEX_URL: index,
  PIP_CONFIG_FILE: '/dev/null',
  PIP_RETRIES: '0',
});

/** `npm run native` on that machine; its package index is a closed port unless `index` names another. */
function runNative(args: string[] = [], index = 'http://127.0.0.1:9', cache = machine.cache, wish = 'cpu') {
  return execa(process.execPath, ['--import', 'tsx', 'training/native/main.ts', ...args], {
    reject: false,
    extendEnv: false,
    env: environment(index, cache, wish),
  });
}

const leftInCache = () => readdir(machine.cache).catch(() => []);

describe.runIf(process.platform === 'linux')('npm run native', () => {
  it('without Python and a compiler says so in one line', async () => {
    const { exitCode, stderr, stdout } = await runNative();
    expect(stderr).toBe(
      "No native TensorFlow: needs Python with pip (install it with `apt-get install python3-pip` or your system's package of " +
        "python3) and a C++ compiler (install it with `apt-get install g++` or your system's package of g++), which PATH " +
        "doesn't have. Training uses WASM.",
    );
    expect({ exitCode, stdout, left: await leftInCache() }).toEqual({ exitCode: 1, stdout: '', left: [] });
  });

  it('names Python alone where only it is missing', async (context) => {
    if (compiler === undefined) return context.skip();
    await addCompiler();
    const { exitCode, stderr } = await runNative();
    expect(stderr.split('\n')).toHaveLength(1);
    expect(stderr).toMatch(
      /^No native TensorFlow: needs Python with pip \(.*\), which PATH doesn't have\. Training uses WASM\.$/,
    );
    expect(stderr).not.toContain('compiler');
    expect(exitCode).toBe(1);
  });

  it('names the compiler alone where only it is missing', async (context) => {
    if (python === undefined) return context.skip();
    await addPython();
    const { exitCode, stderr } = await runNative();
    expect(stderr).toMatch(
      /^No native TensorFlow: needs a C\+\+ compiler \(.*\), which PATH doesn't have\. Training uses WASM\.$/,
    );
    expect(exitCode).toBe(1);
  });

  describe('with its tools', () => {
    let server: Server;
    let index: string;

    /** A package index whose wheel has the right name and the wrong content. */
    beforeAll(async () => {
      if (python === undefined) return;
      const wheel = wheels['linux-x64']!.distribution.replace('-', '_');
      const name = `${wheel}-${tensorflowVersion}-cp311-cp311-manylinux_2_17_x86_64.whl`;
      const file = join(root, name);
      const metadata = `Metadata-Version: 2.1\\nName: ${wheel}\\nVersion: ${tensorflowVersion}\\n`;
      const info = `${wheel}-${tensorflowVersion}.dist-info`;
      await execa(python, [
        '-c',
        `import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    z.writestr('${info}/METADATA', '${metadata}')
    z.writestr('${info}/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: false\\nTag: cp311-cp311-manylinux_2_17_x86_64\\n')
    z.writestr('${info}/RECORD', '')`,
        file,
      ]);
      const bytes = await readFile(file);
      server = createServer((request, response) => {
        if (request.url?.endsWith('.whl')) response.end(bytes);
        else response.setHeader('content-type', 'text/html').end(`<a href="/files/${name}">${name}</a>`);
      }).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      index = `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple`;
    });

    afterAll(() => server?.close());

    beforeEach(async (context) => {
      if (python === undefined || compiler === undefined) return context.skip();
      await addPython();
      await addCompiler();
    });

    it('says that the package index is out of reach, and leaves nothing', async () => {
      const { exitCode, stderr } = await runNative();
      expect(stderr.split('\n').at(-1)).toBe(
        "No native TensorFlow: can't reach the Python package index; check the network or pip's index and proxy settings. " +
          'Training uses WASM.',
      );
      expect({ exitCode, left: await leftInCache() }).toEqual({ exitCode: 1, left: [] });
    });

    it('takes a Ctrl-C for no failure of the machine', async () => {
      // As the engine runs it, which hears the signal and goes on to tidy up; a terminal sends it to pip as well.
      const script = `
        import { setUpNative } from './training/native/setup.ts';
        process.on('SIGINT', () => {});
        console.log(JSON.stringify(await setUpNative({ report() {} })));`;
      const asked = createServer(() => process.kill(-setUp.pid!, 'SIGINT')).listen(0, '127.0.0.1');
      await new Promise((resolve) => asked.once('listening', resolve));
      const env = environment(`http://127.0.0.1:${(asked.address() as AddressInfo).port}/simple`);
      const setUp = execa(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
        extendEnv: false,
        detached: true,
        env,
      });
      const { stdout } = await setUp;
      expect(JSON.parse(stdout)).toEqual({ kind: 'failed', reason: 'the set-up was interrupted' });
      expect(nativeState(nativePlaces(env)).kind).toBe('absent');
      asked.closeAllConnections();
      asked.close();
    });

    it.runIf(process.arch === 'x64')('refuses a wheel that is not the pinned one', async () => {
      const { exitCode, stderr } = await runNative([], index);
      expect(stderr.split('\n').at(-1)).toMatch(
        /^No native TensorFlow: got tensorflow_cpu-\S+\.whl with SHA-256 [0-9a-f]{64} from the package index, but [0-9a-f]{64} is pinned/,
      );
      expect({ exitCode, left: await leftInCache() }).toEqual({ exitCode: 1, left: [] });
    });

    it('removes what a killed set-up left, and leaves a running one alone', async () => {
      const dead = await execa(process.execPath, ['-e', 'process.stdout.write(String(process.pid))']);
      const orphan = `making-${hostname()}-${dead.stdout}`;
      const running = `making-${hostname()}-${process.pid}`;
      for (const name of [orphan, running]) await mkdir(join(machine.cache, name), { recursive: true });
      await runNative();
      expect(await leftInCache()).toEqual([running]);
    });

    it("replaces a binding that doesn't load, or says why it can't", async () => {
      const binding = join(machine.tfjsNode, 'lib', 'napi-v8', 'tfjs_binding.node');
      await mkdir(join(binding, '..'), { recursive: true });
      await writeFile(binding, 'no shared library');
      const { exitCode, stderr } = await runNative();
      expect(stderr).toMatch(
        /^The binding of tfjs-node that is there doesn't load \(.*\); making a new one\n/,
      );
      expect(stderr.split('\n').at(-1)).toContain("can't reach the Python package index");
      expect(exitCode).toBe(1);
    });
  });

  it.runIf(built)('links what the cache has, without tools or network, and then finds it', async () => {
    const first = await runNative([], undefined, places.cache);
    expect(first.stdout).toContain(`TensorFlow ${tensorflowVersion}: linked from the cache.`);
    const again = await runNative([], undefined, places.cache);
    expect(again.stdout).toContain(`TensorFlow ${tensorflowVersion}: the binding that is there loads.`);
    expect([first.exitCode, again.exitCode, again.stderr]).toEqual([0, 0, '']);
  });

  it.runIf(built)('ends quietly if its reader leaves', async () => {
    const command = execa(process.execPath, ['--import', 'tsx', 'training/native/main.ts'], {
      reject: false,
      extendEnv: false,
      env: environment('http://127.0.0.1:9', places.cache),
    });
    command.stdout.destroy();
    const { stderr } = await command;
    expect(stderr).toBe('');
  });

  describe.runIf(built)('with all but the kernels in the cache', () => {
    let libraries: string;

    /** The real entry's files, without copying half a gigabyte. */
    beforeEach(async (context) => {
      if (python === undefined || compiler === undefined) return context.skip();
      await addPython();
      const own = nativePlaces(environment(''));
      libraries = own.libraries;
      await mkdir(libraries, { recursive: true });
      for (const name of ['build.json', 'tfjs_binding.node'])
        await cp(join(places.entry, name), join(libraries, name));
      for (const name of [...wheels['linux-x64']!.libraries, 'include'])
        await symlink(join(places.entry, name), join(libraries, name));
    });

    it('compiles them, without network, and then finds them', async () => {
      await addCompiler();
      for (const name of ['as', 'ld'])
        await symlink((await execa('which', [name])).stdout, join(machine.bin, name));
      const first = await runNative();
      expect(first.stderr).toBe('Compiling the kernels');
      expect(first.stdout).toContain(`TensorFlow ${tensorflowVersion}: linked from the cache.`);
      expect(existsSync(ownKernelsIn(libraries))).toBe(true);
      const again = await runNative();
      expect(again.stdout).toContain(`TensorFlow ${tensorflowVersion}: the binding that is there loads.`);
      expect([first.exitCode, again.exitCode, again.stderr]).toEqual([0, 0, '']);
      expect(await leftInCache()).toEqual([basename(places.entry)]);
    });

    it('says why they can not be compiled, and leaves nothing', async () => {
      const file = join(machine.bin, 'g++');
      await writeFile(
        file,
        '#!/bin/sh\n[ "$1" = --version ] || { echo "kernels.cc:1:1: error: no"; exit 1; }\n',
      );
      await chmod(file, 0o755);
      const { stderr, exitCode } = await runNative();
      expect(stderr.split('\n').at(-1)).toBe(
        'No native TensorFlow: g++ could not compile the kernels: kernels.cc:1:1: error: no. Training uses WASM.',
      );
      expect({ exitCode, left: await leftInCache() }).toEqual({
        exitCode: 1,
        left: [basename(places.entry)],
      });
      expect(existsSync(ownKernelsIn(libraries))).toBe(false);
    });
  });

  it('has help', async () => {
    const { stdout, exitCode } = await runNative(['--help']);
    expect(stdout).toContain('RODADA_NATIVE_DIR');
    expect(stdout).toMatch(/RODADA_NATIVE {8}cpu \| cuda.*\(207 MB\).*\n.*\(2090 MB;/);
    expect(exitCode).toBe(0);
  });

  it('refuses an unknown flavour in one line', async () => {
    const { stderr, exitCode } = await runNative([], undefined, undefined, 'gpu');
    expect([stderr, exitCode]).toEqual(['RODADA_NATIVE is "gpu"; it must be one of cpu, cuda', 1]);
  });

  it.runIf(process.arch === 'x64' && nvidiaDriver() === undefined)(
    'says that there is no driver for the CUDA that it is asked for',
    async () => {
      const { stderr, exitCode } = await runNative([], undefined, undefined, 'cuda');
      expect(stderr.split('\n')).toEqual([
        'RODADA_NATIVE asks for CUDA, but no NVIDIA driver with a GPU is in reach; TensorFlow will run on the CPU.',
        expect.stringMatching(/^No native TensorFlow: needs Python .* Training uses WASM\.$/),
      ]);
      expect(exitCode).toBe(1);
    },
  );
});
