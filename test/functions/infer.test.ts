import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { LAMBDA_PAYLOAD_BYTES } from '../../src/core/aws-limits.ts';
import { inferHandler } from '../../src/lambda/infer.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { type DeployedFunction, deployFunction, readEvents } from '../support/deployed-function.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { createTestS3Client } from '../support/s3.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

const MODEL = 'efficientnet-lite0';

type Event = Pick<APIGatewayProxyEventV2, 'rawPath' | 'isBase64Encoded'> & { readonly body?: string };

interface Answer {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

let directory: string;
let storage: EmbeddedStorage;
let deployed: DeployedFunction;
const createModelStore = () => createS3UploadStore(createTestS3Client(storage.endpoint), storage.modelsBucket);
const publishIt = (name = MODEL) => pushNamed(createModelRepository(createModelStore()), name);

/** The model that an event asks for, in its path or in its body. */
const modelOf = ({ rawPath, body = '', isBase64Encoded }: Event): string | undefined => {
  const text = isBase64Encoded ? Buffer.from(body, 'base64').toString('latin1') : body;
  return (/models\/([^/:]+)/.exec(rawPath) ?? /"model"[:\s]+"?([\w-]+)/.exec(text))?.[1];
};

const deploy = (environment: Record<string, string> = {}) =>
  deployFunction('infer', storage, join(directory, 'models'), environment);
const invoke = async (event: unknown) => (await deployed.invoke(event)) as Answer;
const events = await readEvents('infer');
const photoEvent = events.get('infer.json') as { rawPath: string };

const open = async (): Promise<void> => {
  directory = await mkdtemp(join(tmpdir(), 'infer-'));
  storage = await startEmbeddedStorage();
};
const close = async (): Promise<void> => {
  await deployed.stop();
  await storage.stop();
  await rm(directory, { recursive: true, force: true });
};

/** Expects that the function answers as the code that it is bundled of. */
const expectSameAnswer = async (event: unknown, serving: TestServing): Promise<void> => {
  const context = { getRemainingTimeInMillis: () => 30_000 } as Context;
  const expected = await inferHandler(serving)(event as APIGatewayProxyEventV2, context);
  const { statusCode, headers, body } = await invoke(event);
  expect({ statusCode, type: headers['content-type'] }).toEqual({ statusCode: 200, type: 'application/json' });
  expect(JSON.parse(body)).toEqual(JSON.parse(expected.body ?? ''));
};

/** Events with answers that name an object or a job of their own, and one about the requests before it. */
const OTHERS = ['infer-uploads.json', 'infer-respond-async.json', 'infer-statistics.json'];

describe('infer with its sample events', () => {
  let serving: TestServing;
  const published = new Map<string, Promise<void>>();
  beforeAll(async () => {
    await open();
    serving = await createTestServing({ models: createModelStore() });
    deployed = await deploy();
  });
  afterAll(async () => {
    await serving.remove();
    await close();
  });

  it.each([...events].filter(([file]) => !OTHERS.includes(file)))(
    'answers %s as the code that it is bundled of',
    async (_file, event) => {
      const model = modelOf(event as Event) ?? MODEL;
      const publishing = published.get(model) ?? publishIt(model);
      published.set(model, publishing);
      await publishing;
      await expectSameAnswer(event, serving);
    },
  );
});

describe('infer', () => {
  beforeEach(open);
  afterEach(close);

  it('answers infer-statistics.json before its first request as the code that it is bundled of', async () => {
    await publishIt('iris');
    const serving = await createTestServing({ models: createModelStore() });
    deployed = await deploy();
    await expectSameAnswer(events.get('infer-statistics.json'), serving);
    await serving.remove();
  });

  it('gives a URL that takes an object', async () => {
    await publishIt('iris');
    deployed = await deploy();

    const { statusCode, body } = await invoke(events.get('infer-uploads.json'));
    expect(statusCode).toBe(201);
    const { url, headers } = JSON.parse(body);
    expect((await fetch(url, { method: 'PUT', headers, body: '5.1,3.5,1.4,0.2\n' })).status).toBe(200);
  });

  it('makes a job of a request that wants its answer later', async () => {
    await publishIt('iris');
    deployed = await deploy();

    const { statusCode, headers, body } = await invoke(events.get('infer-respond-async.json'));
    const job = JSON.parse(body);
    expect([statusCode, headers.location, job.status]).toEqual([202, `/jobs/${job.id}`, 'queued']);
    const request = await fetch(`${storage.endpoint}/${storage.dataBucket}/jobs/requests/${job.id}.json`);
    expect(await request.json()).toMatchObject({ id: job.id, model: 'iris', version: 1 });
  });

  it('labels the photo of its sample event, and says so in metrics and log', async () => {
    await publishIt();
    deployed = await deploy();

    const { body } = await invoke(photoEvent);
    await invoke(photoEvent);

    expect(JSON.parse(body)[0]).toEqual({
      label: expect.stringMatching(/cat|espresso|missile/),
      score: expect.any(Number),
    });
    const blobs = await deployed.untilLogged((line) => '_aws' in line && 'Requests' in line, 2);
    expect(blobs).toHaveLength(2);
    expect(blobs[0]).toMatchObject({
      service: 'test',
      model: MODEL,
      version: '1',
      Requests: 1,
      ServerFaults: 0,
      ColdStarts: 1,
    });
    expect(blobs[1]).not.toHaveProperty('ColdStarts');
    const requests = await deployed.untilLogged('request', 2);
    expect(requests).toHaveLength(2);
    expect(requests.every((line) => JSON.stringify(line).length < 1000)).toBe(true); // no payload
  });

  it('writes the figures of its last minute, and the line of its last request, when Lambda ends it', async () => {
    await publishIt();
    deployed = await deploy();
    for (let request = 0; request < 3; request += 1) await invoke(photoEvent); // the first one alone is written at once
    await deployed.stop();
    await deployed.untilLogged('request', 3);
    const data = createS3UploadStore(createTestS3Client(storage.endpoint), storage.dataBucket);
    const requests: number[] = [];
    for await (const { key } of data.list(`figures/${MODEL}/`)) {
      const { versions } = JSON.parse(Buffer.from((await data.read(key)).body).toString());
      requests.push(versions[1].requests);
    }
    expect(requests.reduce((sum, each) => sum + each, 0)).toBe(3);
  });

  it('is healthy without any model, and names the command that pushes one in its log alone', async () => {
    deployed = await deploy({ PRELOAD_MODELS: MODEL });
    await deployed.init();

    const { statusCode, body } = await invoke(photoEvent);

    expect(statusCode).toBe(404);
    expect(JSON.parse(body).error).toBe(`no model ${MODEL}`);
    const [refusal] = await deployed.untilLogged('request refused');
    expect(refusal?.failures).toEqual([
      {
        code: 'NOT_FOUND',
        message: `no model ${MODEL}`,
        operator: expect.stringMatching(/s3:.* with: npx onnx-serverless push <file\|folder> --name/),
      },
    ]);
    await publishIt();
    expect((await invoke(photoEvent)).statusCode).toBe(200);
  });

  it('has loaded a preloaded model before the first event', async () => {
    await publishIt();
    deployed = await deploy({ PRELOAD_MODELS: ` ${MODEL} ,` });

    await deployed.init();

    await deployed.untilLogged('model loaded');
    expect((await invoke(photoEvent)).statusCode).toBe(200);
    await deployed.untilLogged('request');
    expect(deployed.lines.filter(({ message }) => message === 'model loaded')).toHaveLength(1);
  });

  it('answers without the folder whose use it measures, and says so', async () => {
    await publishIt('iris');
    deployed = await deploy();
    const event = events.get('infer-tabular-classification.json');
    expect((await invoke(event)).statusCode).toBe(200);
    await rm(join(directory, 'models'), { recursive: true });
    await new Promise((resolve) => setTimeout(resolve, 150)); // the use is known for 100 ms

    expect((await invoke(event)).statusCode).toBe(200);

    await deployed.untilLogged('a request was answered, and not measured');
    expect((await invoke(event)).statusCode).toBe(200);
  });

  it('takes seven pictures as bytes in one request, and no event carries eight', async () => {
    await publishIt();
    deployed = await deploy();
    const eventOf = (pictures: number) => ({
      ...photoEvent,
      rawPath: `/v2/models/${MODEL}/infer`,
      headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': '0' },
      body: Buffer.from(new Float32Array(pictures * 3 * 224 * 224).buffer).toString('base64'),
      isBase64Encoded: true,
    });
    const seven = eventOf(7);
    expect(JSON.stringify(seven).length).toBeLessThan(LAMBDA_PAYLOAD_BYTES);
    expect(JSON.stringify(eventOf(8)).length).toBeGreaterThan(LAMBDA_PAYLOAD_BYTES);

    const { statusCode, headers, body } = await invoke(seven);

    expect(statusCode).toBe(200);
    const size = Number(headers['inference-header-content-length']);
    const { outputs } = JSON.parse(Buffer.from(body, 'base64').subarray(0, size).toString());
    expect(outputs).toMatchObject([{ datatype: 'FP32', shape: [7, 1000] }]);
  });

  it('names the variable that its environment lacks', async () => {
    deployed = await deploy({ MODELS_BUCKET: '' });

    await expect(deployed.init()).rejects.toThrow();

    const named = await deployed.untilLogged((line) => JSON.stringify(line).includes('MODELS_BUCKET'));
    expect(named).not.toEqual([]);
  });
});
