import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DType } from '../../src/core/tensor.ts';
import { toField, toIntegerField } from '../../src/onnx/chunks.ts';
import { encodeNode } from '../../src/onnx/encode-graph.ts';
import { createNode, integer, type OnnxNode } from '../../src/onnx/node.ts';
import { ENTRY, EXTERNAL, GRAPH, MODEL, OPSET, TENSOR } from '../../src/onnx/schema.ts';
import { DATA_TYPES, encodeValueInfo } from '../../src/onnx/tensor-proto.ts';

/** Types of weights that large models have. */
export const WEIGHT_TYPES = ['int4', 'float16'] as const;
export type WeightType = (typeof WEIGHT_TYPES)[number];

const IR_VERSION = 10;
const OPSET_VERSION = 21;
const MICROSOFT = 'com.microsoft';
/** Side of a layer's square matrix. */
const WIDTH = 4_096;
/** Elements of an int4 matrix that share a scale. */
const BLOCK = 32;
/** The standard deviation of 4-bit integers that are equally likely. */
const SPREAD = 4.6;
/** 2^-7 as a float16; products of 4,096 numbers of this size keep the size of their input, about. */
const SMALL_FLOAT16 = 0x2000;
const DATA_FILE = 'model.onnx.data';

/** Weights of a layer: the elements of the tensor, and the bytes of its content. */
interface LayerTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly content: (layer: number) => Uint8Array;
  readonly sizeBytes: number;
}

/** Pseudo-random bits, others for each layer: onnxruntime keeps equal weights once. */
const fillRandom = (values: Uint16Array | Uint8Array, layer: number, toValue: (bits: number) => number): Uint8Array => {
  let state = layer + 1;
  for (let index = 0; index < values.length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    values[index] = toValue(state >>> 16);
  }
  return new Uint8Array(values.buffer);
};

const tensorsOf = (type: WeightType, width: number): readonly LayerTensor[] => {
  if (type === 'float16') {
    const sizeBytes = width * width * 2;
    const toValue = (bits: number): number => (SMALL_FLOAT16 + (bits & 0x3ff)) | (bits & 0x8000);
    const content = (layer: number) => fillRandom(new Uint16Array(width * width), layer, toValue);
    return [{ name: 'weights', dtype: 'float16', shape: [width, width], content, sizeBytes }];
  }
  const blocks = width / BLOCK;
  const scales = new Float32Array(width * blocks).fill(1 / (SPREAD * Math.sqrt(width)));
  const sizeBytes = (width * width) / 2;
  return [
    {
      ...{ name: 'weights', dtype: 'uint8', shape: [width, blocks, BLOCK / 2], sizeBytes },
      content: (layer) => fillRandom(new Uint8Array(sizeBytes), layer, (bits) => bits & 0xff),
    },
    {
      ...{ name: 'scales', dtype: 'float32', shape: [width, blocks], sizeBytes: scales.byteLength },
      content: () => new Uint8Array(scales.buffer),
    },
  ];
};

const nodesOf = (type: WeightType, width: number, layers: number): OnnxNode[] => {
  const all = Array.from({ length: layers }, (_, layer) => layer);
  if (type === 'int4') {
    const attributes = {
      ...{ K: integer(width), N: integer(width), bits: integer(4) },
      ...{ block_size: integer(BLOCK), accuracy_level: integer(4) },
    };
    return all.map((layer) => {
      const inputs = [layer === 0 ? 'x' : `h${layer}`, `weights${layer}`, `scales${layer}`];
      return createNode('MatMulNBits', inputs, [layer === layers - 1 ? 'y' : `h${layer + 1}`], attributes, MICROSOFT);
    });
  }
  return [
    createNode('Cast', ['x'], ['h0'], { to: integer(DATA_TYPES.float16) }),
    ...all.map((layer) => createNode('MatMul', [`h${layer}`, `weights${layer}`], [`h${layer + 1}`])),
    createNode('Cast', [`h${layers}`], ['y'], { to: integer(DATA_TYPES.float32) }),
  ];
};

const encodeExternal = (name: string, { dtype, shape, sizeBytes }: LayerTensor, offset: number): Uint8Array[] => {
  const place = { location: DATA_FILE, offset, length: sizeBytes };
  return [
    ...shape.flatMap((size) => toIntegerField(TENSOR.dimensions, size)),
    ...toIntegerField(TENSOR.dataType, DATA_TYPES[dtype]),
    ...toField(TENSOR.name, name),
    ...Object.entries(place).flatMap(([key, value]) =>
      toField(TENSOR.externalData, [...toField(ENTRY.key, key), ...toField(ENTRY.value, `${value}`)]),
    ),
    ...toIntegerField(TENSOR.dataLocation, EXTERNAL),
  ];
};

/**
 * Writes a graph `model.onnx` with about `sizeBytes` of random weights in a file beside it, layer by layer: `x` float32[batch,4096] through square
 * matrices, one after the other, to `y`. Returns the bytes of the weights.
 */
export const writeLayeredModel = async (folder: string, type: WeightType, sizeBytes: number): Promise<number> => {
  const tensors = tensorsOf(type, WIDTH);
  const layerBytes = tensors.reduce((sum, tensor) => sum + tensor.sizeBytes, 0);
  const layers = Math.max(1, Math.round(sizeBytes / layerBytes));
  const file = await open(join(folder, DATA_FILE), 'wx');
  const weights: Uint8Array[] = [];
  let offset = 0;
  try {
    for (let layer = 0; layer < layers; layer += 1)
      for (const tensor of tensors) {
        weights.push(...toField(GRAPH.initializer, encodeExternal(`${tensor.name}${layer}`, tensor, offset)));
        await file.writeFile(tensor.content(layer));
        offset += tensor.sizeBytes;
      }
  } finally {
    await file.close();
  }
  const valueInfo = (name: string) => encodeValueInfo(name, 'float32', ['batch', WIDTH]);
  const graph = [
    ...nodesOf(type, WIDTH, layers).flatMap((node) => toField(GRAPH.node, encodeNode(node))),
    ...toField(GRAPH.name, 'layers'),
    ...weights,
    ...toField(GRAPH.input, valueInfo('x')),
    ...toField(GRAPH.output, valueInfo('y')),
  ];
  const model = [
    ...toIntegerField(MODEL.irVersion, IR_VERSION),
    ...toField(MODEL.opsetImport, toIntegerField(OPSET.version, OPSET_VERSION)),
    ...toField(MODEL.opsetImport, [...toField(OPSET.domain, MICROSOFT), ...toIntegerField(OPSET.version, 1)]),
    ...toField(MODEL.graph, graph),
  ];
  await writeFile(join(folder, 'model.onnx'), model);
  return offset;
};
