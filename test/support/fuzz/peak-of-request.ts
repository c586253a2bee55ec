/**
 * Sends one request to a server of its own, and prints its answer, the growth of the memory and the time of the processor as JSON. A process
 * for each request, because a peak never falls. Argument: the name of the request.
 */
import { peakMemory } from '../../../src/authoring/process-memory.ts';
import { deadlineAt } from '../../../src/core/deadline.ts';
import { createApplication } from '../../../src/http/application.ts';
import { isStream } from '../../../src/http/message.ts';
import { createTestServing, pushNamed } from '../serving.ts';
import { HEAVY_REQUESTS } from './heavy-requests.ts';

/** The cost of a request. */
export interface RequestCost {
  readonly status: number;
  readonly message: string;
  readonly bodyBytes: number;
  readonly growthBytes: number;
  readonly cpuMs: number;
}

const [, , name = ''] = process.argv;
const create = HEAVY_REQUESTS[name];
if (create === undefined) throw new Error(`there is no request ${name}`);
const serving = await createTestServing();
const request = await create();
const model = /models\/([^/]+)/.exec(request.path)?.[1] ?? '';
await pushNamed(serving.repository, model);
const application = createApplication(serving);
const context = () => ({ requestId: 'r', deadline: deadlineAt(Date.now() + 60_000) });
await application({ ...request, method: 'GET', path: `/v2/models/${model}/ready`, readBody: () => '' }, context());
const before = peakMemory();
const started = process.cpuUsage();
const { status, body } = await application({ ...request, method: 'POST', readBody: () => request.body }, context());
const { user, system } = process.cpuUsage(started);
const message = isStream(body) ? '' : Buffer.from(body).toString().slice(0, 200);
const growthBytes = peakMemory() - before;
const cost: RequestCost = {
  status,
  message,
  bodyBytes: request.body.byteLength,
  growthBytes,
  cpuMs: (user + system) / 1000,
};
await serving.remove();
process.stdout.write(JSON.stringify(cost));
