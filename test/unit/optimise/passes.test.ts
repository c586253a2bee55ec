import { describe, expect, it } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import { type Tensor, tensor } from '../../../src/core/tensor.ts';
import { cosine } from '../../../src/metrics/embeddings.ts';
import { createGraph, type GraphBuilder, singles } from '../../../src/onnx/graph-builder.ts';
import { type GraphDocument, readGraph, writeGraph } from '../../../src/onnx/graph-document.ts';
import { float, integer, integers } from '../../../src/onnx/node.ts';
import { type OnnxModel, parseOnnxModel } from '../../../src/onnx/onnx-model.ts';
import { formatDeclared, readValueInfo } from '../../../src/onnx/value-info.ts';
import { besideGraph } from '../../../src/optimise/passes/beside.ts';
import { fixSizes } from '../../../src/optimise/passes/fix-sizes.ts';
import { float16Weights } from '../../../src/optimise/passes/float16-weights.ts';
import { foldBatchNorms } from '../../../src/optimise/passes/fold-batch-norms.ts';
import { foldCasts } from '../../../src/optimise/passes/fold-casts.ts';
import { int4Weights } from '../../../src/optimise/passes/int4-weights.ts';
import { dynamicInt8 } from '../../../src/optimise/passes/int8-dynamic.ts';
import { staticInt8 } from '../../../src/optimise/passes/int8-static.ts';
import { tensorsToCalibrate } from '../../../src/optimise/passes/static-plan.ts';
import { tidy } from '../../../src/optimise/passes/tidy.ts';
import { type GraphNode, type SmallGraph, toOnnxFile } from '../../support/onnx-graph.ts';

/** Numbers between -1 and 1 that look random, and are the same each time. */
const noise = (count: number, seed = 1): Float32Array =>
  Float32Array.from({ length: count }, (_, index) => {
    const value = Math.sin((index + 1) * 12.9898 + seed * 78.233) * 43758.5453;
    return 2 * (value - Math.floor(value)) - 1;
  });
const weights = (...shape: number[]): Tensor =>
  tensor(
    'float32',
    shape,
    noise(
      shape.reduce((a, b) => a * b, 1),
      shape.length,
    ),
  );

interface Made {
  readonly model: OnnxModel;
  readonly document: GraphDocument;
}

const build = (make: (graph: GraphBuilder) => void): Made => {
  const graph = createGraph();
  make(graph);
  const model = parseOnnxModel(Buffer.concat([...graph.toModel()]));
  return { model, document: readGraph(model) };
};

const run = async ({ model, document }: Made, feeds: Readonly<Record<string, ort.Tensor>>) => {
  const session = await ort.InferenceSession.create(Buffer.concat([...writeGraph(model, document)]), {
    logSeverityLevel: 4,
    intraOpNumThreads: 1,
  });
  const outputs = await session.run({ ...feeds });
  await session.release();
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { data }]) => [name, Float32Array.from(data as Float32Array)]),
  );
};

const operators = ({ graph }: GraphDocument): string[] => graph.nodes.map(({ operator }) => operator);
const sizeOf = (made: Made, document = made.document): number =>
  Buffer.concat([...writeGraph(made.model, document)]).byteLength;
