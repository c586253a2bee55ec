import { type Chunks, toField, toIntegerField } from './chunks.ts';
import { decodeGraph } from './decode-graph.ts';
import { encodeGraph } from './encode-graph.ts';
import type { OnnxGraph } from './node.ts';
import { type OnnxModel, parsing } from './onnx-model.ts';
import { fields, readIntegers } from './protobuf.ts';
import { MODEL, OPSET } from './schema.ts';

/** The graph of a model as editors read it and replace it. */
export interface GraphDocument {
  readonly graph: OnnxGraph;
  /** Versions of the sets of operators, by domain. */
  readonly opsets: ReadonlyMap<string, number>;
}

const readOpset = (message: Buffer): [domain: string, version: number] => {
  let [domain, version] = ['', 0];
  for (const { number, value } of fields(message)) {
    if (number === OPSET.domain) domain = value.toString();
    if (number === OPSET.version) version = Number(readIntegers(value)[0] ?? 0n);
  }
  return [domain, version];
};

/** @throws `MODEL_INVALID` when a message is damaged */
export const readGraph = ({ fields: all }: OnnxModel): GraphDocument =>
  parsing(() => ({
    graph: decodeGraph(all.findLast(({ number }) => number === MODEL.graph)?.value ?? Buffer.alloc(0)),
    opsets: new Map(all.filter(({ number }) => number === MODEL.opsetImport).map(({ value }) => readOpset(value))),
  }));

/** The file of `model` with `document` in the place of its graph, in pieces. Functions, metadata and its other fields stay. */
export const writeGraph = ({ fields: all }: OnnxModel, { graph, opsets }: GraphDocument): Chunks => [
  ...all.filter(({ number }) => number !== MODEL.graph && number !== MODEL.opsetImport).map(({ bytes }) => bytes),
  ...toField(MODEL.graph, encodeGraph(graph)),
  ...[...opsets].flatMap(([domain, version]) =>
    toField(MODEL.opsetImport, [...toField(OPSET.domain, domain), ...toIntegerField(OPSET.version, version)]),
  ),
];
