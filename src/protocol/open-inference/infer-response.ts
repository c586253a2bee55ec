import type { Tensor, Tensors } from '../../core/tensor.ts';
import { toBinary } from './binary.ts';
import { DATATYPES } from './datatypes.ts';
import { toJsonData } from './tensor-data.ts';

/** The version that gave an answer. */
export interface Responder {
  readonly name: string;
  readonly version: number;
}

export interface InferResponse {
  readonly id: string | undefined;
  readonly outputs: Tensors;
  /** Names of the outputs that are answered as bytes behind the JSON. */
  readonly binary: ReadonlySet<string>;
}

const formatTensor = (name: string, { dtype, shape }: Tensor, content: string): string =>
  `{"name":${JSON.stringify(name)},"datatype":"${DATATYPES[dtype]}","shape":[${shape}],${content}}`;

/** The JSON of a response, and the bytes behind it. It is written by hand: `JSON.stringify` knows neither typed arrays nor 64-bit integers. */
export const formatInferResponse = (
  { id, outputs, binary }: InferResponse,
  { name: modelName, version }: Responder,
): { readonly json: string; readonly bytes: readonly Uint8Array[] } => {
  const bytes: Uint8Array[] = [];
  const tensors = Object.entries(outputs).map(([name, output]) => {
    if (!binary.has(name)) return formatTensor(name, output, `"data":${toJsonData(output)}`);
    const content = toBinary(output);
    bytes.push(content);
    return formatTensor(name, output, `"parameters":{"binary_data_size":${content.byteLength}}`);
  });
  const head = JSON.stringify({
    model_name: modelName,
    model_version: String(version),
    ...(id !== undefined && { id }),
  });
  return { json: `${head.slice(0, -1)},"outputs":[${tensors.join(',')}]}`, bytes };
};
