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
  it('is that of its graph, when it has no functions', () => {
    expect(count([neg, neg, neg])).toBe(3);
  });

  it('counts the nodes of subgraphs', () => {
    const branch: SmallGraph = { outputs: [], nodes: [neg, neg] };
    const either: GraphNode = { ...neg, operator: 'If', attributes: { then_branch: branch, else_branch: branch } };

    expect(count([either])).toBe(5);
  });

  it('counts the body of a function at each call', () => {
    expect(count([call('two'), neg, call('two')], functionOf('two', neg, neg))).toBe(5);
  });

  it('counts a call of an empty function', () => {
    expect(count([call('none'), call('none')], functionOf('none'))).toBe(2);
  });

  it('counts an operator of ONNX that has the name of a function', () => {
    expect(count([neg], functionOf('Neg', neg, neg))).toBe(1);
  });

  it('has no end when two functions call each other', () => {
    expect(count([call('f')], functionOf('f', call('g')), functionOf('g', call('f')))).toBe(Number.POSITIVE_INFINITY);
  });
});
