import { open } from 'node:fs/promises';
import { toField, toHeader } from '../../src/onnx/protobuf.ts';
import {
  DIMENSION,
  FLOAT,
  GRAPH,
  MODEL,
  NODE,
  OPSET,
  SHAPE,
  TENSOR,
  TENSOR_TYPE,
  TYPE,
  VALUE_INFO,
} from '../../src/onnx/schema.ts';

const IR_VERSION = 10;
const OPSET_VERSION = 21;

/** Side of a layer's square matrix, of 1 MiB. */
export const WIDTH = 512;
const LAYER_BYTES = WIDTH * WIDTH * 4;

const message = (field: number, ...parts: readonly Buffer[]): Buffer => toField(field, Buffer.concat(parts));
const text = (field: number, value: string): Buffer => toField(field, Buffer.from(value));

/** float32[batch,512] */
const valueInfo = (field: number, name: string): Buffer => {
  const batch = message(SHAPE.dimension, text(DIMENSION.parameter, 'batch'));
  const width = message(SHAPE.dimension, toField(DIMENSION.value, WIDTH));
  const tensor = [toField(TENSOR_TYPE.elementType, FLOAT), message(TENSOR_TYPE.shape, batch, width)];
  return message(field, text(VALUE_INFO.name, name), message(VALUE_INFO.type, message(TYPE.tensor, ...tensor)));
};

/** Weights that keep the size of what passes through them, others for each `layer`: onnxruntime keeps equal ones once. */
const layerWeights = (layer: number): Buffer => {
  const values = new Float32Array(WIDTH * WIDTH);
  const spread = Math.sqrt(3 / WIDTH);
  let state = layer + 1;
  for (let i = 0; i < values.length; i += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    values[i] = (state / 2 ** 31 - 1) * spread;
  }
  return Buffer.from(values.buffer);
};

/**
 * Writes an ONNX file of about `sizeBytes`: `x` float32[batch,512] through matrices of 1 MiB, one after the other, to `y`.
 * Written piece by piece: a Buffer cannot hold the largest.
 */
export const writeMatmulModel = async (path: string, sizeBytes: number): Promise<void> => {
  const layers = Array.from({ length: Math.max(1, Math.round(sizeBytes / LAYER_BYTES)) }, (_, index) => index);
  const nodes = layers.map((index) =>
    message(
      GRAPH.node,
      text(NODE.input, index === 0 ? 'x' : `h${index}`),
      text(NODE.input, `w${index}`),
      text(NODE.output, index === layers.length - 1 ? 'y' : `h${index + 1}`),
      text(NODE.operator, 'MatMul'),
    ),
  );
  const heads = layers.map((index) => {
    const tensor = [
      toField(TENSOR.dimensions, WIDTH),
      toField(TENSOR.dimensions, WIDTH),
      toField(TENSOR.dataType, FLOAT),
      text(TENSOR.name, `w${index}`),
      toHeader(TENSOR.rawData, LAYER_BYTES),
    ];
    const sizeOfTensor = tensor.reduce((sum, part) => sum + part.byteLength, LAYER_BYTES);
    return Buffer.concat([toHeader(GRAPH.initializer, sizeOfTensor), ...tensor]);
  });
  const start = Buffer.concat([...nodes, text(GRAPH.name, 'matmul')]);
  const end = Buffer.concat([valueInfo(GRAPH.input, 'x'), valueInfo(GRAPH.output, 'y')]);
  const graphBytes =
    start.byteLength + end.byteLength + heads.reduce((sum, head) => sum + head.byteLength + LAYER_BYTES, 0);

  const file = await open(path, 'wx');
  try {
    await file.write(
      Buffer.concat([
        toField(MODEL.irVersion, IR_VERSION),
        message(MODEL.opsetImport, toField(OPSET.version, OPSET_VERSION)),
        toHeader(MODEL.graph, graphBytes),
        start,
      ]),
    );
    for (const [layer, head] of heads.entries()) await file.writev([head, layerWeights(layer)]);
    await file.write(end);
  } finally {
    await file.close();
  }
};
