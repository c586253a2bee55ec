import { describe, expect, it } from '@jest/globals';
import { findLastOperator } from '../../../src/onnx/last-operator.ts';
import { parseOnnxModel } from '../../../src/onnx/onnx-model.ts';
import { type GraphFunction, type GraphNode, type GraphTensor, toOnnxFile } from '../../support/onnx-graph.ts';

const node = (operator: string, from: string, to: string, domain?: string): GraphNode => ({
  operator,
  inputs: [from],
  outputs: [to],
  ...(domain !== undefined && { domain }),
});
const tensorOf = (name: string, dtype: GraphTensor['dtype'] = 'float32'): GraphTensor => ({
  name,
  dtype,
  shape: ['n', 2],
});

const find = (
  nodes: readonly GraphNode[],
  outputs: readonly GraphTensor[] = [tensorOf('y')],
  functions: readonly GraphFunction[] = [],
) => findLastOperator(parseOnnxModel(toOnnxFile({ inputs: [tensorOf('x')], outputs, nodes }, functions)), 'logits');

describe('the last operator of a graph', () => {
  it('is that of logits, or else of the first output of floats', () => {
    const nodes = [node('ArgMax', 'x', 'label'), node('Softmax', 'x', 'y'), node('Relu', 'x', 'logits')];

    expect(find(nodes, [tensorOf('label', 'int64'), tensorOf('y')])).toBe('Softmax');
    expect(find(nodes, [tensorOf('y'), tensorOf('logits')])).toBe('Relu');
  });

  it('is behind those that only change the form of values, in functions and before them', () => {
    const body = [node('Sigmoid', 'a', 's'), node('Squeeze', 's', 'b')];
    const scores = { name: 'Scores', inputs: ['a'], outputs: ['b'], nodes: body };
    const same = { name: 'Same', inputs: ['a'], outputs: ['b'], nodes: [node('Identity', 'a', 'b')] };

    expect(
      find([node('Softmax', 'x', 'a'), node('QuantizeLinear', 'a', 'b'), node('DequantizeLinear', 'b', 'y')]),
    ).toBe('Softmax');
    expect(find([node('Scores', 'x', 'm', 'local'), node('Same', 'm', 'y', 'local')], undefined, [scores, same])).toBe(
      'Sigmoid',
    );
  });

  it('is none where an input comes back, or functions call each other without an end', () => {
    const endless = { name: 'Endless', inputs: ['a'], outputs: ['b'], nodes: [node('Endless', 'a', 'b', 'local')] };

    expect(find([node('Identity', 'x', 'y')])).toBeUndefined();
    expect(find([node('Identity', 'y', 'y')])).toBeUndefined();
    expect(find([node('Endless', 'x', 'y', 'local')], undefined, [endless])).toBeUndefined();
  });

  it('is refused in a damaged file', () => {
    const bytes = toOnnxFile({ inputs: [tensorOf('x')], outputs: [tensorOf('y')], nodes: [node('Softmax', 'x', 'y')] });
    const at = bytes.indexOf('Softmax');
    bytes[at - 1] = 0xff;

    expect(() => findLastOperator(parseOnnxModel(bytes), 'logits')).toThrow('it is not an ONNX file, or was cut short');
  });
});
