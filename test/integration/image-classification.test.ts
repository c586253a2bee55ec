import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { type GraphFunction, type GraphNode, type GraphTensor, toOnnxFile } from '../support/onnx-graph.ts';
import { createTestServing, findNamed, publishModel, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

interface LabelScore {
  readonly label: string;
  readonly score: number;
}

let serving: TestServing;
let folder: string;

beforeAll(async () => {
  serving = await createTestServing();
  folder = await mkdtemp(join(tmpdir(), 'classification-'));
});
afterAll(async () => {
  await serving.remove();
  await rm(folder, { recursive: true });
});

/** A graph of images that ends in `nodes`, from `pixels` to `scores`. */
interface Graph {
  readonly dtype?: GraphTensor['dtype'];
  readonly shape?: GraphTensor['shape'];
  readonly nodes: readonly GraphNode[];
  readonly outputShape?: GraphTensor['shape'];
  readonly weights?: readonly GraphTensor[];
  readonly functions?: readonly GraphFunction[];
}

const node = (
  operator: string,
  inputs: readonly string[],
  output: string,
  attributes: GraphNode['attributes'] = {},
): GraphNode => ({ operator, inputs, outputs: [output], attributes });

const COLOURS = { 0: 'red', 1: 'green', 2: 'blue' };
const PREPROCESSING = { size: [4, 4], do_normalize: false };
const MEANS = node('ReduceMean', ['pixels'], 'means', { axes: [2, 3], keepdims: 0 });

/** Writes the folder of a model. A file that is undefined is left out. */
const writeModel = async (
  { dtype = 'float32', shape = ['n', 3, 4, 4], nodes, outputShape = ['n', 3], weights = [], functions = [] }: Graph,
  config: object,
  preprocessing: object | undefined = PREPROCESSING,
): Promise<string> => {
  const directory = await mkdtemp(join(folder, 'model-'));
  const graph = {
    inputs: [{ name: 'pixels', dtype, shape }],
    outputs: [{ name: 'scores', dtype: 'float32' as const, shape: outputShape }],
    nodes,
    weights,
  };
  await writeFile(join(directory, 'model.onnx'), toOnnxFile(graph, functions));
  await writeFile(join(directory, 'config.json'), JSON.stringify(config));
  if (preprocessing !== undefined)
    await writeFile(join(directory, 'preprocessor_config.json'), JSON.stringify(preprocessing));
  return directory;
};

let models = 0;
const push = async (directory: string, task: string | undefined = 'image-classification') => {
  models += 1;
  const name = `model-${models}`;
  return pushModel(serving.repository, directory, { name, ...(task && { task }) });
};

const png = async (width: number, height: number, pixels: readonly number[]): Promise<string> => {
  const raw = { width, height, channels: 3 } as const;
  return (await sharp(Uint8Array.from(pixels), { raw }).png().toBuffer()).toString('base64');
};
const ORANGE = await png(1, 1, [255, 128, 0]);

const post = (name: string, inputs: unknown, parameters: object = {}): Promise<Response> =>
  serving.fetch(`/models/${name}`, {
    method: 'POST',
    body: JSON.stringify({ inputs, parameters }),
    headers: { 'content-type': 'application/json' },
  });
const answer = async (name: string, inputs: unknown = ORANGE, parameters: object = {}): Promise<LabelScore[]> => {
  const response = await post(name, inputs, parameters);
  const body = await response.text();
  expect([response.status, response.status === 200 ? '' : body]).toEqual([200, '']);
  return JSON.parse(body) as LabelScore[];
};

const softmax = (logits: readonly number[]): number[] => {
  const exponentials = logits.map(Math.exp);
  return exponentials.map((each) => each / exponentials.reduce((sum, value) => sum + value, 0));
};
const sigmoid = (logits: readonly number[]): number[] => logits.map((logit) => 1 / (1 + Math.exp(-logit)));
const scored = (labels: readonly string[], scores: readonly number[]) =>
  labels.map((label, index) => ({ label, score: expect.closeTo(scores[index] ?? Number.NaN, 5) }));
const RGB = ['red', 'green', 'blue'];
/** The logits of `MEANS` for orange. */
const LOGITS = [1, 128 / 255, 0];

const SOFTMAX: GraphFunction = {
  name: 'Scores',
  inputs: ['x'],
  outputs: ['y'],
  nodes: [node('Identity', ['x'], 'copy'), node('Softmax', ['copy'], 'soft'), node('Identity', ['soft'], 'y')],
};
const SHAPE: GraphTensor = { name: 'shape', dtype: 'int64', shape: [2], data: BigInt64Array.of(-1n, 3n) };

describe('the scores of a graph', () => {
  it.each<[string, number[], Omit<Graph, 'nodes'>, readonly GraphNode[]]>([
    ['logits', softmax(LOGITS), {}, [node('Identity', ['means'], 'scores')]],
    ['the logarithm of a softmax', softmax(LOGITS), {}, [node('LogSoftmax', ['means'], 'scores')]],
    ['Softmax', softmax(LOGITS), {}, [node('Softmax', ['means'], 'scores')]],
    ['Sigmoid', sigmoid(LOGITS), {}, [node('Sigmoid', ['means'], 'scores')]],
    [
      'Softmax behind nodes that change its form',
      softmax(LOGITS),
      { weights: [SHAPE] },
      [
        node('Softmax', ['means'], 'soft'),
        node('Reshape', ['soft', 'shape'], 'shaped'),
        node('Flatten', ['shaped'], 'flat'),
        node('Cast', ['flat'], 'cast', { to: 1 }),
        node('Identity', ['cast'], 'scores'),
      ],
    ],
    [
      'Softmax in a function',
      softmax(LOGITS),
      { functions: [SOFTMAX] },
      [{ ...node('Scores', ['means'], 'called'), domain: 'local' }, node('Identity', ['called'], 'scores')],
    ],
    [
      'Softmax before a function that hands its input on',
      softmax(LOGITS),
      { functions: [{ name: 'Same', inputs: ['a'], outputs: ['b'], nodes: [node('Identity', ['a'], 'b')] }] },
      [node('Softmax', ['means'], 'soft'), { ...node('Same', ['soft'], 'scores'), domain: 'local' }],
    ],
    [
      'Softmax with a height and a width of 1',
      softmax(LOGITS),
      { outputShape: ['n', 3, 1, 1], weights: [{ ...SHAPE, shape: [4], data: BigInt64Array.of(-1n, 3n, 1n, 1n) }] },
      [node('Softmax', ['means'], 'soft'), node('Reshape', ['soft', 'shape'], 'scores')],
    ],
  ])('that ends in %s are its probabilities', async (_what, expected, graph, end) => {
    const { name } = await push(await writeModel({ ...graph, nodes: [MEANS, ...end] }, { id2label: COLOURS }));

    expect(await answer(name)).toEqual(scored(RGB, expected));
  });

  it('are told at push, where it ends in them', async () => {
    const soft = await writeModel({ nodes: [MEANS, node('Softmax', ['means'], 'scores')] }, { id2label: COLOURS });
    const plain = await writeModel({ nodes: [MEANS, node('Identity', ['means'], 'scores')] }, { id2label: COLOURS });

    const note = 'the graph ends in Softmax, so that its outputs are the scores: function_to_apply is none';
    expect((await push(soft)).notes).toContain(note);
    expect((await push(plain)).notes).not.toContain(note);
  });

  const DECOMPOSED = [
    MEANS,
    node('Exp', ['means'], 'exponentials'),
    node('ReduceSum', ['exponentials', 'axes'], 'sum'),
    node('Div', ['exponentials', 'sum'], 'scores'),
  ];
  const AXES: GraphTensor = { name: 'axes', dtype: 'int64', shape: [1], data: BigInt64Array.of(1n) };

  it('that look like probabilities, of a graph whose end does not say so, need a word in config.json', async () => {
    const graph = { nodes: DECOMPOSED, weights: [AXES] };

    await expect(push(await writeModel(graph, { id2label: COLOURS }))).rejects.toThrow(
      'its outputs are probabilities, which lie from 0 to 1 and sum to 1 for each image: write "function_to_apply": "none" into config.json',
    );

    const { name } = await push(await writeModel(graph, { id2label: COLOURS, function_to_apply: 'none' }));
    expect(await answer(name)).toEqual(scored(RGB, softmax(LOGITS)));
  });

  it('are made by the function that a request, config.json or the kind of problem names, in this order', async () => {
    const nodes = [MEANS, node('Identity', ['means'], 'scores')];
    const byConfig = { id2label: COLOURS, function_to_apply: 'sigmoid', problem_type: 'single_label_classification' };
    const named = (await push(await writeModel({ nodes }, byConfig))).name;
    const several = { id2label: COLOURS, problem_type: 'multi_label_classification' };
    const independent = (await push(await writeModel({ nodes }, several))).name;

    expect(await answer(named)).toEqual(scored(RGB, sigmoid(LOGITS)));
    expect(await answer(named, ORANGE, { function_to_apply: 'softmax' })).toEqual(scored(RGB, softmax(LOGITS)));
    expect(await answer(named, ORANGE, { function_to_apply: 'none' })).toEqual(scored(RGB, LOGITS));
    expect(await answer(independent)).toEqual(scored(RGB, sigmoid(LOGITS)));
    const refused = await post(named, ORANGE, { function_to_apply: 'tanh' });
    expect([refused.status, await refused.text()]).toEqual([
      400,
      expect.stringContaining('"function_to_apply\\" is \\"tanh\\", expected one of softmax, sigmoid, none'),
    ]);
    await expect(push(await writeModel({ nodes }, { id2label: COLOURS, function_to_apply: 'tanh' }))).rejects.toThrow(
      '"function_to_apply" in config.json is "tanh", expected one of softmax, sigmoid, none',
    );
  });

  it('of a version of 0.2 are made as they were', async () => {
    const directory = await writeModel({ nodes: [MEANS, node('Identity', ['means'], 'scores')] }, {});
    for (const [multiLabel, expected] of [
      [true, sigmoid(LOGITS)],
      [false, softmax(LOGITS)],
    ] as const) {
      const settings = { labels: RGB, multiLabel, preprocessing: PREPROCESSING };
      const name = `old-${multiLabel}`;
      await publishModel(serving.repository, name, join(directory, 'model.onnx'), {
        task: 'image-classification',
        settings,
      });
      expect(await answer(name)).toEqual(scored(RGB, expected));
    }
  });
});

describe('labels', () => {
  const two: Graph = {
    nodes: [MEANS, node('Slice', ['means', 'from', 'to', 'axis'], 'scores')],
    outputShape: ['n', 2],
    weights: [
      { name: 'from', dtype: 'int64', shape: [1], data: BigInt64Array.of(0n) },
      { name: 'to', dtype: 'int64', shape: [1], data: BigInt64Array.of(2n) },
      { name: 'axis', dtype: 'int64', shape: [1], data: BigInt64Array.of(1n) },
    ],
  };

  it.each<[string, string[], object]>([
    ['numbers', ['7', '8'], { id2label: { 0: 7, 1: 8 } }],
    ['a list', ['cat', 'dog'], { id2label: ['cat', 'dog'] }],
    ['the two of transformers', ['LABEL_0', 'LABEL_1'], { architectures: ['ViTForImageClassification'] }],
    ['those of num_labels', ['LABEL_0', 'LABEL_1'], { num_labels: 2 }],
  ])('are %s', async (_what, labels, config) => {
    const { name } = await push(await writeModel(two, config));

    expect(await answer(name)).toEqual(scored(labels, softmax(LOGITS.slice(0, 2))));
  });

  it('are independent of each other when there is one', async () => {
    const one = { ...two, outputShape: ['n', 1], weights: two.weights?.map((each) => ({ ...each })) ?? [] };
    const weights = one.weights.map((each) => (each.name === 'to' ? { ...each, data: BigInt64Array.of(1n) } : each));
    const { name } = await push(await writeModel({ ...one, weights }, { id2label: { 0: 'nsfw' } }));

    expect(await answer(name)).toEqual(scored(['nsfw'], sigmoid([1])));
  });

  it.each<[string, RegExp, object]>([
    ['of no text', /"id2label" in config.json has no label for class 1/, { id2label: { 0: 'cat', 1: ['dog'] } }],
    ['that are a text', /"id2label" in config.json is "cat", expected the names of the classes/, { id2label: 'cat' }],
    ['of another number', /the graph has 2 classes, "id2label" in config.json names 3/, { id2label: COLOURS }],
  ])('%s are refused', async (_what, message, config) => {
    await expect(push(await writeModel(two, config))).rejects.toThrow(message);
  });
});

/** Two rows of three pixels; the last is grey already. */
const PIXELS = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150, 77, 77, 77];
/** As Pillow converts them. */
const GREY = [18, 48, 78, 108, 138, 77];
const planes = [0, 1, 2].flatMap((channel) => PIXELS.filter((_, index) => index % 3 === channel));

