import { open } from 'node:fs/promises';

/** Field numbers and types are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
const FLOAT = 1;
const IR_VERSION = 10;
const OPSET_VERSION = 21;

/** Side of a layer's square matrix, of 1 MiB. */
export const WIDTH = 512;
const LAYER_BYTES = WIDTH * WIDTH * 4;

const varint = (value: number): Buffer => {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
};
const number = (field: number, value: number): Buffer => Buffer.concat([varint(field * 8), varint(value)]);
/** Tag and length; what follows is the content. */
const header = (field: number, sizeBytes: number): Buffer => Buffer.concat([varint(field * 8 + 2), varint(sizeBytes)]);
const message = (field: number, ...parts: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(parts);
  return Buffer.concat([header(field, content.byteLength), content]);
};
const text = (field: number, value: string): Buffer => message(field, Buffer.from(value));

/** float32[batch,512] */
const valueInfo = (field: number, name: string): Buffer => {
  const shape = message(2, message(1, text(2, 'batch')), message(1, number(1, WIDTH)));
  return message(field, text(1, name), message(2, message(1, number(1, FLOAT), shape)));
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
      1,
      text(1, index === 0 ? 'x' : `h${index}`),
      text(1, `w${index}`),
      text(2, index === layers.length - 1 ? 'y' : `h${index + 1}`),
      text(4, 'MatMul'),
    ),
  );
  const heads = layers.map((index) => {
    const tensor = [number(1, WIDTH), number(1, WIDTH), number(2, FLOAT), text(8, `w${index}`), header(9, LAYER_BYTES)];
    const sizeOfTensor = tensor.reduce((sum, part) => sum + part.byteLength, LAYER_BYTES);
    return Buffer.concat([header(5, sizeOfTensor), ...tensor]);
  });
  const start = Buffer.concat([...nodes, text(2, 'matmul')]);
  const end = Buffer.concat([valueInfo(11, 'x'), valueInfo(12, 'y')]);
  const graphBytes =
    start.byteLength + end.byteLength + heads.reduce((sum, head) => sum + head.byteLength + LAYER_BYTES, 0);

  const file = await open(path, 'wx');
  try {
    await file.write(
      Buffer.concat([number(1, IR_VERSION), message(8, number(2, OPSET_VERSION)), header(7, graphBytes), start]),
    );
    for (const [layer, head] of heads.entries()) await file.writev([head, layerWeights(layer)]);
    await file.write(end);
  } finally {
    await file.close();
  }
};
