import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fileKey } from '../../src/repository/keys.ts';
import { preload } from '../../src/serving/preload.ts';
import { createTestServing, publishModel, publishSample, SAMPLE_FOLDER, type TestServing } from '../support/serving.ts';

const MODELS = 'test/fixtures/models';

let folder: string;
let serving: TestServing;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'warm-up-'));
  serving = await createTestServing();
});
afterEach(async () => {
  await serving.remove();
  await rm(folder, { recursive: true });
});

const readyStatus = async (name: string) => (await serving.fetch(`/v2/models/${name}/ready`)).status;
/** Status of a prediction, and why it failed as the log has it. */
const predict = async (name: string, body: unknown) => {
  const headers = { 'content-type': 'application/json' };
  const { status } = await serving.fetch(`/models/${name}`, { method: 'POST', body: JSON.stringify(body), headers });
  return { status, problem: serving.observations.at(-1)?.failures[0]?.message };
};
const record = async (name: string, content: unknown): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, JSON.stringify(content));
  return path;
};
const numbers = (...data: number[]) => ({ inputs: [{ name: 'x', datatype: 'FP32', shape: [data.length], data }] });

describe('a model that is loaded', () => {
  it('runs its recorded inputs, as callers would send them, before it answers', async () => {
    const photos = ['coffee', 'rocket'].map((name) => `${SAMPLE_FOLDER}/samples/${name}.jpg`);
    await publishSample(serving.repository, 'lite0', photos);

    expect(await readyStatus('lite0')).toBe(200);

    const { digest } = await serving.repository.bundle('lite0', 1);
    expect(await readdir(join(serving.modelDirectory, digest, 'warmup'))).toEqual(['coffee.jpg', 'rocket.jpg']);
    expect(serving.loads[0]?.warmUpMs).toBeGreaterThan(0);
    expect(serving.observations.at(-1)?.stopwatch.stepsMs).not.toHaveProperty('run'); // it is no request's run
  });

  it('runs JSON inputs', async () => {
    const input = await record('even.json', numbers(1, 2));
    await publishModel(serving.repository, 'pairs', `${MODELS}/pairs.onnx`, { warmup: [input] });

    expect(await predict('pairs', numbers(1, 2, 3, 4))).toEqual({ status: 200, problem: undefined });
  });

  it.each([
    ['the graph fails', numbers(1, 2, 3), /odd\.json: .*Reshape/],
    ['has the wrong shape', { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] }] }, /dimensions/],
    ['is no request', { images: [] }, /"inputs"/],
  ])('is refused when a recorded input %s, and names the input in the log', async (_how, content, problem) => {
    const [good, bad] = [await record('even.json', numbers(1, 2)), await record('odd.json', content)];
    await publishModel(serving.repository, 'pairs', `${MODELS}/pairs.onnx`, { warmup: [good, bad] });

    const refused = await predict('pairs', numbers(1, 2));

    expect(refused.status).toBe(500);
    expect(refused.problem).toMatch(/^model pairs version 1 failed on its recorded input warmup\/odd\.json: /);
    expect(refused.problem).toMatch(problem);
    expect(serving.loads).toEqual([]);
    expect(await readyStatus('pairs')).toBe(503);
  });

  it('runs zeros of the recorded dimensions when it has no inputs', async () => {
    await publishModel(serving.repository, 'odd', `${MODELS}/pairs.onnx`);
    await publishModel(serving.repository, 'even', `${MODELS}/pairs.onnx`, { dimensions: { batch: 2 } });

    expect(await readyStatus('odd')).toBe(503);
    expect(await readyStatus('even')).toBe(200);
  });

  it('is tried with the input of the caller who waits for it, and then not with zeros', async () => {
    await publishModel(serving.repository, 'odd', `${MODELS}/pairs.onnx`);

    expect(await predict('odd', numbers(1, 2))).toEqual({ status: 200, problem: undefined });
    expect(serving.loads).toHaveLength(1);
  });

  it('is tried with zeros when it does not answer the caller who waits for it', async () => {
    await publishModel(serving.repository, 'odd', `${MODELS}/pairs.onnx`);
    await publishModel(serving.repository, 'even', `${MODELS}/pairs.onnx`, { dimensions: { batch: 2 } });

    expect(await predict('odd', numbers(1, 2, 3))).toEqual({
      status: 500,
      problem: expect.stringMatching(/^model odd version 1 failed on a blank input: .*Reshape/),
    });
    expect(serving.loads).toEqual([]);
    expect(await predict('even', numbers(1, 2, 3))).toEqual({
      status: 422,
      problem: expect.not.stringContaining('blank'),
    });
    expect(serving.loads).toHaveLength(1);
  });

  it.each(['every-dtype', 'every-json-dtype', 'repeat-string'])('runs zeros of every type (%s.onnx)', async (file) => {
    await publishModel(serving.repository, file, `${MODELS}/${file}.onnx`);

    expect(await readyStatus(file)).toBe(200);
  });

  it('is left to the first request when its warm-up fails during init', async () => {
    await publishModel(serving.repository, 'odd', `${MODELS}/pairs.onnx`);

    await preload(serving, ['odd'], 9_000);

    expect(serving.warnings).toEqual([expect.objectContaining({ code: 'MODEL_INVALID' })]);
    expect((await serving.fetch('/v2/health/ready')).status).toBe(200);
  });

  it('is refused when a recorded input was altered after the push', async () => {
    const input = await record('even.json', numbers(1, 2));
    await publishModel(serving.repository, 'pairs', `${MODELS}/pairs.onnx`, { warmup: [input] });
    const content = JSON.stringify(numbers(1, 3));
    await serving.repository.store.write(fileKey('pairs', 1, 'warmup/even.json'), content);

    expect(await predict('pairs', numbers(1, 2))).toMatchObject({
      status: 500,
      problem: expect.stringContaining('sha256'),
    });
  });
});
