import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Context } from 'aws-lambda';
import fc from 'fast-check';
import { ServingError } from '../../src/core/errors.ts';
import { isObject } from '../../src/core/is-object.ts';
import { authoriseHandler } from '../../src/lambda/authorise.ts';
import { inferHandler } from '../../src/lambda/infer.ts';
import { monitorHandler } from '../../src/lambda/monitor.ts';
import { onJobHandler } from '../../src/lambda/on-job.ts';
import { onUploadHandler } from '../../src/lambda/on-upload.ts';
import { brokenEvents, requestEvents } from '../support/fuzz/events.ts';
import { fuzzedRequests } from '../support/fuzz/requests.ts';
import { createRecordedQueue, NO_CRASH } from '../support/message-queue.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

/** `npm run fuzz` sends more. */
const RUNS = Math.ceil(Number(process.env.FUZZ_RUNS ?? 200) / 3);
const SEED = Number(process.env.FUZZ_SEED ?? 15);
const MODELS = ['iris', 'sentiment'];
const OPTIONS = { numRuns: RUNS, seed: SEED };

const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 30_000 } as Context;
const sample = async (file: string): Promise<fc.Arbitrary<unknown>> =>
  fc.constant(JSON.parse(await readFile(`events/${file}`, 'utf8')));

let serving: TestServing;
beforeAll(async () => {
  serving = await createTestServing();
  for (const name of MODELS) await pushNamed(serving.repository, name);
});
afterAll(async () => {
  await serving.remove();
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
});

/** What a handler makes of an event: its result, or the refusal of the event. A failure of another kind is thrown. */
const resultOf = async (handler: (event: never, context: Context) => Promise<unknown>, event: unknown) => {
  try {
    return { result: await handler(event as never, context) };
  } catch (error) {
    if (error instanceof ServingError && error.code === 'INVALID_REQUEST') return { refused: error.message };
    throw error;
  }
};

describe('an event of a gateway', () => {
  it('is answered with 2xx or 4xx, and with no line break in a header', async () => {
    const handler = inferHandler(serving, 'none');
    const counts = { answered: 0, refused: 0 };
    const requests = fuzzedRequests.filter(({ path }) => MODELS.some((name) => path.includes(name)));
    const property = fc.asyncProperty(brokenEvents(requestEvents(requests)), async (event) => {
      const { statusCode = 0, headers, multiValueHeaders } = await handler(event, context);
      if (!(statusCode >= 200 && statusCode < 500))
        throw new Error(`${statusCode} ${serving.observations.at(-1)?.failures.map(({ message }) => message)}`);
      counts[statusCode < 300 ? 'answered' : 'refused'] += 1;
      const values = [...Object.values(headers), ...Object.values(multiValueHeaders ?? {}).flat()];
      expect(values.filter((value) => /[\r\n]/.test(value))).toEqual([]);
      expect(
        Object.keys(headers).filter((name) => /^(content-length|transfer-encoding|set-cookie)$/i.test(name)),
      ).toEqual([]);
    });
    await fc.assert(property, OPTIONS);
    process.stdout.write(`${RUNS} events of gateways: ${counts.answered} are answered with 2xx\n`);
    expect(counts.answered / RUNS).toBeGreaterThanOrEqual(0.05);
  }, 600_000);
});

describe('an event of an authorizer', () => {
  it('without a key that is known lets nobody in', async () => {
    const handler = authoriseHandler(async () => undefined);
    const property = fc.asyncProperty(brokenEvents(await sample('authorise.json')), async (event) => {
      expect(await handler(event)).toEqual({ isAuthorized: false });
    });
    await fc.assert(property, OPTIONS);
  });
});

describe('an event of a queue', () => {
  it.each(['on-upload', 'job'])(
    'of %s is refused, or names messages of its own that failed',
    async (name) => {
      const queue = createRecordedQueue();
      const options = { bucket: 'data', attempts: 5, queue, crashNote: NO_CRASH };
      const handler = name === 'job' ? onJobHandler(serving, options) : onUploadHandler(serving, options);
      const property = fc.asyncProperty(brokenEvents(await sample(`${name}.json`)), async (event) => {
        const { result } = await resultOf(handler, event);
        if (result === undefined) return;
        const records = isObject(event) && Array.isArray(event.Records) ? event.Records : [];
        const failures = isObject(result) && Array.isArray(result.batchItemFailures) ? result.batchItemFailures : [5];
        for (const { itemIdentifier } of failures)
          expect(records.map(({ messageId }) => messageId)).toContainEqual(itemIdentifier);
      });
      await fc.assert(property, OPTIONS);
    },
    600_000,
  );
});

describe('an event of a schedule', () => {
  it('that names no job is refused', async () => {
    const { repository, data } = serving;
    const done = {
      decided: async () => {},
      judged: () => {},
      scored: () => {},
      spent: async () => {},
      warned: () => {},
    };
    const handler = monitorHandler({ repository, data, nowMs: Date.now, maxMonthlyDollars: 1, telemetry: done });
    const property = fc.asyncProperty(brokenEvents(await sample('monitor.json')), async (event) => {
      await resultOf(handler, event);
    });
    await fc.assert(property, OPTIONS);
  }, 600_000);
});