const floats = (shape: number[], seed = 7): ort.Tensor =>
  new ort.Tensor(
    'float32',
    noise(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
    shape,
  );

/** Two layers of products, the second with a transposed matrix and a bias. */
const products = build((graph) => {
  const x = graph.input('x', 'float32', ['n', 64]);
  const hidden = graph.op('Relu', [graph.op('MatMul', [x, graph.constant(weights(64, 48))])]);
  const second = [hidden, graph.constant(weights(32, 48)), graph.constant(weights(32))];
  graph.output('y', graph.op('Gemm', second, { transB: integer(1) }), 'float32', ['n', 32]);
});
const INPUT = { x: floats([5, 64]) };

const image = build((graph) => {
  const x = graph.input('x', 'float32', ['n', 3, 8, 8]);
  const conv = graph.op('Conv', [x, graph.constant(weights(8, 3, 3, 3)), graph.constant(weights(8))], {
    pads: integers([1, 1, 1, 1]),
  });
  const positive = tensor(
    'float32',
    [8],
    noise(8, 3).map((value) => Math.abs(value) + 0.5),
  );
  const parameters = [weights(8), singles([8], noise(8, 5)), singles([8], noise(8, 6)), positive].map(graph.constant);
  const norm = graph.op('BatchNormalization', [conv, ...parameters], { epsilon: float(1e-3) });
  const pooled = graph.op('MaxPool', [graph.op('Relu', [norm])], {
    kernel_shape: integers([2, 2]),
    strides: integers([2, 2]),
  });
  graph.output('y', graph.op('GlobalAveragePool', [pooled]), 'float32', ['n', 8, 1, 1]);
});
const IMAGE = { x: floats([2, 3, 8, 8]) };

const rangesOf = async (made: Made, feeds: Readonly<Record<string, ort.Tensor>>) => {
  const names = tensorsToCalibrate(made.document.graph);
  const outputs = names.filter((name) => !(name in feeds));
  const probe = {
    ...made.document,
    graph: {
      ...made.document.graph,
      outputs: [...outputs, 'y'].map((name) => ({
        name,
        encoded: [Buffer.from([10, name.length, ...Buffer.from(name)])],
      })),
    },
  };
  const found = await run({ ...made, document: probe }, feeds);
  return new Map(
    names.map((name) => {
      const data = found[name] ?? (feeds[name]?.data as Float32Array);
      return [name, [Math.min(...data), Math.max(...data)] as const];
    }),
  );
};

describe('a pass', () => {
  it.each([7, 8] as const)('makes 8-bit integers of matrices, with weights of %i bits', async (bits) => {
    const document = dynamicInt8(products.document, bits);
    const [before, after] = [await run(products, INPUT), await run({ ...products, document }, INPUT)];
    expect(operators(document).filter((each) => each === 'MatMulInteger')).toHaveLength(2);
    // A processor without VNNI cuts off sums of two products of 8 bits; those with weights of 7 bits fit.
    expect(cosine(before.y ?? [], after.y ?? [])).toBeGreaterThan(bits === 7 ? 0.999 : 0.95);
    expect(sizeOf(products, document)).toBeLessThan(sizeOf(products) * 0.4);
  });

  it('quantises an activation that two products read once, and embeddings', async () => {
    const made = build((graph) => {
      const ids = graph.input('ids', 'int64', ['n']);
      const table = graph.op('Gather', [graph.constant(weights(100, 64)), ids]);
      const both = [weights(64, 64), weights(64, 64)].map((matrix) =>
        graph.op('MatMul', [table, graph.constant(matrix)]),
      );
      graph.output('y', graph.op('Add', both), 'float32', ['n', 64]);
    });
    const document = dynamicInt8(made.document, 7);
    const feeds = { ids: new ort.Tensor('int64', BigInt64Array.of(3n, 99n, 0n), [3]) };
    expect(operators(document).filter((each) => each === 'DynamicQuantizeLinear')).toHaveLength(1);
    expect(operators(document)).toContain('DequantizeLinear');
    expect(cosine((await run(made, feeds)).y ?? [], (await run({ ...made, document }, feeds)).y ?? [])).toBeGreaterThan(
      0.999,
    );
  });

  it('quantises weights that an embedding and a product share for each of them', async () => {
    const made = build((graph) => {
      const table = graph.constant(weights(48, 48));
      const row = graph.op('Gather', [table, graph.input('ids', 'int64', ['n'])]);
      graph.output('y', graph.op('Gemm', [row, table], { transB: integer(1) }), 'float32', ['n', 48]);
    });
    const feeds = { ids: new ort.Tensor('int64', BigInt64Array.of(3n, 47n), [2]) };
    const after = await run({ ...made, document: dynamicInt8(made.document, 7) }, feeds);
    expect(cosine((await run(made, feeds)).y ?? [], after.y ?? [])).toBeGreaterThan(0.999);
  });

  it('keeps layers in float32, and leaves other sets of operators alone', () => {
    const [first = ''] = products.document.graph.nodes.flatMap(({ outputs }) => outputs);
    const document = dynamicInt8(products.document, 8, new Set([first]));
    expect(operators(document).filter((each) => each === 'MatMulInteger')).toHaveLength(1);
    const foreign = {
      ...products.document.graph,
      nodes: products.document.graph.nodes.map((node) => ({ ...node, domain: 'com.microsoft' })),
    };
    expect(dynamicInt8({ ...products.document, graph: foreign }, 8).graph.nodes).toEqual(foreign.nodes);
  });

  it('makes integers of activations by ranges, and melts what only clips', async () => {
    const made = { ...image, document: foldBatchNorms(image.document) };
    const document = staticInt8(made.document, { bits: 8, ranges: await rangesOf(made, IMAGE) });
    expect(operators(document)).not.toContain('Relu');
    expect(operators(document).filter((each) => each === 'QuantizeLinear')).toHaveLength(4);
    const [before, after] = [await run(made, IMAGE), await run({ ...made, document }, IMAGE)];
    expect(cosine(before.y ?? [], after.y ?? [])).toBeGreaterThan(0.999);
  });

  it('keeps a convolution in float32 together with what clips it', async () => {
    const made = { ...image, document: foldBatchNorms(image.document) };
    const clipped = made.document.graph.nodes.flatMap(({ operator, outputs }) => (operator === 'Relu' ? outputs : []));
    const options = { bits: 8, ranges: await rangesOf(made, IMAGE), keep: new Set(clipped) } as const;
    const document = staticInt8(made.document, options);
    expect(operators(document)).toContain('Relu');
    expect([...document.graph.weights.values()].map(({ dtype }) => dtype)).not.toContain('int8');
  });

  it('makes integers of products by ranges, with biases of 32 bits', async () => {
    const document = staticInt8(products.document, { bits: 7, ranges: await rangesOf(products, INPUT) });
    expect([...document.graph.weights.values()].map(({ dtype }) => dtype)).toContain('int32');
    const [before, after] = [await run(products, INPUT), await run({ ...products, document }, INPUT)];
    expect(cosine(before.y ?? [], after.y ?? [])).toBeGreaterThan(0.999);
  });

  it('makes 4-bit integers of matrices, also of rows that fill no block', async () => {
    const document = int4Weights(products.document);
    expect(operators(document)).toEqual(['MatMulNBits', 'Relu', 'Gemm', 'Identity']);
    const odd = build((graph) => {
      const x = graph.input('x', 'float32', ['n', 40]);
      graph.output('y', graph.op('MatMul', [x, graph.constant(weights(40, 24))]), 'float32', ['n', 24]);
    });
    for (const [made, feeds] of [
      [products, INPUT],
      [odd, { x: floats([3, 40]) }],
    ] as const) {
      const after = await run({ ...made, document: int4Weights(made.document) }, feeds);
      expect(cosine((await run(made, feeds)).y ?? [], after.y ?? [])).toBeGreaterThan(0.98);
    }
  });

  it('keeps large weights in float16, but those that have no such number, and folds them again', async () => {
    const large = build((graph) => {
      const x = graph.input('x', 'float32', ['n', 64]);
      const huge = noise(64 * 64).fill(1e5, 0, 1);
      const y = graph.op('MatMul', [x, graph.constant(weights(64, 64))]);
      graph.output('y', graph.op('MatMul', [y, graph.constant(tensor('float32', [64, 64], huge))]), 'float32', [
        'n',
        64,
      ]);
    });
    const document = float16Weights(large.document);
    expect([...document.graph.weights.values()].map(({ dtype }) => dtype).sort()).toEqual(['float16', 'float32']);
    const [before, after] = [await run(large, INPUT), await run({ ...large, document }, INPUT)];
    expect(cosine(before.y ?? [], after.y ?? [])).toBeGreaterThan(0.99999);
    expect(await run({ ...large, document: foldCasts(document) }, INPUT)).toEqual(after);
    expect(operators(foldCasts(document))).toEqual(operators(large.document));
  });

  it('folds a batch norm into the convolution before it', async () => {
    const document = foldBatchNorms(image.document);
    expect(operators(document)).toEqual(operators(image.document).filter((each) => each !== 'BatchNormalization'));
    const [before, after] = [await run(image, IMAGE), await run({ ...image, document }, IMAGE)];
    for (const [index, value] of (before.y ?? []).entries()) expect(after.y?.[index]).toBeCloseTo(value, 5);
  });

  it('removes what is there twice or unused, and changes no bit', async () => {
    const made = build((graph) => {
      const x = graph.input('x', 'float32', ['n', 64]);
      const twice = [0, 1].map(() => graph.op('MatMul', [x, graph.constant(weights(64, 64))]));
      graph.op('Exp', [x]);
      graph.output('y', graph.op('Add', twice), 'float32', ['n', 64]);
    });
    const document = tidy(made.document);
    expect(operators(document)).toEqual(['MatMul', 'Add', 'Identity']);
    expect(document.graph.weights.size).toBe(1);
    expect(await run({ ...made, document }, INPUT)).toEqual(await run(made, INPUT));
  });

  it('fixes the sizes that samples share, but neither rows nor a name with two sizes', async () => {
    const made = build((graph) => {
      const x = graph.input('x', 'float32', ['n', 3, '', 'width']);
      const others = [graph.input('past', 'float32', ['n', 'steps']), graph.input('mask', 'float32', ['n', 'steps'])];
      const rows = graph.input('rows', 'float32', ['m', 'n']);
      graph.output('y', graph.op('Add', [x, graph.op('Add', [x, x])]), 'float32', ['n', 3, '', 'width']);
      for (const [index, other] of [...others, rows].entries())
        graph.output(`z${index}`, graph.op('Neg', [other]), 'float32', ['n', 'any']);
    });
    const sizes = new Map([
      ['x', [1, 3, 8, 4]],
      ['past', [1, 5]],
      ['mask', [1, 6]],
      ['rows', [1, 1]],
    ]);
    const document = fixSizes(made.document, sizes);
    const declared = document.graph.inputs.map(({ encoded }) => formatDeclared(readValueInfo(Buffer.concat(encoded))));
    expect(declared).toEqual([
      'x float32[n,3,8,4]',
      'past float32[n,steps]',
      'mask float32[n,steps]',
      'rows float32[m,n]',
    ]);
    const feeds = { x: floats([2, 3, 8, 4]), past: floats([2, 5]), mask: floats([2, 5]), rows: floats([2, 2]) };
    expect(await run({ ...made, document }, feeds)).toEqual(await run(made, feeds));
    expect(fixSizes(made.document, new Map([['x', [1, 3, undefined, undefined]]])).graph).toBe(made.document.graph);
  });

  it('is compared layer by layer, each on the inputs of the original', async () => {
    const changed = dynamicInt8(products.document, 7);
    const { document, pairs } = besideGraph(products.document, changed);
    const outputs = await run({ ...products, document }, INPUT);
    expect(pairs.size).toBe(2);
    for (const [original, other] of pairs.values())
      expect(cosine(outputs[original] ?? [], outputs[other] ?? [])).toBeGreaterThan(0.9999);
  });

  it('is compared within the branches of an If, where a layer counts in the branch that runs', async () => {
    const product = (name: string) => ({ operator: 'MatMul', inputs: ['x', name], outputs: ['y_inside'] });
    const output = (name: string) => ({ name, dtype: 'float32', shape: ['n', 48] }) as const;
    const branch = (nodes: readonly GraphNode[]): SmallGraph => ({ outputs: [output('y_inside')], nodes });
    const long = [
      { operator: 'MatMul', inputs: ['x', 'w'], outputs: ['first'] },
      { operator: 'Relu', inputs: ['first'], outputs: ['positive'] },
      { operator: 'MatMul', inputs: ['positive', 'square'], outputs: ['y_inside'] },
    ];
    const file = toOnnxFile({
      inputs: [
        { name: 'x', dtype: 'float32', shape: ['n', 64] },
        { name: 'flag', dtype: 'bool', shape: [] },
      ],
      outputs: [output('y')],
      nodes: [
        {
          operator: 'If',
          inputs: ['flag'],
          outputs: ['y'],
          attributes: { then_branch: branch(long), else_branch: branch([product('w')]) },
        },
      ],
      weights: [
        { name: 'w', dtype: 'float32', shape: [64, 48], data: noise(64 * 48) },
        { name: 'square', dtype: 'float32', shape: [48, 48], data: noise(48 * 48, 2) },
      ],
    });
    const model = parseOnnxModel(file);
    const original = readGraph(model);
    const { document, pairs } = besideGraph(original, dynamicInt8(original, 7));
    expect([...pairs.keys()]).toEqual(['first', 'y_inside']);
    for (const flag of [true, false]) {
      const outputs = await run({ model, document }, { ...INPUT, flag: new ort.Tensor('bool', [flag], []) });
      for (const [layer, [one, other]] of pairs) {
        const [a, b] = [outputs[one] ?? [], outputs[other] ?? []];
        if (layer === 'first' && !flag) expect([...a]).toEqual([...b]);
        else expect(cosine(a, b)).toBeGreaterThan(0.9999);
        expect([...a].some((value, index) => value !== b[index])).toBe(flag || layer !== 'first');
      }
    }
    const kept = dynamicInt8(original, 7, new Set(['first']));
    expect(besideGraph(original, kept).pairs.has('first')).toBe(false);
  });

  it('is compared within the body of a Loop, by the error of a layer in each step', async () => {
    const body: SmallGraph = {
      inputs: [
        { name: 'step', dtype: 'int64', shape: [] },
        { name: 'goes_on', dtype: 'bool', shape: [] },
        { name: 'state', dtype: 'float32', shape: ['n', 48] },
      ],
      outputs: [
        { name: 'goes_on_then', dtype: 'bool', shape: [] },
        { name: 'state_then', dtype: 'float32', shape: ['m', 48] },
        { name: 'norms', dtype: 'float32', shape: [] },
      ],
      nodes: [
        { operator: 'Identity', inputs: ['goes_on'], outputs: ['goes_on_then'] },
        { operator: 'MatMul', inputs: ['state', 'square'], outputs: ['turned'] },
        { operator: 'ReduceL2', inputs: ['turned'], outputs: ['norms'], attributes: { keepdims: 0 } },
        { operator: 'Concat', inputs: ['turned', 'state'], outputs: ['state_then'], attributes: { axis: 0 } },
      ],
    };
    const file = toOnnxFile({
      inputs: [
        { name: 'x', dtype: 'float32', shape: ['n', 48] },
        { name: 'steps', dtype: 'int64', shape: [] },
      ],
      outputs: [
        { name: 'y', dtype: 'float32', shape: ['m', 48] },
        { name: 'all_norms', dtype: 'float32', shape: ['steps'] },
      ],
      nodes: [{ operator: 'Loop', inputs: ['steps', '', 'x'], outputs: ['y', 'all_norms'], attributes: { body } }],
      weights: [{ name: 'square', dtype: 'float32', shape: [48, 48], data: noise(48 * 48, 2) }],
    });
    const model = parseOnnxModel(file);
    const original = readGraph(model);
    const { document, pairs } = besideGraph(original, dynamicInt8(original, 7));
    const feeds = { x: floats([3, 48]), steps: new ort.Tensor('int64', [3n], []) };
    const outputs = await run({ model, document }, feeds);

    expect([...pairs.keys()]).toEqual(['turned']);
    const [one = '', other = ''] = pairs.get('turned') ?? [];
    expect(outputs[one]).toEqual(outputs.all_norms);
    for (const [step, norm] of outputs[one]?.entries() ?? []) {
      const error = ((outputs[other]?.[step] ?? 0) - norm) / norm;
      expect(error).toBeGreaterThan(0.0005);
      expect(error).toBeLessThan(0.02);
    }
    expect(outputs[other]).toHaveLength(3);
  });
});
