import type { OnnxModel } from './onnx-model.ts';
import { type Field, fields, toField, toHeader } from './protobuf.ts';
import { MODEL } from './schema.ts';

/** The parts of a model that edits change: the fields of its graph, and its functions. */
export interface ModelParts {
  readonly graph: readonly Field[];
  /** Fields of `ModelProto`, each a function. */
  readonly functions: readonly Field[];
}

/** Changes parts of a model; returns the same parts when there is nothing to change. */
export type ModelEdit = (parts: ModelParts) => ModelParts;

/** The field `number` of a message with `content`. */
export const messageField = (number: number, content: readonly Buffer[]): Field => {
  const value = Buffer.concat(content);
  return { number, value, isVarint: false, bytes: toField(number, value) };
};

const bytesOf = (all: readonly Field[]): Buffer[] => all.map(({ bytes }) => bytes);

export const toParts = ({ fields: all }: OnnxModel): ModelParts => ({
  graph: all.filter(({ number }) => number === MODEL.graph).flatMap(({ value }) => [...fields(value)]),
  functions: all.filter(({ number }) => number === MODEL.function),
});

/** The bytes of `model` with other `parts`, in pieces that share the memory of their fields. */
export const fromParts = ({ fields: all }: OnnxModel, { graph, functions }: ModelParts): Buffer[] => {
  const others = all.filter(({ number }) => number !== MODEL.graph && number !== MODEL.function);
  const sizeBytes = graph.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  return [...bytesOf(others), ...bytesOf(functions), toHeader(MODEL.graph, sizeBytes), ...bytesOf(graph)];
};
