// `npm run native`: sets up native TensorFlow and says what it did, where it lives and how large it is.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { endWithReader, UserError } from '../../engine/stage.ts';
import { ownKernelsBeside } from './own-kernels.ts';
import { nativePlaces, type Places, withFlavour } from './places.ts';
import { megabytes } from './progress-bar.ts';
import { setUpNative } from './setup.ts';
import { finishedBuild, linkedFlavour } from './state.ts';
import { cudaReleases, tensorflowVersion, tfjsVersion, type Wheel, wheels } from './versions.ts';

endWithReader();

const sizeOf = (all: readonly Wheel[]) => megabytes(all.reduce((sum, { bytes }) => sum + bytes, 0));
const linux = { cpu: wheels['linux-x64']!, cuda: cudaReleases['linux-x64']! };
const downloads = {
  cpu: sizeOf([linux.cpu]),
  cuda: sizeOf([linux.cuda.tensorflow, ...linux.cuda.nvidia]),
};
const wanted = placesOrExit();

const program = new Command('npm run native --')
  .description(
    `Makes native TensorFlow ${tensorflowVersion} available to training: downloads its libraries with pip, compiles the ` +
      `binding of @tensorflow/tfjs-node-gpu ${tfjsVersion} and rodada's own convolutions against them, keeps all in a per-user ` +
      'cache and links it into node_modules. A binding that loads is left alone. `npm run repro` does the same by itself when it is about to train.',
  )
  .option('--force', 'download and compile anew', false)
  .addHelpText(
    'after',
    `
Needs: Python 3 with pip, a C++17 compiler (g++ or clang++; CXX names another), the network.

Environment:
  RODADA_NATIVE_DIR    the cache's folder (now ${wanted.cache})
  RODADA_NATIVE        cpu | cuda: take TensorFlow's build for the CPU (${downloads.cpu}), or the one for NVIDIA GPUs
                       with CUDA's libraries (${downloads.cuda}; Linux x64). Default: the latter where an NVIDIA driver
                       is found (now ${wanted.choice.flavour})
  RODADA_TFJS_NODE     the folder of @tensorflow/tfjs-node-gpu to set up (default: this checkout's)
  RODADA_BACKEND       tensorflow-gpu | tensorflow | wasm | cpu: train on this backend, whatever is in reach
  RODADA_INSTRUCTIONS  avx512 | avx2 | baseline: what rodada's convolutions use, where the processor has it; by
                       default the first that it has

Exit code: 0 where native TensorFlow works, on a GPU or the CPU; 1 where training will use WASM.`,
  )
  .parse();

const { force } = program.opts<{ force: boolean }>();
const started = performance.now();
const result = await setUpNative({
  force,
  retry: true,
  places: wanted,
  report: (line) => console.error(line),
});

if (result.kind === 'failed') {
  console.error(`No native TensorFlow: ${result.reason}. Training uses WASM.`);
  process.exitCode = 1;
} else {
  const places = withFlavour(wanted, linkedFlavour(wanted) ?? wanted.choice.flavour);
  const deeds = {
    found: 'the binding that is there loads',
    linked: 'linked from the cache',
    built: `built in ${((performance.now() - started) / 1000).toFixed(0)} s`,
  };
  console.log(`TensorFlow ${result.tensorflow}: ${deeds[result.how]}.`);
  console.log(`  runs on    ${result.gpu ? 'an NVIDIA GPU' : 'the CPU'}`);
  console.log(`  binding    ${places.binding}`);
  console.log(`  kernels    ${ownKernelsBeside(places.binding) ?? "TensorFlow's own"}`);
  const build = finishedBuild(places);
  if (build !== undefined) {
    console.log(`  libraries  ${places.entry}`);
    for (const name of Object.keys(build.files).sort()) {
      console.log(`             ${name} ${megabytes(statSync(join(places.entry, name)).size)}`);
    }
  }
}

function placesOrExit(): Places {
  try {
    return nativePlaces();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
