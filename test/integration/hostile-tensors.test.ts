import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type GraphNode, type GraphTensor, type SmallGraph, toOnnxFile } from '../support/onnx-graph.ts';
import { createTestServing, publishModel, pushNamed, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

const float = (name: string, ...shape: (number | string)[]): GraphTensor => ({ name, dtype: 'float32', shape });
const integer = (name: string, ...shape: (number | string)[]): GraphTensor => ({ name, dtype: 'int64', shape });
const bytes = (name: string, ...shape: number[]): GraphTensor => ({
  ...{ name, dtype: 'int8', shape },
  data: new Int8Array(shape.reduce((product, size) => product * size, 1)).fill(1),
});
const filled = (name: string, value: number, ...shape: number[]): GraphTensor => ({
  ...float(name, ...shape),
  data: new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(value),
});
const integers = (name: string, ...values: number[]): GraphTensor => ({
  ...integer(name, values.length),
  data: BigInt64Array.from(values, BigInt),
});

const node = (operator: string, inputs: string[], outputs: string[], more: Partial<GraphNode> = {}): GraphNode => ({
  ...{ operator, inputs, outputs },
  ...more,
});

const ids = integer('ids', 'batch', 'sequence');
const table = filled('table', 1, 10, 3);

/** A table of 10 rows that `operator` reads by `ids`. */
const lookup = (operator: string, output: GraphTensor, domain?: string): SmallGraph => ({
  ...{ inputs: [ids], outputs: [output], weights: [table] },
  nodes: [node(operator, ['table', 'ids'], ['y'], domain === undefined ? {} : { domain })],
});

/** One graph of each operator that a request was seen to end the process with, or to fail in. */
const GRAPHS: Readonly<Record<string, SmallGraph>> = {
  'top-two': {
    ...{ inputs: [float('x', 'batch', 'classes')], outputs: [float('y', 'batch', 2)], weights: [integers('k', 2)] },
    nodes: [node('TopK', ['x', 'k'], ['y', 'positions'])],
  },
  'top-two-of-boxes': {
    inputs: [float('boxes', 'batch', 'count', 4), float('scale', 'batch')],
    ...{ outputs: [float('y', 'batch', 'count', 2)], weights: [integers('k', 2)] },
    nodes: [node('Mul', ['boxes', 'scale'], ['scaled']), node('TopK', ['scaled', 'k'], ['y', 'positions'])],
  },
  vectorizer: {
    ...{ inputs: [float('x', 'batch', 4)], outputs: [float('y', 'batch', 4)] },
    nodes: [node('FeatureVectorizer', ['x'], ['y'], { domain: 'ai.onnx.ml', attributes: { inputdimensions: [4] } })],
  },
  'quantised-lstm': {
    inputs: [float('x', 'sequence', 'batch', 2)],
    outputs: [float('y', 'sequence', 1, 'batch', 2)],
    weights: [
      ...[bytes('w', 1, 2, 8), bytes('r', 1, 2, 8), filled('b', 0, 1, 16), filled('scale', 0.1, 1), bytes('zero', 1)],
    ],
    nodes: [
      node('DynamicQuantizeLSTM', ['x', 'w', 'r', 'b', '', '', '', '', 'scale', 'zero', 'scale', 'zero'], ['y'], {
        ...{ domain: 'com.microsoft', attributes: { hidden_size: 2 } },
      }),
    ],
  },
  cache: {
    inputs: [float('past', 'batch', 2, 'past_length', 4), float('new', 'batch', 2, 'length', 4)],
    outputs: [float('present', 'batch', 2, 'past_length + length', 4)],
    nodes: [node('Concat', ['past', 'new'], ['present'], { attributes: { axis: 2 } })],
  },
  outer: {
    inputs: [float('a', 'rows', 1), float('b', 1, 'columns')],
    outputs: [float('y', 'rows', 'columns')],
    nodes: [node('Mul', ['a', 'b'], ['y'])],
  },
  range: {
    ...{ inputs: [integer('limit')], outputs: [integer('y', 'count')] },
    weights: [
      { ...integers('start', 0), shape: [] },
      { ...integers('step', 1), shape: [] },
    ],
    nodes: [node('Range', ['start', 'limit', 'step'], ['y'])],
  },
  quotient: {
    ...{ inputs: [integer('x', 'n')], outputs: [integer('y', 'n')], weights: [integers('seven', 7)] },
    nodes: [node('Sub', ['x', 'seven'], ['difference']), node('Div', ['seven', 'difference'], ['y'])],
  },
  positions: {
    ...{ inputs: [ids], outputs: [float('y', 2, 3)], weights: [table] },
    nodes: [node('Shape', ['ids'], ['sizes']), node('Gather', ['table', 'sizes'], ['y'])],
  },
  gather: lookup('Gather', float('y', 'batch', 'sequence', 3)),
  'gather-elements': lookup('GatherElements', float('y', 'batch', 'sequence')),
  'gather-nd': lookup('GatherND', float('y', 'batch')),
  extractor: lookup('ArrayFeatureExtractor', float('y', 'rows', 'columns'), 'ai.onnx.ml'),
};

const updates = float('updates', 'n', 'm');

interface Sized {
  readonly more?: readonly GraphTensor[];
  /** The place of the input among those of the operator. */
  readonly place?: number;
  readonly rank?: number;
}

/** A graph that takes the sizes, axes or counts of `operator` from its input `v`. */
const sized = (operator: string, first: GraphTensor, { more = [], place = 1, rank = 2 }: Sized = {}): SmallGraph => {
  const others = [first, ...more].map(({ name }) => name);
  const outputs = operator === 'TopK' || operator === 'Split' ? ['y', 'z'] : ['y'];
  const sizes = ['a', 'b', 'c', 'd'].slice(0, rank);
  return {
    ...{ inputs: [integer('v', 'k')], outputs: [float('y', ...sizes)], weights: [first, ...more] },
    nodes: [node(operator, others.toSpliced(place, 0, 'v'), outputs)],
  };
};
const [starts, ends, axes] = [integers('starts', 0), integers('ends', 1), integers('axes', 0)];
const image = filled('image', 1, 1, 1, 4, 4);
/** Each with values that it takes. */
const SIZED: Readonly<Record<string, readonly [SmallGraph, number[]]>> = {
  topk: [sized('TopK', table), [1]],
  tile: [sized('Tile', table), [1, 1]],
  expand: [sized('Expand', table), [10, 3]],
  reshape: [sized('Reshape', table), [3, 10]],
  pad: [sized('Pad', table), [0, 0, 0, 0]],
  split: [sized('Split', table), [4, 6]],
  unsqueeze: [sized('Unsqueeze', table, { rank: 3 }), [0]],
  'slice-axes': [sized('Slice', table, { more: [starts, ends], place: 3 }), [0]],
  'slice-steps': [sized('Slice', table, { more: [starts, ends, axes], place: 4 }), [1]],
  reverse: [sized('ReverseSequence', table), [1, 1, 1]],
  roi: [sized('RoiAlign', image, { more: [filled('rois', 1, 1, 4)], place: 2, rank: 4 }), [0]],
};

/** Graphs that are pushed: push finds the tables in which inputs are looked up. */
const LOOKUPS: Readonly<Record<string, SmallGraph>> = {
  'gather-nd': lookup('GatherND', float('y', 'batch')),
  'gather-elements': lookup('GatherElements', float('y', 'batch', 'sequence')),
  'gather-elements-of-an-input': {
    inputs: [float('data', 'batch', 'classes'), ids],
    outputs: [float('y', 'batch', 'sequence')],
    nodes: [node('GatherElements', ['data', 'ids'], ['y'], { attributes: { axis: -1 } })],
  },
  'scatter-nd': {
    inputs: [integer('rows', 'n', 1), updates],
    outputs: [float('y', 10, 3)],
    weights: [table],
    nodes: [node('ScatterND', ['table', 'rows', 'updates'], ['y'])],
  },
  'scatter-elements': {
    inputs: [integer('places', 'n', 'm'), updates],
    outputs: [float('y', 10, 3)],
    weights: [table],
    nodes: [node('ScatterElements', ['table', 'places', 'updates'], ['y'])],
  },
  'gather-behind-a-cast': {
    inputs: [ids],
    outputs: [float('y', 'batch', 'sequence', 3)],
    weights: [table],
    nodes: [node('Cast', ['ids'], ['short'], { attributes: { to: 6 } }), node('Gather', ['table', 'short'], ['y'])],
  },
  'gather-behind-an-offset': {
    inputs: [ids],
    outputs: [float('y', 'batch', 'sequence', 3)],
    weights: [table, integers('two', 2)],
    nodes: [node('Add', ['ids', 'two'], ['later']), node('Gather', ['table', 'later'], ['y'])],
  },
  'gather-elements-of-squares': {
    inputs: [ids, integer('others', 'n')],
    outputs: [float('y', 'batch', 'sequence'), integer('z', 'n')],
    weights: [table],
    nodes: [
      node('Mul', ['ids', 'ids'], ['squares']),
      node('GatherElements', ['table', 'squares'], ['y']),
      node('Neg', ['others'], ['z']),
    ],
  },
  'gather-nd-of-squares': {
    inputs: [ids],
    outputs: [float('y', 'batch')],
    weights: [table],
    nodes: [node('Mul', ['ids', 'ids'], ['squares']), node('GatherND', ['table', 'squares'], ['y'])],
  },
  'scatter-nd-of-squares': {
    inputs: [integer('rows', 'n', 1), updates],
    outputs: [float('y', 10, 3)],
    weights: [table],
    nodes: [node('Mul', ['rows', 'rows'], ['squares']), node('ScatterND', ['table', 'squares', 'updates'], ['y'])],
  },
  'gather-by-an-input-with-the-name-of-a-function': {
    inputs: [integer('constructor', 'n')],
    outputs: [float('y', 'n', 3)],
    weights: [table],
    nodes: [node('Gather', ['table', 'constructor'], ['y'])],
  },
};

let folder: string;
let serving: TestServing;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hostile-tensors-'));
  serving = await createTestServing();
  for (const [name, graph] of Object.entries(GRAPHS)) {
    const path = join(folder, `${name}.onnx`);
    await writeFile(path, toOnnxFile(graph));
    await publishModel(serving.repository, name, path, { dimensions: { classes: 4, n: 1 } });
  }
  for (const [name, [graph]] of Object.entries(SIZED)) {
    const path = join(folder, `sized-${name}.onnx`);
    await writeFile(path, toOnnxFile(graph));
    await publishModel(serving.repository, `sized-${name}`, path);
  }
  for (const [name, graph] of Object.entries(LOOKUPS)) {
    const path = join(folder, `pushed-${name}.onnx`);
    await writeFile(path, toOnnxFile(graph));
    await pushModel(serving.repository, path, { name: `pushed-${name}` });
  }
  for (const name of ['sentiment', 'tiny-bert-sentiment', 'tiny-roberta-emotions'])
    await pushNamed(serving.repository, name);
});
afterAll(async () => {
  await serving.remove();
  await rm(folder, { recursive: true });
});

