// The architecture drawings: every layer of a real model, its shape, its parameters, and no two labels on one another.
import { setBackend } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { architectureSvg } from '../../report/architecture.ts';
import { layersOf } from '../../report/layer-shapes.ts';

beforeAll(async () => {
  await setBackend('cpu');
});

/** VGG16's convolutions, width 1/16, as a model inside a model. */
function nested() {
  const base = sequential({ name: 'vgg16' });
  base.add(layers.inputLayer({ inputShape: [32, 32, 3], name: 'pixels' }));
  [4, 8, 16, 32, 32].forEach((filters, block) => {
    for (let i = 1; i <= (block < 2 ? 2 : 3); i++) {
      base.add(
        layers.conv2d({ name: `block${block + 1}_conv${i}`, filters, kernelSize: 3, padding: 'same' }),
      );
    }
    base.add(layers.maxPooling2d({ name: `block${block + 1}_pool`, poolSize: 2 }));
  });
  base.trainable = false;
  const model = sequential();
  model.add(layers.rescaling({ name: 'rescaling', scale: 1 / 255, inputShape: [32, 32, 3] }));
  model.add(base);
  model.add(layers.flatten({ name: 'flatten' }));
  model.add(layers.dense({ name: 'dense', units: 10 }));
  return model;
}

test('lists the layers of a model and of models inside it', () => {
  const model = nested();
  const shapes = layersOf(model);
  expect(shapes.map(({ name }) => name).slice(0, 4)).toEqual(['rescaling', 'block1_conv1', 'block1_conv2', 'block1_pool']); // biome-ignore format: one line
  expect(shapes).toHaveLength(1 + 18 + 2);
  expect(shapes.find(({ name }) => name === 'block5_pool')).toMatchObject({
    kind: 'MaxPooling2D',
    shape: [1, 1, 32],
  });
  expect(shapes.reduce((sum, { parameters }) => sum + parameters, 0)).toBe(model.countParams());
  expect(shapes.reduce((sum, { trainableParameters }) => sum + trainableParameters, 0)).toBe(32 * 10 + 10);
});

test('draws every layer with name and shape, as well-formed XML, twice the same', async () => {
  const shapes = layersOf(nested());
  const svg = architectureSvg(shapes, 'vgg16 <a&b>');
  expect(architectureSvg(structuredClone(shapes), 'vgg16 <a&b>')).toBe(svg);
  expect(svg).toContain('vgg16 &lt;a&amp;b&gt;');
  expect(svg).toContain('>block4_conv3<');
  expect(svg).toContain('>2×2×32<');
  const { width, height } = await sharp(Buffer.from(svg)).metadata();
  expect(svg).toContain(`viewBox="0 0 ${width} ${height}"`);
});

test('labels keep a line apart, however thin their layers', () => {
  const svg = architectureSvg(layersOf(nested()), 'vgg16');
  const at = [...svg.matchAll(/translate\(([\d.]+) [\d.]+\) rotate\(-45\)/g)].map(([, x]) => Number(x));
  expect(at).toHaveLength(21);
  // Slanted by 45°, two lines of 11 px are 11 px apart when they begin 11 √2 px from one another.
  at.slice(1).forEach((x, i) => {
    expect(x - at[i]!).toBeGreaterThanOrEqual(11 * Math.SQRT2);
  });
});

test('nothing is drawn outside of the canvas', () => {
  const svg = architectureSvg(layersOf(nested()), 'vgg16');
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.map(Number) as [number, number, number];
  const shift = Number(/<g transform="translate\(([\d.]+) 0\)"/.exec(svg)![1]);
  for (const [, points] of svg.matchAll(/points="([^"]+)"/g)) {
    for (const point of points!.split(' ')) {
      const [x, y] = point.split(',').map(Number) as [number, number];
      expect(x + shift).toBeGreaterThanOrEqual(0);
      expect(x + shift).toBeLessThanOrEqual(width);
      expect(y).toBeGreaterThanOrEqual(40);
      expect(y).toBeLessThanOrEqual(height);
    }
  }
});
