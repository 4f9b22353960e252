// Hands a graph to TensorFlow as a SavedModel, and runs its signatures in one session, where its variables live.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs-core';
import { tensorflowBackend } from '../kernels/tensorflow-op.ts';
import { dataTypes, type GraphBuilder, type Output } from './graph-builder.ts';
import { messages, shapeProto } from './proto.ts';

/** What is fed and what comes out, by name. */
export interface Signature {
  readonly inputs: Readonly<Record<string, Output>>;
  readonly outputs: Readonly<Record<string, Output>>;
}

/** tfjs-node's way to sessions. */
interface SessionBackend {
  loadSavedModelMetaGraph(folder: string, tags: string): number;
  runSavedModel(
    session: number,
    inputs: readonly tf.Tensor[],
    inputInfos: readonly { name: string }[],
    outputNames: readonly string[],
  ): tf.Tensor[];
  deleteSavedModel(session: number): void;
}

const sessionBackend = () => tensorflowBackend() as unknown as SessionBackend;

const tag = 'train';

/** A graph in a session of its own. */
export class GraphSession {
  private readonly backend = sessionBackend();
  private readonly session: number;

  /**
   * Loads the graph; the tensorflow backend must be the current one.
   *
   * TensorFlow loads SavedModels from folders alone. The folder is gone again when this returns: the session needs it no more.
   *
   * @throws Error with TensorFlow's message if the graph is not valid
   */
  constructor(
    graph: GraphBuilder,
    readonly signatures: Readonly<Record<string, Signature>>,
  ) {
    const folder = mkdtempSync(join(tmpdir(), 'rodada-graph-'));
    try {
      writeFileSync(join(folder, 'saved_model.pb'), savedModel(graph, signatures));
      this.session = this.backend.loadSavedModelMetaGraph(folder, tag);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /**
   * Runs a signature.
   *
   * @param inputs a tensor for each of its inputs
   * @returns a tensor for each of its outputs; the caller disposes of them
   */
  run(signature: string, inputs: Readonly<Record<string, tf.Tensor>>): Record<string, tf.Tensor> {
    const { inputs: fed, outputs } = this.signatures[signature]!;
    const results = this.backend.runSavedModel(
      this.session,
      Object.keys(fed).map((name) => inputs[name]!),
      Object.values(fed).map((output) => ({ name: nameOf(output) })),
      Object.values(outputs).map(nameOf),
    );
    return Object.fromEntries(Object.keys(outputs).map((name, index) => [name, results[index]!]));
  }

  /** Frees the session and its variables. */
  dispose(): void {
    this.backend.deleteSavedModel(this.session);
  }
}

/** As the session knows an output. */
const nameOf = ({ node, index }: Output) => `${node}:${index}`;

function savedModel(graph: GraphBuilder, signatures: Readonly<Record<string, Signature>>): Uint8Array {
  const meta = new messages.MetaGraphDef();
  const info = new messages.MetaGraphDef.MetaInfoDef();
  info.addTags(tag);
  meta.setMetaInfoDef(info);
  meta.setGraphDef(graph.graphDef());
  for (const [name, { inputs, outputs }] of Object.entries(signatures)) {
    const signature = new messages.SignatureDef();
    for (const [key, output] of Object.entries(inputs)) signature.getInputsMap().set(key, tensorInfo(output));
    for (const [key, output] of Object.entries(outputs))
      signature.getOutputsMap().set(key, tensorInfo(output));
    signature.setMethodName(name);
    meta.getSignatureDefMap().set(name, signature);
  }
  const model = new messages.SavedModel();
  model.setSavedModelSchemaVersion(1);
  model.addMetaGraphs(meta);
  return model.serializeBinary();
}

function tensorInfo(output: Output) {
  const info = new messages.TensorInfo();
  info.setName(nameOf(output));
  info.setDtype(dataTypes[output.type]);
  const shape = shapeProto([]);
  shape.setUnknownRank(true);
  info.setTensorShape(shape);
  return info;
}
