import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import REFERENCE from '../fixtures/reference/string-locales.json' with { type: 'json' };
import { type GraphNode, type GraphTensor, type SmallGraph, toOnnxFile } from '../support/onnx-graph.ts';
import { createTestServing, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

const float = (name: string, ...shape: (number | string)[]): GraphTensor => ({ name, dtype: 'float32', shape });
const text = (name: string, ...shape: (number | string)[]): GraphTensor => ({ name, dtype: 'string', shape });
const filled = (name: string, value: number, ...shape: number[]): GraphTensor => ({
  ...float(name, ...shape),
  data: new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(value),
});
const node = (operator: string, inputs: string[], outputs: string[], more: Partial<GraphNode> = {}): GraphNode => ({
  ...{ operator, inputs, outputs },
  ...more,
});

let folder: string;
let serving: TestServing;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graphs-'));
  serving = await createTestServing();
});
afterAll(async () => {
  await serving.remove();
  await rm(folder, { recursive: true });
});

const push = async (name: string, graph: SmallGraph, options: Parameters<typeof toOnnxFile>[1] = []) => {
  const path = join(folder, `${name}.onnx`);
  await writeFile(path, toOnnxFile(graph, options));
  serving.clock.nowMs += 60_000; // the routing is read again
  return pushModel(serving.repository, path, { name, promote: true });
};
const infer = async (model: string, inputs: unknown) => {
  const response = await serving.fetch(`/v2/models/${model}/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs }),
  });
  return { status: response.status, body: await response.json() };
};
const floats = (name: string, data: number[], shape = [data.length]) => ({ name, datatype: 'FP32', shape, data });
const answer = (data: unknown[]) => ({ status: 200, body: { outputs: [{ data }] } });

describe('an input with a default', () => {
  const graph = (size: number): SmallGraph => ({
    inputs: [float('x', size), float('scale'), float('shift', size)],
    outputs: [float('y', size)],
    weights: [filled('scale', 2), filled('shift', 1, size)],
    nodes: [node('Mul', ['x', 'scale'], ['scaled']), node('Add', ['scaled', 'shift'], ['y'])],
  });

  it('may be left out, or given', async () => {
    await push('defaults', graph(2));

    expect(await infer('defaults', [floats('x', [1, 2])])).toMatchObject(answer([3, 5]));
    expect(await infer('defaults', [floats('x', [1, 2]), floats('scale', [10], [])])).toMatchObject(answer([11, 21]));
    expect(await infer('defaults', [floats('x', [1, 2]), floats('shift', [0, 5])])).toMatchObject(answer([2, 9]));
  });

  it('is described like the others, and a request without the others is refused', async () => {
    const metadata = await (await serving.fetch('/v2/models/defaults')).json();

    expect(metadata).toMatchObject({ inputs: [{ name: 'x' }, { name: 'scale' }, { name: 'shift', shape: [2] }] });
    expect(await infer('defaults', [floats('scale', [1], [])])).toMatchObject({
      ...{ status: 400, body: { error: expect.stringContaining('input "x" is missing') } },
    });
  });

  it('stays a weight among many, as exporters list all of them', async () => {
    await push('weights', graph(2000));

    expect(await infer('weights', [floats('x', Array(2000).fill(1))])).toMatchObject(answer(Array(2000).fill(3)));
    expect(await infer('weights', [floats('x', Array(2000).fill(1)), floats('scale', [1], [])])).toMatchObject({
      ...{ status: 400, body: { error: expect.stringContaining('"scale": unknown') } },
    });
  });
});

describe('a graph without inputs', () => {
  it('answers a request without inputs', async () => {
    await push('constant', {
      outputs: [float('y', 2)],
      nodes: [node('Identity', ['c'], ['y'])],
      weights: [filled('c', 7, 2)],
    });

    expect(await infer('constant', [])).toMatchObject(answer([7, 7]));
    expect(await infer('constant', [floats('x', [1])])).toMatchObject({ status: 400 });
    expect((await serving.fetch('/v2/models/constant/ready')).status).toBe(200);
  });
});

describe('StringNormalizer', () => {
  const lower = (attributes: GraphNode['attributes'] = {}): GraphNode =>
    node('StringNormalizer', ['x'], ['y'], { attributes: { case_change_action: 'LOWER', ...attributes } });
  const graph = (...nodes: GraphNode[]): SmallGraph => ({ inputs: [text('x', 'n')], outputs: [text('y', 'm')], nodes });
  const TEXTS = ['ÄPFEL', 'Ёлка', 'ΣΊΣΥΦΟΣ', 'I', 'The', 'ß', 'ǅ', '日本'];
  const LOWERED = ['äpfel', 'ёлка', 'σίσυφοσ', 'i', 'the', 'ß', 'ǆ', '日本'];
  const ask = (model: string) => infer(model, [{ name: 'x', datatype: 'BYTES', shape: [TEXTS.length], data: TEXTS }]);

  it.each([
    ['en_US', { locale: 'en_US' }],
    ['de_DE.UTF-8', { locale: 'de_DE.UTF-8' }],
    ['none, for which the operator takes en_US', {}],
    ['that of the environment', { locale: '' }],
  ])('changes the case of letters of every script with the locale %s', async (_what, attributes) => {
    const { notes } = await push('lower', graph(lower(attributes)));

    expect(notes).toEqual([expect.stringContaining('with the locale C.UTF-8')]);
    expect(await ask('lower')).toMatchObject(answer(LOWERED));
  });

  it.each(['LOWER', 'UPPER'] as const)('changes the case of every character to %s as en_US does', async (action) => {
    const { alike, others, ...digests } = REFERENCE;
    await push('characters', graph(lower({ case_change_action: action, locale: 'en_US' })));
    const codes = Array.from({ length: 0x10ffff }, (_, index) => index + 1);
    const all = codes.filter((code) => code < 0xd800 || code > 0xdfff).map((code) => String.fromCodePoint(code));
    const inputs = [{ name: 'x', datatype: 'BYTES', shape: [1], data: [all.join('')] }];

    const { body } = await infer('characters', inputs);

    const { outputs } = body as { outputs: { data: string[] }[] };
    const digest = createHash('sha256')
      .update(outputs[0]?.data[0] ?? '')
      .digest('hex');
    expect(digest).toBe(digests[action === 'LOWER' ? 'lower' : 'upper']);
    expect(alike).toContain('en_US');
    expect(others).toEqual(['az_AZ', 'crh_UA', 'ku_TR', 'tr_TR']);
  });

  it('is found in functions of the model', async () => {
    const call = node('Normalise', ['x'], ['y'], { domain: 'local' });
    await push('function', graph(call), [
      { name: 'Normalise', inputs: ['x'], outputs: ['y'], nodes: [lower({ locale: 'en_US' })] },
    ]);

    expect(await ask('function')).toMatchObject(answer(LOWERED));
  });

  it('is found in graphs within a node', async () => {
    const branch = { outputs: [text('y', 'm')], nodes: [lower({ locale: 'fr_FR' })] };
    const condition = { name: 'true', dtype: 'bool', shape: [], data: Uint8Array.of(1) } as const;
    const constant = node('Constant', [], ['condition'], { attributes: { value: condition } });
    const choice = node('If', ['condition'], ['y'], { attributes: { then_branch: branch, else_branch: branch } });
    await push('branches', graph(constant, choice));

    expect(await ask('branches')).toMatchObject(answer(LOWERED));
  });

  it('drops words whatever their case', async () => {
    const attributes = { case_change_action: 'NONE', stopwords: ['äpfel', 'the'], is_case_sensitive: 0 };
    await push('stop', graph(lower({ ...attributes, locale: 'en_US' })));

    expect(await ask('stop')).toMatchObject(answer(['Ёлка', 'ΣΊΣΥΦΟΣ', 'I', 'ß', 'ǅ', '日本']));
  });

  it('keeps the locale C, which knows ASCII letters alone', async () => {
    const { notes } = await push('ascii', graph(lower({ locale: 'C' })));

    expect(notes).toEqual([]);
    expect(await ask('ascii')).toMatchObject(answer(['Äpfel', 'Ёлка', 'ΣΊΣΥΦΟΣ', 'i', 'the', 'ß', 'ǅ', '日本']));
  });

  it.each(['tr_TR', 'az_AZ.UTF-8', 'tt_RU@iqtelif'])(
    'is refused with the locale %s, whose i has no like',
    async (locale) => {
      await expect(push('dotless', graph(lower({ locale })))).rejects.toMatchObject({
        ...{
          code: 'MODEL_INVALID',
          message: expect.stringMatching(/locale ".*", which Lambda lacks.*before they are sent/),
        },
      });
    },
  );
});
