// Runs convolutions by our kernels and by TensorFlow's, and prints how far they are apart and what ours gave: for the instruction set
// and the number of threads that the environment names, which a process reads once.
import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { difference } from '../../bench/parity/cases.ts';
import { loadBackend } from '../../training/backend.ts';
import { forwardPass, weightVariables } from '../../training/graph/forward-pass.ts';
import { GraphBuilder } from '../../training/graph/graph-builder.ts';
import type { Layer } from '../../training/graph/layers/layer-rule.ts';
import { identityAfter } from '../../training/graph/ops.ts';
import { restoreSignature } from '../../training/graph/restore.ts';
import { GraphSession } from '../../training/graph/saved-model.ts';
import { type ConvolutionCase, type ConvolutionResult, cases } from './convolution-cases.ts';

const { label } = await loadBackend('tensorflow');
const results = cases.map((own): ConvolutionResult => {
  const [ours, theirs] = [true, false].map((ownKernels) => outcome(own, ownKernels)) as [Outcome, Outcome];
  const digest = createHash('sha256');
  const differences = Object.entries(ours.values).map(([name, values]) => {
    digest.update(values);
    return [name, difference(values, theirs.values[name]!, 1)] as const;
  });
  return {
    operations: ours.operations,
    differences: Object.fromEntries(differences),
    digest: digest.digest('hex'),
  };
});
console.log(JSON.stringify({ label, results }));

interface Outcome {
  /** Our operations in the graph. */
  readonly operations: readonly string[];
  readonly values: Readonly<Record<string, Float32Array>>;
}

/** Two convolutions, so that the second's input has a gradient, forward and back. */
function outcome(
  { batch, size: [height, width], channels, filters, ...own }: ConvolutionCase,
  ownKernels: boolean,
): Outcome {
  const normalization = own.normalization === true;
  const block = (count: number, index: number) => [
    layers.conv2d({
      name: `convolution${index}`,
      filters: count,
      kernelSize: 3,
      padding: own.padding,
      useBias: own.useBias,
      activation: normalization ? 'linear' : own.activation,
    }),
    ...(normalization
      ? [
          layers.batchNormalization({ name: `normalization${index}` }),
          layers.activation({ activation: own.activation }),
        ]
      : []),
    ...(own.pooling ? [layers.maxPooling2d({ poolSize: 2 })] : []),
  ];
  const model = sequential({
    layers: [layers.inputLayer({ inputShape: [height, width, channels] }), ...filters.flatMap(block)],
  });
  const graph = new GraphBuilder();
  const written: readonly Layer[] = model.layers;
  const variables = weightVariables(graph, written);
  const inputs = graph.placeholder('inputs', 'float32', model.inputs[0]!.shape);
  const given = graph.placeholder('gradient', 'float32', model.outputs[0]!.shape);
  const pass = forwardPass(
    graph,
    written,
    variables,
    inputs,
    { step: graph.constant([0], [], 'int32') },
    ownKernels,
  );
  const gradients = [...pass.backward(given)].map(([{ originalName }, { gradient }]) => [
    originalName,
    gradient,
  ]);
  const session = new GraphSession(graph, {
    restore: restoreSignature(graph, [...variables.values()]),
    run: {
      inputs: { inputs, given },
      outputs: {
        output: identityAfter(graph, 'output', pass.output, pass.updates),
        ...Object.fromEntries(gradients),
      },
    },
    moving: {
      inputs: {},
      outputs: Object.fromEntries(
        [...variables.values()]
          .filter(({ name }) => name.includes('moving'))
          .map(({ name, value }) => [name, value]),
      ),
    },
  });
  let seed = 1;
  const random = (shape: readonly (number | null)[], scale = 1): tf.Tensor =>
    tf.mul(
      tf.randomUniform(
        shape.map((each) => each ?? batch),
        -1,
        1,
        'float32',
        seed++,
      ),
      scale,
    );
  const restored = tf.tidy(() =>
    session.run(
      'restore',
      Object.fromEntries([...variables.values()].map(({ name, shape }) => [name, random(shape, 0.3)])),
    ),
  );
  const fed = { inputs: random(model.inputs[0]!.shape), given: random(model.outputs[0]!.shape) };
  const run = session.run('run', fed);
  const outputs = { ...run, ...(normalization ? session.run('moving', {}) : {}) };
  const values = Object.fromEntries(
    Object.entries(outputs).map(([name, tensor]) => [name, tensor.dataSync() as Float32Array]),
  );
  tf.dispose([restored, fed, outputs]);
  session.dispose();
  model.dispose();
  const { nodeList } = graph.graphDef().toObject();
  const operations = nodeList.map(({ op }) => op).filter((operation) => operation.startsWith('Rodada'));
  return { operations, values };
}
