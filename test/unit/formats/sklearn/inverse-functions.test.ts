import { expect, it } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import * as functions from '../../../../src/formats/sklearn/preprocessing/inverse-functions.ts';
import { logOnePlus } from '../../../../src/formats/sklearn/preprocessing/numbers.ts';
import { createGraph } from '../../../../src/onnx/graph-builder.ts';

const { POSITIVE_INFINITY: INFINITY, NaN: NONE } = Number;
const BOTH = [-INFINITY, -700, -2.5, -1, -1e-9, 0, 1e-9, 0.5, 1, 40, 700, INFINITY, NONE];

it.each([
  ['sinh', functions.sinh, Math.sinh, BOTH],
  ['cosh', functions.cosh, Math.cosh, BOTH],
  ['arctan', functions.arctan, Math.atan, [...BOTH, 1e300]],
  ['arcsin', functions.arcsin, Math.asin, [-1, -0.3, 0, 1e-9, 0.7, 1, 2, NONE]],
  ['arccos', functions.arccos, Math.acos, [-0.9, -0.3, 0, 0.7, 1, 2, NONE]],
  ['arccosh', functions.arccosh, Math.acosh, [0.5, 1, 1 + 1e-9, 2, 1e10, 1e200, INFINITY, NONE]],
  ['arctanh', functions.arctanh, Math.atanh, [-1, -0.5, 0, 1e-9, 0.999, 1, 2, NONE]],
  ['log1p', logOnePlus, Math.log1p, [-2, -1, -0.5, 0, 1e-12, 1, 1e16, 1e306, INFINITY, NONE]],
] as const)('%s is right from its smallest to its largest values', async (_name, add, reference, values) => {
  const graph = createGraph();
  graph.output('y', add(graph, graph.input('x', 'float64', ['rows'])), 'float64', ['rows']);
  const session = await ort.InferenceSession.create(Buffer.concat([...graph.toModel()]), {
    logSeverityLevel: 3,
    intraOpNumThreads: 1,
  });
  const { y } = await session.run({ x: new ort.Tensor('float64', [...values], [values.length]) });
  await session.release();

  for (const [index, value] of values.entries()) {
    const [given, expected] = [Number(y?.data[index]), reference(value)];
    // The functions of JavaScript differ by some last bits, too.
    const isNear = Object.is(given, expected) || Math.abs(given - expected) <= 1e-14 * Math.abs(expected);
    expect({ value, given: isNear ? expected : given }).toEqual({ value, given: expected });
  }
});
