import { describe, expect, it } from '@jest/globals';
import { tensor } from '../../../src/core/tensor.ts';
import { createGraph, type GraphBuilder, singles, type Value } from '../../../src/onnx/graph-builder.ts';
import { readGraph } from '../../../src/onnx/graph-document.ts';
import { findLookups } from '../../../src/onnx/lookups.ts';
import { integer, tensorValue } from '../../../src/onnx/node.ts';
import { parseOnnxModel } from '../../../src/onnx/onnx-model.ts';

const shape = (...sizes: number[]) => tensor('int64', [sizes.length], BigInt64Array.from(sizes, BigInt));

/** The tables of a graph with the input `ids`, and a table of 4 × 3 numbers. */
const lookupsOf = (build: (graph: GraphBuilder, ids: Value, table: Value) => Value) => {
  const graph = createGraph();
  const ids = graph.input('ids', 'int64', ['n', 2]);
  graph.output('y', build(graph, ids, graph.constant(singles([4, 3], new Float32Array(12)))), 'float32', ['m']);
  return Object.fromEntries(findLookups(readGraph(parseOnnxModel(Buffer.concat([...graph.toModel()]))).graph));
};

describe('the tables in which elements of an input are looked up', () => {
  it.each([
    ['along an axis', (graph, ids, table) => graph.op('Gather', [table, ids], { axis: integer(1) }), [3]],
    ['along an axis from the end', (graph, ids, table) => graph.op('Gather', [table, ids], { axis: integer(-1) }), [3]],
    ['by tuples', (graph, ids, table) => graph.op('GatherND', [table, ids]), [4, 3]],
    ['behind a cast', (graph, ids, table) => graph.op('Gather', [table, graph.op('Cast', [ids])]), [4]],
    [
      'in another shape',
      (graph, ids, table) => graph.op('Gather', [table, graph.op('Reshape', [ids, graph.constant(shape(-1))])]),
      [4],
    ],
    [
      'of a constant node',
      (graph, ids) =>
        graph.op('Gather', [graph.op('Constant', [], { value: tensorValue(singles([5], new Float32Array(5))) }), ids]),
      [5],
    ],
  ] satisfies [string, (graph: GraphBuilder, ids: Value, table: Value) => Value, number[]][])(
    'are found %s',
    (_how, build, sizes) => {
      expect(lookupsOf(build)).toEqual({ ids: [{ sizes, fromEnd: true }] });
    },
  );

  it('are found of an embedding of onnxruntime, whose ids are not negative', () => {
    const found = lookupsOf((graph, ids, table) =>
      graph.op('EmbedLayerNormalization', [ids, '', table, table], {}, 'com.microsoft'),
    );
    expect(found).toEqual({ ids: [{ sizes: [4], fromEnd: false }] });
  });

  it.each([
    ['behind a sum', ['Add'], [1, 2]],
    ['behind a difference', ['Sub'], [1, -2]],
    ['behind a product', ['Mul'], [2, 0]],
    ['behind steps', ['Add', 'Mul', 'Sub'], [2, 2]],
  ])('are found %s with a number, which is kept', (_how, operators, [factor, offset]) => {
    const found = lookupsOf((graph, ids, table) => {
      const two = graph.constant(tensor('int64', [], BigInt64Array.of(2n)));
      return graph.op('Gather', [table, operators.reduce((value, operator) => graph.op(operator, [value, two]), ids)]);
    });
    expect(found).toEqual({ ids: [{ sizes: [4], fromEnd: true, linear: { factor, offset } }] });
  });

  it('are found behind a difference from a number, and a change of the sign', () => {
    const found = lookupsOf((graph, ids, table) => {
      const three = graph.constant(tensor('int64', [1], BigInt64Array.of(3n)));
      return graph.op('Gather', [table, graph.op('Sub', [three, graph.op('Neg', [ids])])]);
    });
    expect(found).toEqual({ ids: [{ sizes: [4], fromEnd: true, linear: { factor: 1, offset: 3 } }] });
  });

  it.each([
    ['Gather', [4], (graph, ids, table) => graph.op('Gather', [table, graph.op('Mul', [ids, ids])])],
    ['GatherElements', [4], (graph, ids, table) => graph.op('GatherElements', [table, graph.op('Abs', [ids])])],
    ['GatherND', [4, 3], (graph, ids, table) => graph.op('GatherND', [table, graph.op('Flatten', [ids])])],
  ] satisfies [string, number[], (graph: GraphBuilder, ids: Value, table: Value) => Value][])(
    'are found of indices of %s that the graph computes in another way',
    (computedFor, sizes, build) => {
      expect(lookupsOf(build)).toEqual({ ids: [{ sizes, fromEnd: true, computedFor }] });
    },
  );

  it.each([
    ['of data that the graph computes', (graph, ids, table) => graph.op('Gather', [graph.op('Neg', [table]), ids])],
  ] satisfies [string, (graph: GraphBuilder, ids: Value, table: Value) => Value][])(
    'are left out %s',
    (_what, build) => {
      expect(lookupsOf(build)).toEqual({});
    },
  );

  it('are bounded', () => {
    const { ids } = lookupsOf((graph, ids, table) => {
      const all = Array.from({ length: 20 }, (_, axis) =>
        graph.op('Gather', [table, ids], { axis: integer(axis % 2) }),
      );
      return graph.op('Sum', all);
    });
    expect(ids).toHaveLength(8);
  });
});
