/**
 * Sends fuzzed requests to a server of its own, one after the other, and prints the resident memory after each twentieth of them as JSON.
 * Arguments: the number of requests, and the seed.
 */
import fc from 'fast-check';
import { deadlineAt } from '../../../src/core/deadline.ts';
import { type Application, createApplication } from '../../../src/http/application.ts';
import { isStream } from '../../../src/http/message.ts';
import { createTestServing, pushNamed } from '../serving.ts';
import { type FuzzedRequest, fuzzedRequests } from './requests.ts';

/** The resident memory of the process in bytes, in the order of the requests, and the number of 5xx. */
export interface FuzzedMemory {
  readonly rssBytes: readonly number[];
  readonly faults: number;
}

const MODELS = [
  ...['iris', 'tabular-ridge', 'sentiment', 'tiny-bert-ner', 'tiny-bert-sentences', 'retail-recommender'],
  ...['efficientnet-lite0', 'tiny-detr', 'tiny-wav2vec2', 'tiny-whisper', 'tiny-marian', 'tiny-gpt2'],
];
const PARTS = 20;

const send = async (application: Application, { body, ...request }: FuzzedRequest): Promise<number> => {
  const context = { requestId: 'r', deadline: deadlineAt(Date.now() + 60_000), isOpen: true };
  const response = await application({ ...request, method: 'POST', readBody: () => body }, context);
  if (isStream(response.body)) for await (const _chunk of response.body);
  return response.status;
};

const [, , requests = '1000', seed = '15'] = process.argv;
const serving = await createTestServing();
for (const name of MODELS) await pushNamed(serving.repository, name);
const application = createApplication(serving);
const rssBytes: number[] = [];
let faults = 0;
for (let part = 0; part < PARTS; part += 1) {
  const numRuns = Math.ceil(Number(requests) / PARTS);
  for (const request of fc.sample(fuzzedRequests, { numRuns, seed: Number(seed) + part }))
    faults += (await send(application, request)) >= 500 ? 1 : 0;
  serving.observations.length = 0; // this server keeps them for its tests
  rssBytes.push(process.memoryUsage.rss());
}
await serving.idle();
await serving.remove();
process.stdout.write(JSON.stringify({ rssBytes, faults } satisfies FuzzedMemory));
