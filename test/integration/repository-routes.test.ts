import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createTestServing, publishModel, type TestServing } from '../support/serving.ts';

let serving: TestServing;

beforeEach(async () => {
  serving = await createTestServing();
  const push = (name: string, file: string, dimensions = {}) =>
    publishModel(serving.repository, name, `test/fixtures/models/${file}`, { dimensions });
  await push('add', 'add.onnx');
  await push('fixed', 'fixed-batch.onnx');
  await push('strings', 'repeat-string.onnx');
  serving.clock.nowMs = 1_700_000_000_000;
});
afterEach(() => serving.remove());

interface Figures {
  readonly inference_stats: Readonly<Record<'success' | 'compute_infer', { readonly ns: number }>>;
}
const answer = async <Body>(response: Response) => ({
  status: response.status,
  body: (await response.json()) as Body,
});
const get = async (path: string) => answer<{ model_stats: Figures[]; input: unknown }>(await serving.fetch(path));
const post = async <Body>(path: string, document: unknown = {}) =>
  answer<Body>(await serving.fetch(path, { method: 'POST', body: JSON.stringify(document) }));

const infer = (path: string, data: readonly number[] = [1, 2]) =>
  post(`/v2/models/${path}/infer`, { inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data }] });

describe('statistics', () => {
  const happened = (count: number) => ({ count, ns: count === 0 ? 0 : expect.any(Number) });
  const figures = (name: string, answers: number, failures: number) => ({
    name,
    version: '1',
    last_inference: answers === 0 ? 0 : 1_700_000_000_000,
    inference_count: answers,
    execution_count: answers,
    inference_stats: {
      success: happened(answers),
      fail: happened(failures),
      queue: happened(answers),
      compute_input: happened(answers),
      compute_infer: happened(answers),
      compute_output: happened(answers),
      cache_hit: happened(0),
      cache_miss: happened(0),
    },
    batch_stats: [],
  });

  it('count answers and failures of each version since the process began', async () => {
    await infer('fixed');
    await infer('fixed/versions/1');
    await infer('fixed', [1]);

    const one = { status: 200, body: { model_stats: [figures('fixed', 2, 1)] } };
    for (const path of ['/v2/models/fixed/stats', '/v2/models/fixed/versions/1/stats', '/v2/models/stats'])
      expect(await get(path)).toEqual(one);
    const [stats] = (await get('/v2/models/fixed/stats')).body.model_stats;
    expect(stats?.inference_stats.success.ns).toBeGreaterThan(stats?.inference_stats.compute_infer.ns ?? 0);
  });

  it('are zeros for a model that was asked for nothing, and no model otherwise', async () => {
    expect(await get('/v2/models/add/stats')).toEqual({ status: 200, body: { model_stats: [figures('add', 0, 0)] } });
    expect(await get('/v2/models/stats')).toEqual({ status: 200, body: { model_stats: [] } });
    expect((await get('/v2/models/unknown/stats')).status).toBe(404);
    expect((await get('/v2/models/add/versions/9/stats')).status).toBe(404);
  });
});

describe('the configuration', () => {
  it('has the types and sizes of the graph', async () => {
    const tensor = (name: string) => ({ name, data_type: 'TYPE_FP32', dims: [-1, 3] });
    expect(await get('/v2/models/add/versions/1/config')).toEqual({
      status: 200,
      body: {
        name: 'add',
        platform: 'onnxruntime_onnx',
        backend: 'onnxruntime',
        version_policy: { specific: { versions: [1] } },
        max_batch_size: 0,
        input: [tensor('a'), tensor('b')],
        output: [tensor('sum')],
        parameters: { task: { string_value: 'tensor' } },
      },
    });
    expect((await get('/v2/models/strings/config')).body.input).toMatchObject([{ data_type: 'TYPE_STRING' }]);
    expect((await get('/v2/models/unknown/config')).status).toBe(404);
  });
});

describe('the index', () => {
  it.each([{ redy: true }, [true], 'ready', { ready: 'yes' }])('refuses the body %j', async (document) => {
    expect((await post('/v2/repository/index', document)).status).toBe(400);
  });

  it('takes null for what a client leaves out', async () => {
    expect((await post('/v2/repository/index', { ready: null })).body).toHaveLength(3);
  });
});

describe('load and unload', () => {
  const states = async () => {
    const { body } = await post<Record<'name' | 'state' | 'reason', string>[]>('/v2/repository/index');
    return body.map(({ name, state, reason }) => `${name} ${state} ${reason}`);
  };
  const asked = 'READY loaded when it is asked for (stable)';

  it('put a model into the memory of this process, and take it out', async () => {
    expect(await states()).toEqual([`add ${asked}`, `fixed ${asked}`, `strings ${asked}`]);

    expect(await post('/v2/repository/models/fixed/load')).toEqual({ status: 200, body: {} });
    expect(serving.loads).toMatchObject([{ model: 'fixed' }]);
    expect(await states()).toEqual([`add ${asked}`, 'fixed READY stable', `strings ${asked}`]);

    const unload = { parameters: { unload_dependents: false } };
    expect(await post('/v2/repository/models/fixed/unload', unload)).toEqual({ status: 200, body: {} });
    expect(serving.evictions).toMatchObject([{ model: 'fixed', version: 1 }]);
    expect(await states()).toEqual([`add ${asked}`, `fixed ${asked}`, `strings ${asked}`]);
    expect((await infer('fixed')).status).toBe(200);
    expect(serving.loads).toHaveLength(2);
  });

  it('wait for the answers under way', async () => {
    const answers = [infer('fixed'), infer('fixed'), infer('fixed')];
    const unloaded = post('/v2/repository/models/fixed/unload');
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await unloaded).status).toBe(200);
  });

  it.each([
    ['load', 400, 'parameter "config"', 'fixed', { parameters: { config: '{}' } }],
    ['unload', 400, 'parameter "force"', 'fixed', { parameters: { force: true } }],
    ['load', 400, '"config" is not supported', 'fixed', { config: '{}' }],
    ['unload', 400, '"parameters" is 3', 'fixed', { parameters: 3 }],
    ['load', 400, 'the body is []', 'fixed', []],
    ['load', 404, 'no model unknown', 'unknown', {}],
    ['unload', 404, 'no model unknown', 'unknown', {}],
  ])('%s answers %i: %s', async (operation, status, message, model, document) => {
    expect(await post(`/v2/repository/models/${model}/${operation}`, document)).toEqual({
      status,
      body: expect.objectContaining({ error: expect.stringContaining(message) }),
    });
  });
});
