import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { describeModel } from '../../../src/onnx/describe-model.ts';
import { graphProblems } from '../../../src/onnx/graph-problems.ts';
import { parseOnnxModel } from '../../../src/onnx/onnx-model.ts';
import { type GraphNode, toOnnxFile } from '../../support/onnx-graph.ts';

const problemsOf = async (file: string): Promise<string[]> =>
  graphProblems(describeModel(parseOnnxModel(await readFile(`test/fixtures/models/${file}`))));

describe('the problems of a graph', () => {
  it.each(['add.onnx', 'double-int64.onnx', 'tabular-ridge/model.onnx', 'tiny-bert-ner/model.onnx'])(
    'a graph that is served has none: %s',
    async (file) => {
      expect(await problemsOf(file)).toEqual([]);
    },
  );

  it.each([
    ['future-opset.onnx', /opset 99 of ai\.onnx, at most 26 .*opset_version=26/],
    ['unknown-operator.onnx', /operators com\.example\.FoldProtein are neither/],
    ['sequence.onnx', /output "parts" is sequence/],
    ['bfloat16-input.onnx', /input "x" is bfloat16\[batch\].*float32/],
  ])('a graph that no runtime loads has its reason: %s', async (file, reason) => {
    expect(await problemsOf(file)).toEqual([expect.stringMatching(reason)]);
  });

  it('a function of the model is no unknown operator', () => {
    const call: GraphNode = { operator: 'twice', domain: 'local', inputs: ['a'], outputs: ['b'] };
    const twice = { name: 'twice', inputs: ['a'], outputs: ['b'], nodes: [] };

    const problems = (functions: Parameters<typeof toOnnxFile>[1]) =>
      graphProblems(describeModel(parseOnnxModel(toOnnxFile({ outputs: [], nodes: [call] }, functions))));

    expect(problems([twice])).toEqual([]);
    expect(problems([])).toEqual([expect.stringContaining('local.twice')]);
  });
});