const input = (name: string, datatype: string, shape: number[], data: number[]) => ({ name, datatype, shape, data });
const floats = (name: string, shape: number[], value = 1) =>
  input(name, 'FP32', shape, Array(shape.reduce((product, size) => product * size, 1)).fill(value));
const numbers = (name: string, shape: number[], data: number[]) => input(name, 'INT64', shape, data);

const infer = async (model: string, inputs: unknown[]) => {
  const response = await serving.fetch(`/v2/models/${model}/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs }),
  });
  const body = (await response.json()) as { readonly error?: string };
  return { status: response.status, body };
};
const refusal = (hint: string) => ({
  status: 400,
  body: expect.objectContaining({ error: expect.stringContaining(hint) }),
});

const BOXES = [floats('boxes', [1, 0, 4]), floats('scale', [1])];

describe('an empty batch', () => {
  it.each([
    ['TopK', 'top-two', [floats('x', [0, 4])], 'input "x": has no rows'],
    ['TopK beside other inputs', 'top-two-of-boxes', BOXES, 'input "boxes": has no elements'],
    ['FeatureVectorizer', 'vectorizer', [floats('x', [0, 4])], 'input "x": has no rows'],
    ['a quantised LSTM', 'quantised-lstm', [floats('x', [5, 0, 2])], 'input "x": has no elements'],
    ['a sum of products', 'outer', [floats('a', [0, 1]), floats('b', [1, 3])], 'input "a": has no rows'],
  ])(
    'an empty batch is refused before it reaches %s, which would end the process',
    async (_what, model, inputs, hint) => {
      expect(await infer(model, inputs)).toEqual(refusal(hint));
    },
  );

  it('many rows without tokens are refused before they take memory', async () => {
    const empty = (name: string) => numbers(name, [60_000, 0], []);

    expect(await infer('sentiment', [empty('input_ids'), empty('attention_mask')])).toEqual(refusal('60,000 rows'));
  });

  it('a row without tokens is refused', async () => {
    const empty = (name: string) => numbers(name, [1, 0], []);

    expect(await infer('sentiment', [empty('input_ids'), empty('attention_mask')])).toEqual(refusal('has no elements'));
  });
});

describe('an empty cache', () => {
  it('an empty cache is legitimate beside an input with elements', async () => {
    const { status, body } = await infer('cache', [floats('past', [1, 2, 0, 4]), floats('new', [1, 2, 3, 4])]);

    expect({ status, body }).toMatchObject({ status: 200, body: { outputs: [{ shape: [1, 2, 3, 4] }] } });
  });

  it('an empty cache of three million rows is refused', async () => {
    const [past, next] = [floats('past', [1, 2, 0, 4]), floats('new', [1, 2, 1, 4])];

    expect(await infer('cache', [{ ...past, shape: [3_000_000, 2, 0, 4] }, next])).toEqual(refusal('3,000,000 rows'));
  });
});

describe('a run that would take too much memory', () => {
  it('a run is refused by the shape of its output, which the dimensions of its inputs tell', async () => {
    const inputs = [floats('a', [3000, 1]), floats('b', [1, 3000])];

    expect(await infer('outer', inputs)).toEqual(refusal('output "y" would be float32[3000,3000]; 9,000,000 elements'));
  });

  it('a run is refused by its output, when only the run tells the size', async () => {
    expect(await infer('range', [numbers('limit', [], [5_000_000])])).toEqual(refusal('int64[5000000]'));
  });

  it('a run is refused when the runtime cannot have the memory', async () => {
    expect(await infer('range', [numbers('limit', [], [2 ** 45])])).toEqual(refusal('more memory than there is'));
  });

  it('a run is refused by its rows', async () => {
    expect(await infer('outer', [floats('a', [10_001, 1]), floats('b', [1, 1])])).toEqual(refusal('at most 10,000'));
  });

  it('a run is refused by its elements', async () => {
    const inputs = [floats('x', [1025, 4096], 0)];

    expect(await infer('top-two', inputs)).toEqual(refusal('at most 4,194,304 elements'));
  });
});

describe('an index that a graph does not have', () => {
  it.each([
    ['gather', [1, 99_999], 'input "ids": index 99999 at [0,1] is out of range, expected -10 to 9'],
    ['gather', [-11, 3], 'input "ids": index -11 at [0,0] is out of range, expected -10 to 9'],
    ['gather-nd', [1, 99_999], 'input "ids": index 99999 at [0,1] is out of range'],
    ['gather-elements', [1, 99_999], '"ids" [1,2] lead to an index that is out of range'],
    ['extractor', [1, 99_999], 'input "ids": index 99999 at [0,1] is out of range, expected 0 to 2'],
  ])('an index out of range is refused with as much as the runtime tells of it by %s', async (model, data, hint) => {
    expect(await infer(model, [numbers('ids', [1, 2], data)])).toEqual(refusal(hint));
  });

  it.each([
    [
      'gather-nd',
      [numbers('ids', [1, 2], [1, 99_999])],
      '"ids": index 99999 at [0,1] is out of range, expected -3 to 2',
    ],
    ['gather-nd', [numbers('ids', [1, 2], [-11, 0])], '"ids": index -11 at [0,0] is out of range, expected -10 to 9'],
    ['gather-elements', [numbers('ids', [1, 1], [99])], '"ids": index 99 at [0,0] is out of range, expected -10 to 9'],
    [
      'gather-elements-of-an-input',
      [floats('data', [1, 5]), numbers('ids', [1, 2], [0, 7])],
      '"ids": index 7 at [0,1] is out of range, expected -5 to 4',
    ],
    [
      'scatter-nd',
      [numbers('rows', [2, 1], [0, 12]), floats('updates', [2, 3])],
      '"rows": index 12 at [1,0] is out of range, expected -10 to 9',
    ],
    [
      'scatter-elements',
      [numbers('places', [1, 2], [0, -12]), floats('updates', [1, 2])],
      '"places": index -12 at [0,1] is out of range, expected -10 to 9',
    ],
    [
      'gather-behind-a-cast',
      [numbers('ids', [1, 1], [10])],
      '"ids": index 10 at [0,0] is out of range, expected -10 to 9',
    ],
    [
      'gather-behind-an-offset',
      [numbers('ids', [1, 2], [7, 9])],
      'input "ids": 9 at [0,1] leads to index 11, which is out of range, expected -10 to 9',
    ],
    [
      'gather-elements-of-squares',
      [numbers('ids', [1, 1], [4]), numbers('others', [1], [16])],
      'the inputs "ids" [1,1] lead to an index that is out of range, expected -10 to 9',
    ],
    [
      'gather-nd-of-squares',
      [numbers('ids', [1, 2], [3, 2])],
      'the inputs "ids" [1,2] lead to index 4 that is out of range, expected -3 to 2',
    ],
    [
      'scatter-nd-of-squares',
      [numbers('rows', [1, 1], [4]), floats('updates', [1, 3])],
      'the inputs "rows" [1,1] lead to index 16 that is out of range, expected -10 to 9',
    ],
    [
      'gather-by-an-input-with-the-name-of-a-function',
      [numbers('constructor', [1], [10])],
      '"constructor": index 10 at [0] is out of range, expected -10 to 9',
    ],
  ])('an index out of range is refused with the range that push found by %s', async (model, inputs, hint) => {
    expect(await infer(`pushed-${model}`, inputs)).toEqual(refusal(hint));
  });

  it('a token that the vocabulary does not have is refused', async () => {
    const inputs = [numbers('input_ids', [1, 1], [99_999]), numbers('attention_mask', [1, 1], [1])];

    expect(await infer('sentiment', inputs)).toEqual(refusal('input "input_ids": index 99999 at [0,0]'));
  });

  it('an index beyond the exact numbers of JavaScript is named as it came', async () => {
    const body = '{"inputs": [{"name": "ids", "datatype": "INT64", "shape": [1, 1], "data": [9223372036854775807]}]}';
    const response = await serving.fetch('/v2/models/gather/infer', { method: 'POST', body });

    expect(await response.text()).toContain('index 9223372036854775807 at [0,0] is out of range, expected -10 to 9');
  });

  it('an index that the graph computes is refused with the shapes of the inputs', async () => {
    const inputs = [numbers('ids', [1, 12], Array(12).fill(1))];

    expect(await infer('positions', inputs)).toEqual(refusal('"ids" [1,12] lead to index 12 that is out of range'));
  });

  it.each([
    ['adds positions', 'tiny-bert-sentiment', ['input_ids', 'attention_mask', 'token_type_ids']],
    ['expands positions', 'tiny-roberta-emotions', ['input_ids', 'attention_mask']],
  ])('a row with more tokens than a model has positions is refused by a graph that %s', async (_what, model, names) => {
    const inputs = names.map((name) => numbers(name, [1, 3000], Array(3000).fill(1)));

    expect(await infer(model, inputs)).toEqual(refusal('"input_ids" [1,3000]'));
  });

  it('an index out of range leaves the model answering, and raises no alarm', async () => {
    serving.observations.length = 0;
    await infer('gather', [numbers('ids', [1, 1], [99])]);

    expect(serving.observations.flatMap(({ failures }) => failures.map(({ code }) => code))).toEqual(['INVALID_INPUT']);
    expect((await infer('gather', [numbers('ids', [1, 1], [9])])).status).toBe(200);
  });
});

describe('a value with which a graph cannot compute', () => {
  it('a value that leads to a division of integers by 0 is refused', async () => {
    expect(await infer('quotient', [numbers('x', [1], [7])])).toEqual(refusal('divides integers by 0; "x" is [7]'));
  });

  it.each([
    ['topk', [99], 'a node TopK refuses them: k argument [99] should not be greater than specified axis dim value [3]'],
    ['topk', [-1], 'value of k must not be negative'],
    ['tile', [-1, 1], 'Tile repeat value must be non-negative, got: -1'],
    ['tile', [2 ** 40, 1], 'more memory than there is'],
    ['expand', [4, 3], 'shorter rows'],
    ['expand', [2 ** 40, 10, 3], 'more memory than there is'],
    ['reshape', [4, 3], 'Input shape:{10,3}, requested shape:{4,3}'],
    ['reshape', [-2, 3], 'A dimension cannot be less than -1, got -2'],
    ['pad', [1, 1], 'Pads tensor size should be equal to twice the input dimension count'],
    ['pad', [-20, 0, 0, 0], 'a tensor of a negative size'],
    ['split', [4, 3], "Sum of sizes in 'split' (must equal size of selected axis) was 7"],
    ['unsqueeze', [9], 'axis 9 is not in valid range [-3,2]'],
    ['slice-axes', [7], "'axes' has an axis outside of the tensor dimension count"],
    ['slice-steps', [0], "'step' value cannot be 0"],
    ['reverse', [99, 1, 1], 'Invalid sequence length: 99. Value must be in range [0,10]'],
    ['roi', [9], 'batch_indices value 9 at index 0 is out of range [0, 1)'],
  ])(
    'a size, an axis or a count that %s cannot take is refused with its input, its value %j and the bound',
    async (name, data, reason) => {
      const works = SIZED[name]?.[1] ?? [];
      const send = (values: number[]) => infer(`sized-${name}`, [numbers('v', [values.length], values)]);
      expect(await send(works)).toMatchObject({ status: 200 });
      const answer = await send(data);
      expect(answer).toEqual(refusal(reason));
      expect(answer.body.error).toContain(`"v" is [${data}]`);
      expect(answer.body.error).not.toMatch(/onnxruntime|\.(cc|h):/);
    },
  );
});
