import { ServingError } from '../core/errors.ts';
import { readEntry } from './entry.ts';
import { externalDataOf } from './external-data.ts';
import { type Field, fields } from './protobuf.ts';
import { MODEL } from './schema.ts';

/** An ONNX file in memory. Its fields are views of the file's bytes, which live as long as the model. */
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
    throw new ServingError('MODEL_INVALID', 'it is not an ONNX file, or was cut short', { cause: error });
  }
};

/** @throws `MODEL_INVALID` when `bytes` are no ONNX file */
export const parseOnnxModel = (bytes: Buffer): OnnxModel =>
  parsing(() => {
    const all = [...fields(bytes)];
    const metadata = new Map(all.flatMap(({ number, value }) => (number === MODEL.metadata ? [readEntry(value)] : [])));
    return { fields: all, metadata, externalData: externalDataOf(all) };
  });
