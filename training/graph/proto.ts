// TensorFlow's protocol buffer messages, as tfjs-node ships them: the few that a SavedModel with a graph consists of.
import { createRequire } from 'node:module';

/** A map field of a message. */
interface MessageMap<Value> {
  set(key: string, value: Value): unknown;
}

interface Message {
  serializeBinary(): Uint8Array;
}

interface Dim extends Message {
  setSize(size: number): void;
}

export interface TensorShape extends Message {
  addDim(dim: Dim): void;
  setUnknownRank(unknown: boolean): void;
}

export interface Tensor extends Message {
  setDtype(type: number): void;
  setTensorShape(shape: TensorShape): void;
  setTensorContent(bytes: Uint8Array): void;
}

interface ListValue extends Message {
  setIList(values: number[]): void;
}

export interface AttrValue extends Message {
  setS(bytes: Uint8Array): void;
  setI(value: number): void;
  setF(value: number): void;
  setB(value: boolean): void;
  setType(type: number): void;
  setShape(shape: TensorShape): void;
  setTensor(tensor: Tensor): void;
  setList(list: ListValue): void;
}

export interface NodeDef extends Message {
  setName(name: string): void;
  setOp(op: string): void;
  addInput(input: string): void;
  getAttrMap(): MessageMap<AttrValue>;
}

interface VersionDef extends Message {
  setProducer(version: number): void;
}

export interface GraphDef extends Message {
  /** What it holds, as plain data. */
  toObject(): { readonly nodeList: readonly { readonly name: string; readonly op: string }[] };
  addNode(node: NodeDef): void;
  setVersions(versions: VersionDef): void;
}

interface TensorInfo extends Message {
  setName(name: string): void;
  setDtype(type: number): void;
  setTensorShape(shape: TensorShape): void;
}

interface SignatureDef extends Message {
  getInputsMap(): MessageMap<TensorInfo>;
  getOutputsMap(): MessageMap<TensorInfo>;
  setMethodName(name: string): void;
}

interface MetaInfoDef extends Message {
  addTags(tag: string): void;
}

interface MetaGraphDef extends Message {
  setMetaInfoDef(info: MetaInfoDef): void;
  setGraphDef(graph: GraphDef): void;
  getSignatureDefMap(): MessageMap<SignatureDef>;
}

interface SavedModel extends Message {
  setSavedModelSchemaVersion(version: number): void;
  addMetaGraphs(graph: MetaGraphDef): void;
}

/** The messages' classes; nested ones stand in their parent, as in the `.proto` files. */
export interface Messages {
  TensorShape: (new () => TensorShape) & { Dim: new () => Dim };
  Tensor: new () => Tensor;
  AttrValue: (new () => AttrValue) & { ListValue: new () => ListValue };
  NodeDef: new () => NodeDef;
  VersionDef: new () => VersionDef;
  GraphDef: new () => GraphDef;
  TensorInfo: new () => TensorInfo;
  SignatureDef: new () => SignatureDef;
  MetaGraphDef: (new () => MetaGraphDef) & { MetaInfoDef: new () => MetaInfoDef };
  SavedModel: new () => SavedModel;
}

/** tfjs-node's classes. It ships no types for them, hence the interfaces above. */
export const messages = createRequire(import.meta.url)(
  '@tensorflow/tfjs-node-gpu/dist/proto/api_pb.js',
) as Messages;

/**
 * A shape as a message.
 *
 * @param shape null stands for a dimension that is not known before the graph runs
 */
export function shapeProto(shape: readonly (number | null)[]): TensorShape {
  const proto = new messages.TensorShape();
  for (const size of shape) {
    const dim = new messages.TensorShape.Dim();
    dim.setSize(size ?? -1);
    proto.addDim(dim);
  }
  return proto;
}
