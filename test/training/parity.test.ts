// Training gives Keras' numbers: losses and weights after 50 steps, and VGG16's outputs, from what `npm run parity` stored.
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  difference,
  distanceFromKeras,
  type MakeInference,
  nameOf,
  type Parity,
  vggDistance,
} from '../../bench/parity/cases.ts';
import { type BackendName, loadBackend } from '../../training/backend.ts';
import { chooseInference } from '../../training/choose-inference.ts';
import { chooseStep } from '../../training/choose-step.ts';
import { eagerStep } from '../../training/eager-step.ts';
import { eagerInference } from '../../training/inference.ts';
import { native } from '../support/native.ts';

const parity = JSON.parse(
  readFileSync(new URL('../fixtures/parity.json', import.meta.url), 'utf8'),
) as Parity;
const tolerance = 1e-4;

describe.each<BackendName>(native ? ['cpu', 'tensorflow'] : ['cpu'])('on %s', (backend) => {
  beforeAll(async () => {
    await loadBackend(backend);
  });

  it.each(parity.cases.map((own) => ({ name: nameOf(own), own })))('$name', async ({ own }) => {
    const distance = await distanceFromKeras(own, parity, async (model, optimizer, stored, loss) => {
      if (backend === 'cpu') return eagerStep(model, optimizer, loss);
      // On native TensorFlow every one of them is compiled.
      return chooseStep(model, optimizer, stored, (line) => expect.fail(line), loss);
    });
    expect(distance.loss).toBeLessThan(tolerance);
    expect(distance.weights).toBeLessThan(tolerance);
  });
});

it("gives the outputs of Keras' VGG16, all of its layers at their full width", async () => {
  await loadBackend(native ? 'tensorflow' : 'wasm');
  expect(vggDistance(parity, eagerInference)).toBeLessThan(tolerance);
  if (!native) return;
  const compiled: MakeInference = (layers) =>
    chooseInference('VGG16', layers, 'float32', (line) => expect.fail(line));
  expect(vggDistance(parity, compiled)).toBeLessThan(tolerance);
});

it('tells a difference', () => {
  expect(difference([1, 2.001], [1, 2])).toBeCloseTo(0.0005, 6);
  expect(difference([1, Number.NaN], [1, 2])).toBeNaN();
  expect(difference([1], [1, 2])).toBe(Number.POSITIVE_INFINITY);
  expect(difference([1e-9, 1], [0, 1])).toBeCloseTo(1e-7, 12);
});
