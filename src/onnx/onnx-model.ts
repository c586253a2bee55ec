import type { ByteSource } from '../core/byte-source.ts';
import { ServingError } from '../core/errors.ts';
import { messageOf } from '../core/message-of.ts';
import { readEntry } from './entry.ts';
import { externalDataOf } from './external-data.ts';
import { type Field, fields } from './protobuf.ts';
import { MODEL } from './schema.ts';
import { readWithoutWeights } from './without-weights.ts';

/** An ONNX file in memory, perhaps without its weights. Its fields are views of its bytes, which live as long as the model. */
export interface OnnxModel {
  /** Fields of `ModelProto`, in the order of the file. */
  readonly fields: readonly Field[];
  /** Notes of the exporter, `metadata_props`. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Files with weights, as the graph names them: relative to its own folder, each once. */
  readonly externalData: readonly string[];
}

/** Runs `parse` on the bytes of an ONNX file. @throws `MODEL_INVALID` when the bytes are damaged */
export const parsing = <T>(parse: () => T): T => {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ServingError) throw error;
    const problem = isTooDeep(error)
      ? 'its graphs or functions are nested too deep; export it without nested functions'
      : 'it is not an ONNX file, or was cut short';
    throw new ServingError('MODEL_INVALID', problem, { cause: error });
  }
};

/** Tells whether a reader of graphs within graphs, or of functions that call functions, has used up the stack. */
const isTooDeep = (error: unknown): boolean => messageOf(error).includes('Maximum call stack');

/** @throws `MODEL_INVALID` when `bytes` are no ONNX file */
export const parseOnnxModel = (bytes: Buffer): OnnxModel =>
  parsing(() => {
    const all = [...fields(bytes)];
    const metadata = new Map(all.flatMap(({ number, value }) => (number === MODEL.metadata ? [readEntry(value)] : [])));
    return { fields: all, metadata, externalData: externalDataOf(all) };
  });

/** The model of a file, without the elements of its large tensors. @throws `MODEL_INVALID` when the bytes are no ONNX file */
export const readOnnxModel = (source: ByteSource): OnnxModel =>
  parseOnnxModel(parsing(() => readWithoutWeights(source)));
