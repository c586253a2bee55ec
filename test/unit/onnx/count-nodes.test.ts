import { describe, expect, it } from '@jest/globals';
import { countNodes } from '../../../src/onnx/count-nodes.ts';
import { parseOnnxModel } from '../../../src/onnx/onnx-model.ts';
import { type GraphFunction, type GraphNode, type SmallGraph, toOnnxFile } from '../../support/onnx-graph.ts';

const neg: GraphNode = { operator: 'Neg', inputs: ['a'], outputs: ['b'] };
const call = (name: string): GraphNode => ({ operator: name, domain: 'local', inputs: ['a'], outputs: ['b'] });
const functionOf = (name: string, ...nodes: GraphNode[]): GraphFunction => ({
  ...{ name, inputs: ['a'], outputs: ['b'], nodes },
});
const count = (nodes: GraphNode[], ...functions: GraphFunction[]): number =>
  countNodes(parseOnnxModel(toOnnxFile({ outputs: [], nodes }, functions)));

describe('the number of nodes of a model', () => {
  it('the nodes of a model without functions are those of its graph', () => {
    expect(count([neg, neg, neg])).toBe(3);
  });

  it('the nodes of subgraphs count', () => {
    const branch: SmallGraph = { outputs: [], nodes: [neg, neg] };
    const either: GraphNode = { ...neg, operator: 'If', attributes: { then_branch: branch, else_branch: branch } };

    expect(count([either])).toBe(5);
  });

  it('the body of a function counts at each call', () => {
    expect(count([call('two'), neg, call('two')], functionOf('two', neg, neg))).toBe(5);
  });

  it('a call of an empty function counts', () => {
    expect(count([call('none'), call('none')], functionOf('none'))).toBe(2);
  });

  it('an operator of ONNX that has the name of a function counts once', () => {
    expect(count([neg], functionOf('Neg', neg, neg))).toBe(1);
  });

  it('the nodes of two functions that call each other have no end', () => {
    expect(count([call('f')], functionOf('f', call('g')), functionOf('g', call('f')))).toBe(Number.POSITIVE_INFINITY);
  });

  it('a chain of functions that is deeper than the stack is refused as that', () => {
    const chain = Array.from({ length: 20_000 }, (_, index) => functionOf(`f${index}`, call(`f${index + 1}`)));
    expect(() => count([call('f0')], ...chain)).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining('nested too deep') }),
    );
  });
});
