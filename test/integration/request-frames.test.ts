import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import type * as Ort from 'onnxruntime-node';
import { inferHandler } from '../../src/lambda/infer.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

/** Frames of the project that a request may pass, from the event to the native run. */
const MOST_FRAMES = 12;
/** A frame of the project's own code in a stack: `at predict (…/src/serving/predict.ts:46:3)`. */
const OWN_FRAME = /at (?:async )?(.*?) ?\(?(?:file:\/\/)?[^()]*\/src\/(.*?):\d+:\d+\)?$/;

const { InferenceSession } = createRequire(import.meta.url)('onnxruntime-node') as {
  InferenceSession: { prototype: Pick<Ort.InferenceSession, 'run'> };
};
const { run } = InferenceSession.prototype;

let serving: TestServing;
let stacks: string[] = [];

const event = (model: string, path: string, body: string, contentType: string): APIGatewayProxyEventV2 => ({
  ...{ version: '2.0', routeKey: 'ANY /{proxy+}', rawQueryString: '', isBase64Encoded: false, body },
  rawPath: `${path}${model}${path === '/v2/models/' ? '/infer' : ''}`,
  headers: { 'content-type': contentType },
  requestContext: {
    ...{ accountId: '', apiId: '', domainName: '', domainPrefix: '', requestId: 'r', routeKey: '', stage: '' },
    ...{ time: '', timeEpoch: Date.now() },
    http: { method: 'POST', path: '', protocol: '', sourceIp: '', userAgent: '' },
  },
});

/** Frames of the deepest native run of a request to a model that is in memory. */
const framesOf = async (model: string, path: string, body: string, contentType: string): Promise<string[]> => {
  const handler = inferHandler(serving);
  const context = { getRemainingTimeInMillis: () => 60_000 } as Context;
  await handler(event(model, path, body, contentType), context);
  stacks = [];
  const { statusCode } = await handler(event(model, path, body, contentType), context);
  expect(statusCode).toBe(200);
  const runs = stacks.map((stack) =>
    stack.split('\n').flatMap((line) => {
      const [, name, file] = OWN_FRAME.exec(line) ?? [];
      return file === undefined ? [] : [`${file} ${name}`];
    }),
  );
  return runs.sort((a, b) => b.length - a.length)[0] ?? [];
};

describe('a request', () => {
  beforeAll(async () => {
    serving = await createTestServing();
    for (const name of ['iris', 'sentiment', 'tiny-t5']) await pushNamed(serving.repository, name);
    InferenceSession.prototype.run = function (this: Ort.InferenceSession, ...values: unknown[]) {
      const { stackTraceLimit } = Error;
      Error.stackTraceLimit = 100;
      stacks.push(new Error('run').stack ?? '');
      Error.stackTraceLimit = stackTraceLimit;
      return Reflect.apply(run, this, values);
    } as typeof run;
  });
  afterAll(async () => {
    InferenceSession.prototype.run = run;
    await serving.remove();
  });

  const tensors = JSON.stringify({ inputs: [{ name: 'X', shape: [1, 4], datatype: 'FP32', data: [5, 3, 1, 0.2] }] });
  it.each([
    ['a row of a table', 'iris', '/models/', '{"inputs": [[5.1, 3.5, 1.4, 0.2]]}', 'application/json'],
    ['a text', 'sentiment', '/models/', 'good', 'text/plain'],
    ['a text to translate', 'tiny-t5', '/models/', '{"inputs": "good"}', 'application/json'],
    ['tensors', 'iris', '/v2/models/', tensors, 'application/json'],
  ])('with %s passes few frames from the event to the native run', async (_what, model, path, body, type) => {
    const frames = await framesOf(model, path, body, type);
    expect(frames.at(-1)).toContain('lambda/infer.ts');
    expect(frames[0]).toContain('engine/session.ts');
    expect(frames.length).toBeLessThanOrEqual(MOST_FRAMES);
  });
});
