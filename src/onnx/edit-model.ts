import { type Chunks, sizeOf, toField } from './chunks.ts';
import type { OnnxModel } from './onnx-model.ts';
import { type Field, fields } from './protobuf.ts';
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
export const messageField = (number: number, content: Chunks): Field => {
  const bytes = Buffer.concat(toField(number, content));
  return { number, value: bytes.subarray(bytes.byteLength - sizeOf(content)), isVarint: false, bytes };
};

const bytesOf = (all: readonly Field[]): Buffer[] => all.map(({ bytes }) => bytes);

export const toParts = ({ fields: all }: OnnxModel): ModelParts => ({
  graph: all.filter(({ number }) => number === MODEL.graph).flatMap(({ value }) => [...fields(value)]),
  functions: all.filter(({ number }) => number === MODEL.function),
});

/** The bytes of `model` with other `parts`, in pieces that share the memory of their fields. */
export const fromParts = ({ fields: all }: OnnxModel, { graph, functions }: ModelParts): Chunks => {
  const others = all.filter(({ number }) => number !== MODEL.graph && number !== MODEL.function);
  return [...bytesOf(others), ...bytesOf(functions), ...toField(MODEL.graph, bytesOf(graph))];
};
