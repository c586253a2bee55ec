import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { toField } from '../../../src/onnx/chunks.ts';
import { type OnnxModel, parseOnnxModel } from '../../../src/onnx/onnx-model.ts';
import { readIntegers } from '../../../src/onnx/protobuf.ts';
import { ATTRIBUTE, GRAPH, MODEL, NODE } from '../../../src/onnx/schema.ts';
import { findClasses, withoutZipMap } from '../../../src/onnx/zip-map.ts';

const read = (name: string): Promise<Buffer> => readFile(`test/fixtures/models/${name}`);
const parse = async (name: string) => parseOnnxModel(await read(name));

describe('a model with ZipMap', () => {
  it('a model loses its ZipMap, and nothing else', async () => {
    const model = await read('tabular-mixed/model.onnx');
    const stripped = Buffer.concat(withoutZipMap(parseOnnxModel(model)) ?? []);
    expect(model.includes('ZipMap')).toBe(true);
    expect(stripped.includes('ZipMap')).toBe(false);
    expect(stripped.includes('LinearClassifier')).toBe(true);
    expect(withoutZipMap(parseOnnxModel(stripped))).toBeUndefined();
  });

  it.each(['add.onnx', 'tabular-imputed/model.onnx', 'external-data/model.onnx'])(
    '%s has no ZipMap to lose',
    async (name) => {
      expect(withoutZipMap(await parse(name))).toBeUndefined();
    },
  );

  it.each([1, 100, 500, 1000])('a model with ZipMap is refused when %i bytes of it are missing', async (count) => {
    const model = await read('tabular-mixed/model.onnx');
    expect(() => parseOnnxModel(model.subarray(0, -count))).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
  });
});

describe('the classes of a model', () => {
  it.each([
    ['zip-map.onnx', ['no', 'yes']],
    ['tabular-forest/model.onnx', ['1', '2', '3']],
    ['tabular-imputed/model.onnx', ['-1', '1']],
    ['add.onnx', undefined],
  ])('the classes of %s are %j', async (name, classes) => {
    expect(findClasses(await parse(name))).toEqual(classes);
  });

  /** A model of nodes with an operator and string classes. */
  const modelOf = (...nodes: [operator: string, ...classes: string[]][]): OnnxModel => {
    const graph = nodes.flatMap(([operator, ...classes]) => {
      const attribute = [
        ...toField(ATTRIBUTE.name, 'classlabels_strings'),
        ...classes.flatMap((name) => toField(ATTRIBUTE.strings, name)),
      ];
      return toField(GRAPH.node, [...toField(NODE.operator, operator), ...toField(NODE.attribute, attribute)]);
    });
    return parseOnnxModel(Buffer.concat(toField(MODEL.graph, graph)));
  };

  it('the classes are those of ZipMap where classifiers inside an ensemble have their own', () => {
    expect(findClasses(modelOf(['LinearClassifier', '0', '1'], ['ZipMap', 'no', 'yes']))).toEqual(['no', 'yes']);
  });

  it('the classes are unknown where classifiers disagree', () => {
    expect(findClasses(modelOf(['LinearClassifier', '0', '1'], ['SVMClassifier', '1', '0']))).toBeUndefined();
    expect(findClasses(modelOf(['LinearClassifier', '0', '1'], ['SVMClassifier', '0', '1']))).toEqual(['0', '1']);
  });
});

describe('integers of a protobuf', () => {
  it.each<[string, number[], bigint[]]>([
    ['one byte', [5], [5n]],
    ['several, packed', [1, 0x96, 0x01], [1n, 150n]],
    ['a negative one', [...Array<number>(9).fill(0xff), 0x01], [-1n]],
    ['the lowest', [...Array<number>(9).fill(0x80), 0x01], [-(2n ** 63n)]],
  ])('integers of a protobuf are read: %s', (_what, digits, integers) => {
    expect(readIntegers(Buffer.from(digits))).toEqual(integers);
  });
});
