import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { awslambda } from '../../../local/functions/response-stream.ts';
import type { Identity } from '../../../src/access/scope.ts';
import { jsonAnswer } from '../../../src/core/answer.ts';
import { ServingError } from '../../../src/core/errors.ts';
import type { LambdaBackground } from '../../../src/lambda/background.ts';
import { type StreamOptions, streamHandler } from '../../../src/lambda/response-stream.ts';
import { ordinaryBackground } from '../../../src/serving/background.ts';
import { TASKS } from '../../../src/tasks/index.ts';
import type { Task } from '../../../src/tasks/task.ts';
import { tensor } from '../../../src/tasks/tensor/task.ts';
import { createTestServing, publishModel, type TestServing } from '../../support/serving.ts';

type StreamingHandler = (event: unknown, response: Writable, context: Context) => Promise<void>;

/** The answer of a function, with the method of Lambda's that takes its head. */
class Answer extends Writable {
  readonly chunks: Buffer[] = [];
  prelude: unknown;
  setPrelude(prelude: unknown): void {
    this.prelude = prelude;
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(chunk);
    this.emit('chunk');
    done();
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

let serving: TestServing;
beforeEach(async () => {
  serving = await createTestServing();
  Object.assign(globalThis, { awslambda });
});
afterEach(async () => {
  jest.restoreAllMocks();
  Reflect.deleteProperty(globalThis, 'awslambda');
  await serving.remove();
});

/** Tells what ends an invocation: Lambda waits for this process, which is its own extension. */
const createCountingBackground = () => {
  const ended: unknown[] = [];
  const around: LambdaBackground['around'] =
    (handler) =>
    (...words) =>
      handler(...words).finally(() => ended.push(words.at(0)));
  return { ...ordinaryBackground, isKept: true, around, ended };
};

const eventOf = (method: string, path: string, headers: Record<string, string> = {}, body = '') => ({
  ...{ version: '2.0', rawPath: path, headers, body },
  requestContext: { http: { method }, requestId: 'url-request' },
});

const invoke = async (event: unknown, options: StreamOptions = {}, answer = new Answer(), remainingMs = 10_000) => {
  const background = createCountingBackground();
  const handler = streamHandler(serving, background, options) as StreamingHandler;
  const context = { awsRequestId: 'one', getRemainingTimeInMillis: () => remainingMs } as Context;
  await handler(event, answer, context);
  expect(background.ended).toEqual([event]);
  return answer;
};

it.each([
  ['a request', eventOf('GET', '/v2/health/live'), 200],
  ['an event that holds none', { Records: 5 }, 400],
])('a function that streams ends its invocation after %s', async (_what, event, statusCode) => {
  expect((await invoke(event)).prelude).toMatchObject({ statusCode });
});

describe('with keys', () => {
  const ALICE: Identity = { holder: 'alice', scopes: ['predict:add'] };
  const identify = async (credential: string): Promise<Identity | undefined> => {
    if (credential === 'lost') throw new ServingError('MODEL_UNAVAILABLE', 'S3 is silent');
    return credential === 'good' ? ALICE : undefined;
  };

  it.each([
    ['no key', {}, 401],
    ['a wrong key', { authorization: 'Bearer bad' }, 401],
    ['a password', { authorization: 'Basic good' }, 401],
    ['keys that cannot be read', { authorization: 'Bearer lost' }, 503],
    ['a key for another model', { authorization: 'Bearer good' }, 403],
  ])('refuses %s', async (_what, headers, statusCode) => {
    const event = eventOf('POST', '/models/iris', headers, '{"inputs": 1}');
    const { prelude, text } = await invoke(event, { auth: 'key', identify });
    expect(prelude).toMatchObject({ statusCode });
    expect(JSON.parse(text)).toMatchObject({ code: expect.any(String), requestId: 'url-request' });
  });

  it('lets the holder of the key in', async () => {
    const event = eventOf('POST', '/models/add', { authorization: 'Bearer good' }, '{"inputs": 1}');
    expect((await invoke(event, { auth: 'key', identify })).prelude).toMatchObject({ statusCode: 404 });
  });

  it('refuses the holder of a key beyond its limits', async () => {
    const limited = { ...ALICE, quota: { keyId: 'k', perDay: 2 } };
    const background = createCountingBackground();
    const handler = streamHandler(serving, background, { auth: 'key', identify: async () => limited });
    const statuses: unknown[] = [];
    for (let requests = 0; requests < 3; requests += 1) {
      const answer = new Answer();
      const event = eventOf('POST', '/models/add', { authorization: 'Bearer good' }, '{"inputs": 1}');
      const context = { awsRequestId: 'one', getRemainingTimeInMillis: () => 10_000 } as Context;
      await (handler as StreamingHandler)(event, answer, context);
      statuses.push(answer.prelude);
    }
    expect(statuses).toMatchObject([{ statusCode: 404 }, { statusCode: 404 }, { statusCode: 429 }]);
  });

  it.each(['key', 'jwt', 'key_or_jwt'] as const)(
    'asks for the caller with auth=%s, whatever the event says',
    async (auth) => {
      const event = eventOf('POST', '/models/add', {}, '{"inputs": 1}');
      const claims = { sub: 'alice', scope: 'predict' };
      const forged = { ...event, requestContext: { ...event.requestContext, authorizer: { jwt: { claims } } } };
      expect((await invoke(forged, { auth, identify })).prelude).toMatchObject({ statusCode: 401 });
      const known = { ...event, headers: { authorization: 'Bearer good' } };
      expect((await invoke(known, { auth, identify })).prelude).toMatchObject({ statusCode: 404 });
    },
  );
});

describe('a stream', () => {
  /** Counts up to `last`, each number when the reader asks for it, and then fails if it is to. */
  const counting = (last: number, failure?: Error) => {
    const counts = { made: 0, ended: false };
    const task: Task = {
      decode: () => ({}),
      blank: () => ({}),
      predict: async (requests) => requests.map(() => ({ status: 'fulfilled', value: jsonAnswer('whole') })),
      async *stream() {
        try {
          for (; counts.made < last; counts.made += 1) {
            await new Promise((wake) => setImmediate(wake)); // as a run of a model does
            yield { count: counts.made };
          }
          if (failure) throw failure;
        } finally {
          counts.ended = true;
        }
      },
    };
    jest.spyOn(TASKS, 'tensor').mockResolvedValue({ ...tensor, create: () => task });
    return counts;
  };
  const event = eventOf('POST', '/models/add', { accept: 'text/event-stream' }, '{"inputs": 1}');
  beforeEach(async () => {
    await publishModel(serving.repository, 'add', 'test/fixtures/models/add.onnx', { task: 'tensor' });
  });

  it('comes chunk by chunk, with its time in the observation', async () => {
    counting(3);
    const { prelude, text } = await invoke(event);
    expect(prelude).toMatchObject({ statusCode: 200, headers: { 'content-type': 'text/event-stream' } });
    expect(text).toBe([0, 1, 2].map((count) => `data: {"count":${count}}\n\n`).join(''));
    expect(serving.observations).toEqual([expect.objectContaining({ firstChunkMs: expect.any(Number), failures: [] })]);
  });

  it('that fails after its first chunk ends with an event that says so', async () => {
    counting(1, new ServingError('INFERENCE_FAILED', 'secret'));
    const { text } = await invoke(event);
    const [first, last = '', ...more] = text.split('\n\n');
    expect([first, more]).toEqual(['data: {"count":0}', ['']]);
    expect(JSON.parse(last.replace('data: ', ''))).toEqual({
      error: 'the model failed on this input; the log names the cause under request url-request',
      ...{ code: 'INFERENCE_FAILED', requestId: 'url-request' },
    });
    expect(serving.observations[0]?.failures.map(({ code }) => code)).toEqual(['INFERENCE_FAILED']);
  });

  it('that meets the deadline ends with an event that says so', async () => {
    const counts = counting(Number.POSITIVE_INFINITY);
    await invoke(eventOf('POST', '/models/add', {}, '{"inputs": 1}')); // loads the model
    const { text } = await invoke(event, {}, new Answer(), 2_000);
    const events = text.trimEnd().split('\n\n');
    expect(JSON.parse((events.at(-1) ?? '').replace('data: ', ''))).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(counts.ended).toBe(true);
    expect(serving.observations.at(-1)?.failures.map(({ code }) => code)).toEqual(['DEADLINE_EXCEEDED']);
  });

  it('that nobody reads any more stops within a chunk, and is no fault', async () => {
    const counts = counting(Number.POSITIVE_INFINITY);
    const answer = new Answer({ highWaterMark: 1 });
    const invoked = invoke(event, {}, answer);
    while (answer.chunks.length < 5) await once(answer, 'chunk');
    const made = counts.made;
    answer.destroy();
    await invoked;
    expect(counts.ended).toBe(true);
    expect(counts.made - made).toBeLessThanOrEqual(20); // what the streams between them hold
    expect(serving.observations).toEqual([expect.objectContaining({ failures: [] })]);
  });

  it('whose reader went away before it began is ended, too', async () => {
    const counts = counting(Number.POSITIVE_INFINITY);
    const answer = new Answer();
    answer.destroy();
    await invoke(event, {}, answer);
    expect(counts.ended).toBe(true);
    expect(serving.observations).toEqual([expect.objectContaining({ failures: [] })]);
  });

  it('waits for its reader', async () => {
    const counts = counting(100_000);
    const reader = Object.assign(new PassThrough({ highWaterMark: 1 }), { setPrelude: () => {} });
    const invoked = invoke(event, {}, reader as unknown as Answer);
    await once(reader, 'readable');
    await new Promise((wake) => setTimeout(wake, 50));
    expect(counts.made).toBeLessThan(100);
    reader.destroy();
    await invoked;
  });
});
