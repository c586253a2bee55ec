import { Writable } from 'node:stream';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { awslambda } from '../../../local/functions/response-stream.ts';
import type { LambdaBackground } from '../../../src/lambda/background.ts';
import { streamHandler } from '../../../src/lambda/response-stream.ts';
import { ordinaryBackground } from '../../../src/serving/background.ts';
import { createTestServing, type TestServing } from '../../support/serving.ts';

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
    done();
  }
}

let serving: TestServing;
beforeEach(async () => {
  serving = await createTestServing();
  Object.assign(globalThis, { awslambda });
});
afterEach(async () => {
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
  return { ...ordinaryBackground, around, ended };
};

it.each([
  ['a request', { version: '2.0', rawPath: '/v2/health/live', requestContext: { http: { method: 'GET' } } }, 200],
  ['an event that holds none', { Records: 5 }, 400],
])('a function that streams ends its invocation after %s', async (_what, event, statusCode) => {
  const background = createCountingBackground();
  const handler = streamHandler(serving, background) as StreamingHandler;
  const answer = new Answer();

  await handler(event, answer, { awsRequestId: 'one', getRemainingTimeInMillis: () => 10_000 } as Context);

  expect(answer.prelude).toMatchObject({ statusCode });
  expect(background.ended).toEqual([event]);
});
