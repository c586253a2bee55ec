import * as ort from 'onnxruntime-node';
import { ServingError } from '../../../src/core/errors.ts';
import { isDType, type Signature, type TensorSpec } from '../../../src/core/tensor.ts';
import type { PyObject } from '../../../src/formats/pickle/values.ts';
import { createConversion } from '../../../src/formats/sklearn/converters.ts';
import { Estimator } from '../../../src/formats/sklearn/estimator.ts';
import { toMatrix, widthOf } from '../../../src/formats/sklearn/frame.ts';
import { addInputs, type TableColumn } from '../../../src/formats/sklearn/inputs.ts';
import { createGraph } from '../../../src/onnx/graph-builder.ts';

export interface TransformerGraph {
  readonly model: Buffer;
  readonly columns: readonly TableColumn[];
  readonly width: number;
  readonly dtype: 'float64' | 'string';
}

/** A fitted transformer as a graph whose output is `Y` [N,width]. */
export const convertTransformer = (object: PyObject, version: string): TransformerGraph => {
  const graph = createGraph();
  const root = new Estimator(object, version);
  const { frame, columns } = addInputs(graph, root);
  const made = createConversion(graph).convert(root, frame).frame ?? [];
  const width = widthOf(made);
  const [first] = made;
  if (first === undefined) throw new ServingError('MODEL_INVALID', 'no columns');
  const value = first.dtype === 'string' && made.length === 1 ? first.value : toMatrix(graph, made);
  graph.output('Y', value, first.dtype, ['N', width]);
  return { model: Buffer.concat([...graph.toModel()]), columns, width, dtype: first.dtype };
};

/** Opens a graph as the engine does. */
export const openGraph = (model: Buffer): Promise<ort.InferenceSession> =>
  ort.InferenceSession.create(model, { logSeverityLevel: 3, intraOpNumThreads: 1 });

const toSpecs = (metadata: ort.InferenceSession['inputMetadata']): TensorSpec[] =>
  metadata.flatMap((each) =>
    each.isTensor && isDType(each.type) ? [{ name: each.name, dtype: each.type, shape: [...each.shape] }] : [],
  );

export const signatureOfSession = ({ inputMetadata, outputMetadata }: ort.InferenceSession): Signature => ({
  inputs: toSpecs(inputMetadata),
  outputs: toSpecs(outputMetadata),
});
