import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deadlineAt } from '../../src/core/deadline.ts';
import { type Application, createApplication } from '../../src/http/application.ts';
import { isStream } from '../../src/http/message.ts';
import { fuzzedRequests } from '../support/fuzz/requests.ts';
import { measureSlowness } from '../support/processor-speed.ts';
import { createTestServing, publishModel, pushNamed, type TestServing } from '../support/serving.ts';

/** `npm run fuzz` sends 20,000. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 200);
const SEED = Number(process.env.FUZZ_SEED ?? 15);
const MODELS = [
  ...['iris', 'tabular-ridge', 'sentiment', 'tiny-bert-ner', 'tiny-bert-sentences', 'retail-recommender'],
  ...['efficientnet-lite0', 'tiny-detr', 'tiny-wav2vec2', 'tiny-whisper', 'tiny-marian', 'tiny-gpt2'],
];
/** Of the processor: a machine that is slow, or busy with something else, makes no request fail. */
const LONGEST_MS = 5_000 * measureSlowness();

let serving: TestServing;
let application: Application;
beforeAll(async () => {
  serving = await createTestServing();
  for (const name of MODELS) await pushNamed(serving.repository, name);
  await publishModel(serving.repository, 'add', 'test/fixtures/models/add.onnx');
  application = createApplication(serving);
});
afterAll(() => serving.remove());

const isJson = (body: Uint8Array): boolean => {
  try {
    JSON.parse(Buffer.from(body).toString());
    return true;
  } catch {
    return false;
  }
};

it('answers each request with 2xx or 4xx, in time, and without a header that the caller wrote', async () => {
  const counts = { requests: 0, parsed: 0, answered: 0 };
  await fc.assert(
    fc.asyncProperty(fuzzedRequests, async ({ body, ...request }) => {
      const started = process.cpuUsage();
      const context = { requestId: 'r', deadline: deadlineAt(Date.now() + 60_000), isOpen: true };
      const response = await application({ ...request, method: 'POST', readBody: () => body }, context);
      counts.requests += 1;
      counts.parsed += isJson(body) ? 1 : 0;
      counts.answered += response.status < 300 ? 1 : 0;
      const text = isStream(response.body) ? '' : Buffer.from(response.body).toString();
      if (!(response.status >= 200 && response.status < 500) || response.status === 300)
        throw new Error(
          `${response.status} ${text} ${serving.observations.at(-1)?.failures.map(({ message }) => message)}`,
        );
      const { user, system } = process.cpuUsage(started);
      if (user + system > LONGEST_MS * 1000) throw new Error(`it took ${(user + system) / 1000} ms`);
      const injected = Object.entries(response.headers).find(([, value]) => /[\r\n]/.test(value));
      if (injected) throw new Error(`the header ${injected} has a line break`);
      if (response.status >= 400 && /\n\s+at /.test(text)) throw new Error(`a stack trace: ${text}`);
    }),
    { numRuns: RUNS, seed: SEED },
  );
  process.stdout.write(
    `${counts.requests} requests: ${counts.parsed} parse, ${counts.answered} are answered with 2xx\n`,
  );
  expect(counts.parsed / counts.requests).toBeGreaterThanOrEqual(0.25);
  expect(counts.answered / counts.requests).toBeGreaterThanOrEqual(0.05);
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
}, 1_200_000);
