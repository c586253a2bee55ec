import { open } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { sizeOf, toField, toHeader, toIntegerField } from '../../src/onnx/chunks.ts';
import { encodeNode } from '../../src/onnx/encode-graph.ts';
import { ENTRY, EXTERNAL, GRAPH, MODEL, OPSET, TENSOR } from '../../src/onnx/schema.ts';
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

/** The field of a layer's weights, up to the weights themselves; all of it when `dataFile` has them. */
const weightsHead = (layer: number, dataFile: string | undefined): Buffer => {
  const tensor = [
    ...toIntegerField(TENSOR.dimensions, WIDTH),
    ...toIntegerField(TENSOR.dimensions, WIDTH),
    ...toIntegerField(TENSOR.dataType, DATA_TYPES.float32),
    ...toField(TENSOR.name, `w${layer}`),
  ];
  if (dataFile === undefined) tensor.push(...toHeader(TENSOR.rawData, LAYER_BYTES));
  else {
    const place = { location: dataFile, offset: layer * LAYER_BYTES, length: LAYER_BYTES };
    for (const [key, value] of Object.entries(place))
      tensor.push(...toField(TENSOR.externalData, [...toField(ENTRY.key, key), ...toField(ENTRY.value, `${value}`)]));
    tensor.push(...toIntegerField(TENSOR.dataLocation, EXTERNAL));
  }
  const weightBytes = dataFile === undefined ? LAYER_BYTES : 0;
  return Buffer.concat([...toHeader(GRAPH.initializer, sizeOf(tensor) + weightBytes), ...tensor]);
};

function* weightsOf(layers: readonly number[]): Generator<Uint8Array> {
  for (const layer of layers) yield layerWeights(layer);
}

const writePieces = async (path: string, pieces: Iterable<Uint8Array>): Promise<void> => {
  const file = await open(path, 'wx');
  try {
    for (const piece of pieces) await file.write(piece);
  } finally {
    await file.close();
  }
};

/**
 * Writes an ONNX file of about `sizeBytes`: `x` float32[batch,512] through matrices of 1 MiB, one after the other, to `y`. They stand in a file
 * of the name `dataFile` beside it, if that is given. Written piece by piece: a Buffer cannot hold the largest.
 */
export const writeMatmulModel = async (path: string, sizeBytes: number, dataFile?: string): Promise<void> => {
  const layers = Array.from({ length: Math.max(1, Math.round(sizeBytes / LAYER_BYTES)) }, (_, index) => index);
  const nodes = layers.flatMap((index) => {
    const inputs = [index === 0 ? 'x' : `h${index}`, `w${index}`];
    const outputs = [index === layers.length - 1 ? 'y' : `h${index + 1}`];
    const node = { operator: 'MatMul', domain: '', name: `layer${index}`, inputs, outputs, attributes: {} };
    return toField(GRAPH.node, encodeNode(node));
  });
  const heads = layers.map((layer) => weightsHead(layer, dataFile));
  const start = Buffer.concat([...nodes, ...toField(GRAPH.name, 'matmul')]);
  const end = Buffer.concat([...toField(GRAPH.input, toValueInfo('x')), ...toField(GRAPH.output, toValueInfo('y'))]);
  const weightBytes = sizeOf(heads) + (dataFile === undefined ? layers.length * LAYER_BYTES : 0);
  const graphHead = [
    ...toIntegerField(MODEL.irVersion, IR_VERSION),
    ...toField(MODEL.opsetImport, toIntegerField(OPSET.version, OPSET_VERSION)),
    ...toHeader(MODEL.graph, start.byteLength + weightBytes + end.byteLength),
  ];
  const all = function* (): Generator<Uint8Array> {
    yield Buffer.concat([...graphHead, start]);
    for (const [layer, head] of heads.entries()) {
      yield head;
      if (dataFile === undefined) yield layerWeights(layer);
    }
    yield end;
  };
  await writePieces(path, all());
  if (dataFile !== undefined) await writePieces(join(parse(path).dir, dataFile), weightsOf(layers));
};
