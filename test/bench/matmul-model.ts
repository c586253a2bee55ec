import { open } from 'node:fs/promises';
import { sizeOf, toField, toHeader, toIntegerField } from '../../src/onnx/chunks.ts';
import { encodeNode } from '../../src/onnx/node.ts';
import { GRAPH, MODEL, OPSET, TENSOR } from '../../src/onnx/schema.ts';
import { DATA_TYPES, encodeValueInfo } from '../../src/onnx/tensor-proto.ts';

const IR_VERSION = 10;
const OPSET_VERSION = 21;

/** Side of a layer's square matrix, of 1 MiB. */
export const WIDTH = 512;
const LAYER_BYTES = WIDTH * WIDTH * 4;

const toValueInfo = (name: string) => encodeValueInfo(name, 'float32', ['batch', WIDTH]);

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
  const nodes = layers.flatMap((index) => {
    const inputs = [index === 0 ? 'x' : `h${index}`, `w${index}`];
    const outputs = [index === layers.length - 1 ? 'y' : `h${index + 1}`];
    const node = { operator: 'MatMul', domain: '', name: `layer${index}`, inputs, outputs, attributes: {} };
    return toField(GRAPH.node, encodeNode(node));
  });
  const heads = layers.map((index) => {
    const tensor = [
      ...toIntegerField(TENSOR.dimensions, WIDTH),
      ...toIntegerField(TENSOR.dimensions, WIDTH),
      ...toIntegerField(TENSOR.dataType, DATA_TYPES.float32),
      ...toField(TENSOR.name, `w${index}`),
      ...toHeader(TENSOR.rawData, LAYER_BYTES),
    ];
    return Buffer.concat([...toHeader(GRAPH.initializer, sizeOf(tensor) + LAYER_BYTES), ...tensor]);
  });
  const start = Buffer.concat([...nodes, ...toField(GRAPH.name, 'matmul')]);
  const end = Buffer.concat([...toField(GRAPH.input, toValueInfo('x')), ...toField(GRAPH.output, toValueInfo('y'))]);
  const graphBytes =
    start.byteLength + end.byteLength + heads.reduce((sum, head) => sum + head.byteLength + LAYER_BYTES, 0);

  const file = await open(path, 'wx');
  try {
    await file.write(
      Buffer.concat([
        ...toIntegerField(MODEL.irVersion, IR_VERSION),
        ...toField(MODEL.opsetImport, toIntegerField(OPSET.version, OPSET_VERSION)),
        ...toHeader(MODEL.graph, graphBytes),
        start,
      ]),
    );
    for (const [layer, head] of heads.entries()) await file.writev([head, layerWeights(layer)]);
    await file.write(end);
  } finally {
    await file.close();
  }
};
