// `npm run parity`: trains with Keras anew, compares ours with it on every backend, and keeps Keras' results as the tests' fixture.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { execa } from 'execa';
import { endWithReader, UserError } from '../../engine/stage.ts';
import { type BackendName, loadBackend } from '../../training/backend.ts';
import { chooseInference } from '../../training/choose-inference.ts';
import { chooseStep } from '../../training/choose-step.ts';
import { eagerStep } from '../../training/eager-step.ts';
import { eagerInference } from '../../training/inference.ts';
import { readKerasWeights } from '../../training/keras-h5/read.ts';
import { setUpNative } from '../../training/native/setup.ts';
import { peerPython } from '../peer-python.ts';
import {
  distanceFromKeras,
  type MakeInference,
  type MakeStep,
  nameOf,
  type Parity,
  vggDistance,
} from './cases.ts';

endWithReader();

/** The largest relative difference that counts as Keras' numbers. */
const tolerance = 1e-4;

/** How a step and an inference are run. */
interface Way {
  readonly step: MakeStep;
  readonly infer: MakeInference;
}
const eager: Way = {
  step: (model, optimizer, _, loss) => eagerStep(model, optimizer, loss),
  infer: eagerInference,
};
const compiled: Way = {
  step: (model, optimizer, stored, loss) => chooseStep(model, optimizer, stored, console.error, loss),
  infer: (layers) => chooseInference('VGG16', layers, 'float32', console.error),
};
const report = (line: string) => console.error(line);

const fixture = fileURLToPath(new URL('../../test/fixtures/parity.json', import.meta.url));
const script = fileURLToPath(new URL('../../test/fixtures/parity.py', import.meta.url));
const scratch = await mkdtemp(join(tmpdir(), 'rodada-parity-'));
try {
  const python = await peerPython(report);
  if (python === null)
    throw new UserError('There is no Keras to compare with; the tests compare with its stored results.');
  const [made, weightsFile] = [join(scratch, 'parity.json'), join(scratch, 'vgg16.h5')];
  report('Training with Keras');
  await execa(python, [script, made, weightsFile], { env: { TF_CPP_MIN_LOG_LEVEL: '2' } });
  const text = await readFile(made, 'utf8');
  const parity = JSON.parse(text) as Parity;
  const ways: [label: string, backend: BackendName, way: Way][] = [
    ['cpu', 'cpu', eager],
    ['wasm', 'wasm', eager],
  ];
  const native = await setUpNative({ report });
  if (native.kind === 'failed') report(`Without native TensorFlow: ${native.reason}`);
  else
    ways.push(['tensorflow, eager', 'tensorflow', eager], ['tensorflow, compiled', 'tensorflow', compiled]);

  const rows: { name: string; distances: { loss: number | null; weights: number }[] }[] = parity.cases.map(
    (own) => ({ name: nameOf(own), distances: [] }),
  );
  const vgg: (typeof rows)[number] = { name: "VGG16, Keras' file", distances: [] };
  const weights = await readKerasWeights(weightsFile);
  for (const [label, backend, way] of ways) {
    report(`Training on ${label}`);
    await loadBackend(backend);
    for (const [i, own] of parity.cases.entries())
      rows[i]!.distances.push(await distanceFromKeras(own, parity, way.step));
    vgg.distances.push({ loss: null, weights: vggDistance(parity, way.infer, weights) });
  }
  rows.push(vgg);
  const table = new Table({
    head: [
      `Keras ${parity.tensorflow}, ${parity.steps} steps`,
      ...ways.flatMap(([label]) => [`${label}: loss`, 'weights']),
    ],
    style: { head: [], border: [] },
  });
  const shown = (value: number | null) => (value === null ? '–' : value.toExponential(1));
  for (const { name, distances } of rows)
    table.push([name, ...distances.flatMap(({ loss, weights }) => [shown(loss), shown(weights)])]);
  console.log(table.toString());
  const far = rows.filter(({ distances }) =>
    distances.some(({ loss, weights }) => !((loss ?? 0) <= tolerance && weights <= tolerance)),
  );
  console.log(
    far.length === 0
      ? `All within ${tolerance} of Keras, relative.`
      : `Not within ${tolerance} of Keras: ${far.map(({ name }) => name).join('; ')}.`,
  );
  if (far.length > 0) process.exitCode = 1;
  await writeFile(fixture, text);
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
} finally {
  await rm(scratch, { recursive: true, force: true });
}
