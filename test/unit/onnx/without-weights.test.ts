import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { bytesInMemory, withFileBytes } from '../../../src/core/byte-source.ts';
import { toField, toIntegerField, toIntegersField } from '../../../src/onnx/chunks.ts';
import { countNodes } from '../../../src/onnx/count-nodes.ts';
import { describeModel } from '../../../src/onnx/describe-model.ts';
import { toParts } from '../../../src/onnx/edit-model.ts';
import { readGraph } from '../../../src/onnx/graph-document.ts';
import { type OnnxModel, parseOnnxModel, readOnnxModel } from '../../../src/onnx/onnx-model.ts';
import { ATTRIBUTE, GRAPH, MODEL, NODE } from '../../../src/onnx/schema.ts';
import { readWithoutWeights } from '../../../src/onnx/without-weights.ts';
import { findClasses, withoutZipMap } from '../../../src/onnx/zip-map.ts';
import { type GraphTensor, toOnnxFile } from '../../support/onnx-graph.ts';

const GRAPHS = [
  'models/efficientnet-lite0/onnx/model.onnx',
  'test/fixtures/models/tiny-bert-ner/model.onnx',
  'models/iris/model.onnx',
  'test/fixtures/models/external-data/model.onnx',
  'test/fixtures/models/tiny-marian/decoder_model_merged.onnx',
  'test/fixtures/models/zip-map.onnx',
];

const large: GraphTensor = { name: 'w', dtype: 'float32', shape: [50, 100], data: new Float32Array(5000).fill(2) };

describe('a graph without its weights', () => {
  it.each(GRAPHS)('is described as the whole one: %s', async (path) => {
    const whole = parseOnnxModel(await readFile(path));
    const read = withFileBytes(path, readOnnxModel);

    expect(describeModel(read)).toEqual(describeModel(whole));
    expect(countNodes(read)).toBe(countNodes(whole));
    expect(findClasses(read)).toEqual(findClasses(whole));
    const hasZipMap = (model: OnnxModel): boolean => {
      const parts = toParts(model);
      return withoutZipMap(parts) !== parts;
    };
    expect(hasZipMap(read)).toBe(hasZipMap(whole));
  });

  it('is far smaller than the file', async () => {
    const bytes = await readFile('models/efficientnet-lite0/onnx/model.onnx');
    expect(readWithoutWeights(bytesInMemory(bytes)).byteLength).toBeLessThan(bytes.byteLength / 20);
  });

  it('keeps its small tensors, and the sizes of those that it lacks, in subgraphs too', () => {
    const small: GraphTensor = { ...large, name: 'axes', shape: [2], data: Float32Array.of(1, 2) };
    const branch = { outputs: [], nodes: [], weights: [large] };
    const node = { operator: 'If', inputs: ['c'], outputs: ['y'], attributes: { then_branch: branch } };
    const file = toOnnxFile({ outputs: [], nodes: [node], weights: [large, small] });

    const without = readWithoutWeights(bytesInMemory(file));

    expect(file.byteLength - without.byteLength).toBeGreaterThan(2 * 5000 * 4);
    expect(without.includes(Buffer.from(Float32Array.of(1, 2).buffer))).toBe(true);
    const { tensors } = describeModel(parseOnnxModel(without));
    expect(tensors.map(({ name, elements, bytes }) => [name, elements, bytes])).toEqual([
      ['w', 5000, 20_000],
      ['w', 5000, 20_000],
      ['axes', 2, 8],
    ]);
  });

  it.each([
    ['packed', (count: number) => toIntegersField(ATTRIBUTE.integers, new Array<number>(count).fill(300))],
    [
      'a field each',
      (count: number) => [Buffer.alloc(3 * count, Buffer.concat(toIntegerField(ATTRIBUTE.integers, 300)))],
    ],
  ])('lacks the elements of a long list that are %s, and keeps a shorter one', (_, toList) => {
    const toAttribute = (name: string, count: number) =>
      toField(NODE.attribute, [
        ...toField(ATTRIBUTE.name, name),
        ...toList(count),
        ...toIntegerField(ATTRIBUTE.type, 7),
      ]);
    const node = [
      ...toField(NODE.operator, 'TreeEnsemble'),
      ...toAttribute('nodes_featureids', 1_000_000),
      ...toAttribute('classlabels_int64s', 10_000),
    ];
    const file = Buffer.concat(toField(MODEL.graph, toField(GRAPH.node, node)));

    const without = readWithoutWeights(bytesInMemory(file));

    expect(without.byteLength).toBeLessThan(40_000);
    const [read] = readGraph(parseOnnxModel(without)).graph.nodes;
    expect(read?.attributes.nodes_featureids).toEqual({ type: 'integers', value: [] });
    expect(read?.attributes.classlabels_int64s).toEqual({ type: 'integers', value: new Array(10_000).fill(300n) });
  });

  it('has the classes of a ZipMap, however long their names are', () => {
    const names = Array.from({ length: 30_000 }, (_, index) => `class ${index} ${'n'.repeat(40)}`);
    const attribute = [
      ...names.flatMap((name) => toField(ATTRIBUTE.strings, name)),
      ...toField(ATTRIBUTE.name, 'classlabels_strings'),
      ...toIntegerField(ATTRIBUTE.type, 8),
    ];
    const node = [...toField(NODE.operator, 'ZipMap'), ...toField(NODE.attribute, attribute)];
    const file = Buffer.concat(toField(MODEL.graph, toField(GRAPH.node, node)));

    expect(findClasses(parseOnnxModel(readWithoutWeights(bytesInMemory(file))))).toEqual(names);
  });

  it('is decoded with the large constants of its nodes as they are', () => {
    const constant = (value: GraphTensor) => ({
      operator: 'Constant',
      inputs: [],
      outputs: ['c'],
      attributes: { value },
    });
    const small: GraphTensor = { ...large, shape: [2], data: Float32Array.of(1, 2) };
    const file = toOnnxFile({ outputs: [], nodes: [constant(large), constant(small)] });

    const { nodes } = readGraph(readOnnxModel(bytesInMemory(file))).graph;

    expect(nodes.map(({ attributes }) => attributes.value?.type)).toEqual(['encoded', 'tensor']);
  });

  it('is refused when the file was cut short, wherever that was', async () => {
    const bytes = await readFile('test/fixtures/models/tiny-marian/encoder_model.onnx');
    for (let length = 1; length < bytes.byteLength; length += 4999)
      expect(() => readOnnxModel(bytesInMemory(bytes.subarray(0, length)))).toThrow(
        expect.objectContaining({ code: 'MODEL_INVALID' }),
      );
  });

  it('is refused when a length leads out of the file', () => {
    const wrong = Buffer.concat(toField(MODEL.graph, [Buffer.alloc(10_000, 0x0a)]));
    expect(() => readOnnxModel(bytesInMemory(wrong))).toThrow('not an ONNX file, or was cut short');
  });
});