describe('the input of a graph', () => {
  it.each<[string, number[], Omit<Graph, 'nodes'>]>([
    ['float32[N,3,H,W]', planes, { shape: ['n', 3, 2, 3] }],
    ['float32[N,C,H,W], all of them variable', planes, { shape: ['n', 'c', 'h', 'w'] }],
    ['float32[N,1,H,W]', GREY, { shape: ['n', 1, 2, 3] }],
    ['float32[N,H,W,3]', PIXELS, { shape: ['n', 2, 3, 3] }],
    ['float32[1,H,W,3]', PIXELS, { shape: [1, 2, 3, 3] }],
    ['float32[N,H,W,3] of variable sides', PIXELS, { shape: ['n', 'h', 'w', 3] }],
    ['float32[N,H,W,1]', GREY, { shape: ['n', 2, 3, 1] }],
    ['uint8[N,3,H,W]', planes, { dtype: 'uint8', shape: ['n', 3, 2, 3] }],
    ['uint8[N,H,W,3]', PIXELS, { dtype: 'uint8', shape: ['n', 2, 3, 3] }],
    ['uint8[N,H,W,1]', GREY, { dtype: 'uint8', shape: ['n', 2, 3, 1] }],
  ])('%s holds the pixels of an image', async (_what, expected, graph) => {
    const labels = expected.map((_, index) => `value ${index}`);
    const preprocessing = { size: [2, 3], ...(graph.dtype !== 'uint8' && { do_rescale: false, do_normalize: false }) };
    const nodes = [node('Flatten', ['pixels'], 'flat'), node('Cast', ['flat'], 'scores', { to: 1 })];
    const outputShape = [graph.shape?.[0] ?? 'n', expected.length];
    const config = { id2label: labels, function_to_apply: 'none' };
    const { name } = await push(await writeModel({ ...graph, nodes, outputShape }, config, preprocessing));
    const image = await png(3, 2, PIXELS);

    const byLabel = (scores: LabelScore[]) =>
      labels.map((label) => scores.find((score) => score.label === label)?.score);
    expect(byLabel(await answer(name, image, { top_k: 100 }))).toEqual(expected);
    const both = await answer(
      name,
      [
        image,
        await png(
          3,
          2,
          PIXELS.map(() => 9),
        ),
      ],
      { top_k: 100 },
    );
    expect((both as unknown as LabelScore[][]).map(byLabel)).toEqual([expected, expected.map(() => 9)]);
  });

  it.each<[string, RegExp, Partial<Graph>, object | undefined]>([
    [
      'of four channels',
      /takes pixels float32\[n,4,4,5\], expected one input: images float32 or uint8/,
      { shape: ['n', 4, 4, 5] },
      undefined,
    ],
    ['of int64', /takes pixels int64\[n,3,4,4\], expected one input/, { dtype: 'int64' }, undefined],
    ['of another size', /640×480 pixels \(width × height\) 8×6, the graph takes 4×4: set "size"/, {}, { size: [6, 8] }],
    [
      'of one size, with images of many sizes',
      /640×480 pixels \(width × height\) 5×4, the graph takes 4×4: set "size" to {"height": 4, "width": 4}/,
      {},
      { image_processor_type: 'CLIPImageProcessor', size: { shortest_edge: 4 }, do_center_crop: false },
    ],
    [
      'with means of RGB, of grey',
      /"image_mean" is \[0.1,0.2,0.3\], the graph takes grey/,
      { shape: ['n', 1, 4, 4] },
      { size: 4, image_mean: [0.1, 0.2, 0.3] },
    ],
    ['by the longer side', /"size" is {"longest_edge":4}: expected n/, {}, { size: { longest_edge: 4 } }],
  ])('%s is refused', async (_what, message, graph, preprocessing) => {
    const nodes = [
      node('Cast', ['pixels'], 'floats', { to: 1 }),
      { ...MEANS, inputs: ['floats'] },
      node('Identity', ['means'], 'scores'),
    ];
    const directory = await writeModel({ nodes, ...graph }, { id2label: COLOURS }, preprocessing ?? PREPROCESSING);

    await expect(push(directory)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('is refused without a way from images to tensors, which is shown', async () => {
    const directory = await writeModel(
      { nodes: [MEANS, node('Identity', ['means'], 'scores')] },
      { id2label: COLOURS },
    );
    await rm(join(directory, 'preprocessor_config.json'));

    await expect(push(directory)).rejects.toThrow(/has no preprocessor_config.json .* such as {"size": {"height": 224/);
  });
});

describe('a model of timm', () => {
  const nodes = [MEANS, node('Identity', ['means'], 'scores')];
  const settings = {
    input_size: [3, 4, 4],
    crop_pct: 0.8,
    interpolation: 'bilinear',
    mean: [0, 0, 0],
    std: [1, 1, 1],
    num_classes: 3,
  };
  const names = { label_names: ['n1', 'n2', 'n3'], label_descriptions: { n1: 'red', n3: 'blue' } };
  const withoutFile = async (config: object): Promise<string> => {
    const directory = await writeModel({ nodes }, config);
    await rm(join(directory, 'preprocessor_config.json'));
    return directory;
  };

  it.each<[string, string[], object]>([
    [
      'with names and descriptions',
      ['red', 'n2', 'blue'],
      { architecture: 'resnet18', pretrained_cfg: settings, ...names },
    ],
    [
      'with names in its settings',
      ['red', 'n2', 'blue'],
      { architecture: 'resnet18', pretrained_cfg: { ...settings, ...names } },
    ],
    ['with names by index', ['a', 'b', 'c'], { pretrained_cfg: settings, label_names: { 0: 'a', 1: 'b', 2: 'c' } }],
    [
      'without names',
      ['LABEL_0', 'LABEL_1', 'LABEL_2'],
      { architecture: 'resnet18', num_classes: 3, pretrained_cfg: settings },
    ],
    ['of an older version', ['a', 'b', 'c'], { architecture: 'resnet18', ...settings, labels: ['a', 'b', 'c'] }],
  ])('%s is recognised and served by its config.json alone', async (_what, labels, config) => {
    const pushed = await push(await withoutFile(config), '');

    expect(pushed).toMatchObject({ task: 'image-classification', reason: 'settings of timm in config.json' });
    expect(await answer(pushed.name)).toEqual(scored(labels, softmax(LOGITS)));
  });

  it('that transformers has saved has its settings in preprocessor_config.json', async () => {
    const file = {
      image_processor_type: 'TimmWrapperImageProcessor',
      architecture: 'resnet18',
      pretrained_cfg: settings,
    };
    const config = {
      architectures: ['TimmWrapperForImageClassification'],
      model_type: 'timm_wrapper',
      ...names,
      pretrained_cfg: {},
    };
    const { name } = await push(await writeModel({ nodes }, config, file), '');

    expect(await answer(name)).toEqual(scored(['red', 'n2', 'blue'], softmax(LOGITS)));
  });

  it.each<[string, RegExp, object]>([
    [
      'another filter',
      /"interpolation" in the settings of timm is "hamming": expected nearest, lanczos/,
      { interpolation: 'hamming' },
    ],
    ['a border', /"crop_mode" in the settings of timm is "border": expected center or squash/, { crop_mode: 'border' }],
    ['no size', /"input_size" in the settings of timm is \[224\]/, { input_size: [224] }],
    ['another size', /pixels \(width × height\) 6×6, the graph takes 4×4/, { input_size: [3, 6, 6] }],
  ])('with %s is refused', async (_what, message, changed) => {
    await expect(
      push(await withoutFile({ pretrained_cfg: { ...settings, ...changed }, ...names }), ''),
    ).rejects.toThrow(message);
  });
});

it('a text classifier that ends in Softmax gets no second one', async () => {
  const directory = await mkdtemp(join(folder, 'text-'));
  await cp(findNamed('tiny-bert-sentiment'), directory, { recursive: true });
  const graph = toOnnxFile({
    inputs: [{ name: 'input_ids', dtype: 'int64', shape: ['n', 't'] }],
    outputs: [{ name: 'scores', dtype: 'float32', shape: ['n', 2] }],
    nodes: [
      node('Cast', ['input_ids'], 'ids', { to: 1 }),
      node('ReduceMean', ['ids'], 'mean', { axes: [1], keepdims: 1 }),
      node('Neg', ['mean'], 'negative'),
      node('Concat', ['mean', 'negative'], 'logits', { axis: 1 }),
      node('Softmax', ['logits'], 'scores', { axis: 1 }),
    ],
  });
  await writeFile(join(directory, 'model.onnx'), graph);
  await writeFile(join(directory, 'config.json'), JSON.stringify({ id2label: { 0: 'yes', 1: 'no' } }));

  const { name, notes } = await push(directory, 'text-classification');

  expect(notes).toContainEqual(expect.stringContaining('the graph ends in Softmax'));
  expect(await answer(name, 'a text of some words')).toEqual([scored(['yes', 'no'], [1, 0])]);
});

it('a token classifier that ends in Softmax gets no second one', async () => {
  const directory = await mkdtemp(join(folder, 'tokens-'));
  await cp(findNamed('tiny-bert-ner'), directory, { recursive: true });
  const graph = toOnnxFile({
    inputs: [{ name: 'input_ids', dtype: 'int64', shape: ['n', 't'] }],
    outputs: [{ name: 'scores', dtype: 'float32', shape: ['n', 't', 2] }],
    nodes: [
      node('Cast', ['input_ids'], 'ids', { to: 1 }),
      node('Unsqueeze', ['ids', 'last'], 'column'),
      node('Neg', ['column'], 'negative'),
      node('Concat', ['column', 'negative'], 'logits', { axis: 2 }),
      node('Softmax', ['logits'], 'scores', { axis: 2 }),
    ],
    weights: [{ name: 'last', dtype: 'int64', shape: [1], data: BigInt64Array.of(2n) }],
  });
  await writeFile(join(directory, 'model.onnx'), graph);
  await writeFile(join(directory, 'config.json'), JSON.stringify({ id2label: { 0: 'yes', 1: 'no' } }));

  const { name, notes } = await push(directory, 'token-classification');

  expect(notes).toContainEqual(expect.stringContaining('the graph ends in Softmax'));
  const entities = await answer(name, 'some words');
  expect(entities.length).toBeGreaterThan(0);
  expect(entities.map(({ score }) => score)).toEqual(entities.map(() => expect.closeTo(1, 5)));
});
