import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { deadlineAt, NEVER } from '../../src/core/deadline.ts';
import { ServingError } from '../../src/core/errors.ts';
import { entityTag } from '../../src/http/job-handlers.ts';
import { type JobState, readJob, readState, writeState } from '../../src/jobs/job-document.ts';
import { MOST_ATTEMPTS, runJob } from '../../src/jobs/run-job.ts';
import { createS3Store } from '../../src/repository/stores/s3-store.ts';
import { deleteModel } from '../../src/repository/versions/delete-versions.ts';
import { startEmbeddedStorage } from '../support/embedded-storage.ts';
import {
  aroundRun,
  countRows,
  type DescribedJob,
  deliverJobs,
  makeJob,
  readDescribed,
  sendJobRequest,
} from '../support/jobs.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

let serving: TestServing;
beforeEach(async () => {
  serving = await createTestServing();
  await pushNamed(serving.repository, 'iris');
});
afterEach(() => serving.remove());

const row = (index: number): number[] => [5 + (index % 3), 3, 1 + (index % 5), 0.2 + (index % 2)];
const rows = (count: number) => ({ inputs: Array.from({ length: count }, (_, index) => row(index)) });
const post = (request: unknown, headers: Record<string, string> = {}) => ({
  ...{ method: 'POST', body: JSON.stringify(request) },
  headers: { 'content-type': 'application/json', ...headers },
});
const ASYNC = { prefer: 'respond-async' };

const answerAtOnce = async (request: unknown): Promise<unknown> =>
  (await sendJobRequest(serving, '/models/iris', post(request))).json();

const changeState = async (id: string, change: Partial<JobState>): Promise<void> => {
  const { state, etag } = await readState(serving.data, id);
  await writeState(serving.data, id, { ...state, ...change }, etag);
};

describe('a request with Prefer: respond-async', () => {
  it('becomes a job, which answers as the request would have been answered', async () => {
    const response = await sendJobRequest(serving, '/models/iris', post(rows(30), ASYNC));

    expect(response.status).toBe(202);
    const job = (await response.json()) as DescribedJob;
    expect(Object.fromEntries(response.headers)).toMatchObject({
      ...{ location: `/jobs/${job.id}`, 'retry-after': '1', 'preference-applied': 'respond-async' },
    });
    expect(job).toMatchObject({ status: 'queued', model: 'iris', version: 1, urls: { get: `/jobs/${job.id}` } });
    expect(await deliverJobs(serving, [job.id])).toEqual({ response: { batchItemFailures: [] }, pauses: [] });
    const done = await readDescribed(serving, job.id);
    expect(done).toMatchObject({ status: 'succeeded', progress: { done: 30, total: 30 }, attempts: 1 });
    expect(done.result).toEqual(await answerAtOnce(rows(30)));
  });

  it('may be one row, CSV, or name an upload', async () => {
    const one = await makeJob(serving, 'iris', { inputs: row(1) });
    const headers = { 'content-type': 'text/csv', ...ASYNC };
    const csv = { method: 'POST', headers, body: '5.1,3.5,1.4,0.2\n6,3,5,2\n' };
    const table = (await (await sendJobRequest(serving, '/models/iris', csv)).json()) as DescribedJob;
    await serving.data.write('uploads/iris/a.csv', csv.body);
    const upload = await makeJob(serving, 'iris', { inputs: { s3: 'uploads/iris/a.csv' } });

    await deliverJobs(serving, [one.id, table.id, upload.id]);

    expect((await readDescribed(serving, one.id)).result).toEqual(await answerAtOnce({ inputs: row(1) }));
    expect((await readDescribed(serving, table.id)).result).toHaveLength(2);
    expect((await readDescribed(serving, upload.id)).result).toHaveLength(2);
  });

  it('that waits gets the answer itself', async () => {
    const deadline = deadlineAt(Date.now() + 300_000);
    const waiting = sendJobRequest(serving, '/models/iris', {
      ...post(rows(2), { prefer: 'respond-async, wait=25', 'idempotency-key': 'waiting' }),
      deadline,
    });
    for (let made: DescribedJob[] = []; made.length === 0; ) {
      made = ((await (await sendJobRequest(serving, '/jobs')).json()) as { jobs: DescribedJob[] }).jobs;
      await deliverJobs(
        serving,
        made.map(({ id }) => id),
      );
    }
    const response = await waiting;
    expect(response.status).toBe(200);
    expect(response.headers.get('preference-applied')).toBe('respond-async, wait=25');
    expect(response.headers.get('x-model-version')).toBe('1');
    expect(response.headers.get('location')).toMatch(/^\/jobs\/[0-9a-f]{32}$/);
    expect(await response.json()).toEqual(await answerAtOnce(rows(2)));
  });

  it.each([
    ['respond-async, wait=-1', {}, 400, /wait is "-1", expected whole seconds/],
    ['respond-async', { 'idempotency-key': 'ü' }, 400, /idempotency-key is/],
    ['respond-async', { 'idempotency-key': 'x'.repeat(256) }, 400, /expected 1 to 255/],
  ])('is refused with %s and %j', async (prefer, headers, status, problem) => {
    const response = await sendJobRequest(serving, '/models/iris', post(rows(1), { prefer, ...headers }));
    expect(response.status).toBe(status);
    expect(((await response.json()) as { error: string }).error).toMatch(problem);
  });

  it.each([
    [{ inputs: [row(0), [1, 2]] }, 422, /inputs\[1\] has 2 values, expected 4/],
    [{ inputs: [row(0)], topk: 3 }, 400, /topk/],
    [{ inputs: { s3: 'uploads/iris/none.csv' } }, 404, /uploads\/iris\/none.csv does not exist/],
    [{ inputs: { s3: 'uploads/other/a.csv' } }, 403, /expected the key of an object below/],
    [{ inputs: row(0), webhook: 'http://example.org' }, 400, /expected https/],
    [{ inputs: row(0), events: ['failed'] }, 400, /needs "webhook"/],
    [{ outputs: 1 }, 400, /needs "inputs"/],
  ])('is refused at once for %j', async (request, status, problem) => {
    const response = await sendJobRequest(serving, '/models/iris', post(request, ASYNC));
    expect({ status: response.status, ...((await response.json()) as object) }).toMatchObject({
      ...{ status, error: expect.stringMatching(problem) },
    });
    expect(((await (await sendJobRequest(serving, '/jobs')).json()) as { jobs: unknown[] }).jobs).toEqual([]);
  });

  it('for a model that is not there is refused', async () => {
    expect((await sendJobRequest(serving, '/models/nobody', post(rows(1), ASYNC))).status).toBe(404);
  });

  it('is answered at once by an application without jobs', async () => {
    expect((await serving.fetch('/models/iris', post(rows(1), ASYNC))).status).toBe(200);
  });

  it('becomes one without asking for it, where the stage says so', async () => {
    const send = async (settings: object) =>
      (await sendJobRequest(serving, '/models/iris', { ...post(rows(3)), settings })).status;
    expect(await send({})).toBe(200);
    expect(await send({ models: ['iris'] })).toBe(202);
    expect(await send({ models: ['other'], bodyBytes: 10_000 })).toBe(200);
    expect(await send({ bodyBytes: 20 })).toBe(202);
  });
});

describe('an idempotency key', () => {
  const key = { 'idempotency-key': 'order 66' };

  it('makes one job of the same request', async () => {
    const [first, ...others] = await Promise.all(
      [1, 2, 3].map(() => makeJob(serving, 'iris', rows(2), { headers: key })),
    );
    expect(others.map(({ id }) => id)).toEqual([first?.id, first?.id]);
    await deliverJobs(serving, [first?.id ?? '']);
    expect(await makeJob(serving, 'iris', rows(2), { headers: key })).toMatchObject({ status: 'succeeded' });
    const { jobs } = (await (await sendJobRequest(serving, '/jobs')).json()) as { jobs: unknown[] };
    expect(jobs).toHaveLength(1);
  });

  it('is refused with another request', async () => {
    await makeJob(serving, 'iris', rows(2), { headers: key });
    const response = await sendJobRequest(serving, '/models/iris', post(rows(3), { ...ASYNC, ...key }));
    expect(response.status).toBe(422);
    expect(await response.text()).toMatch(/the idempotency key was used for another request/);
  });

  it('belongs to its caller', async () => {
    const mine = await makeJob(serving, 'iris', rows(2), { headers: key });
    const other = await makeJob(serving, 'iris', rows(3), { headers: key, holder: 'bob' });
    expect(other.id).not.toBe(mine.id);
  });
});

describe('a job', () => {
  it('is found by its owner, and by callers with the scope for jobs', async () => {
    const { id } = await makeJob(serving, 'iris', rows(2));
    const status = async (options: object) => (await sendJobRequest(serving, `/jobs/${id}`, options)).status;
    expect(await status({})).toBe(200);
    expect(await status({ holder: 'bob' })).toBe(404);
    expect(await status({ holder: 'bob', method: 'DELETE' })).toBe(404);
    expect(await status({ holder: 'bob', scopes: ['predict', 'jobs:other'] })).toBe(404);
    expect(await status({ holder: 'bob', scopes: ['jobs:iris'] })).toBe(200);
    expect(await status({ isOpen: true })).toBe(404);
    for (const unknown of ['0'.repeat(32), 'x', '..%2Fstates%2Fx'])
      expect((await sendJobRequest(serving, `/jobs/${unknown}`)).status).toBe(404);
  });

  it('of nobody is found by its id, and is not listed where all callers are nobody', async () => {
    const { id } = await makeJob(serving, 'iris', rows(2), { isOpen: true });
    expect((await sendJobRequest(serving, `/jobs/${id}`, { isOpen: true })).status).toBe(200);
    expect((await sendJobRequest(serving, '/jobs', { isOpen: true })).status).toBe(403);
  });

  it('is described anew only when it has changed', async () => {
    const { id } = await makeJob(serving, 'iris', rows(2));
    const ask = (etag = '') => sendJobRequest(serving, `/jobs/${id}`, { headers: { 'if-none-match': etag } });
    const etag = (await ask()).headers.get('etag') ?? '';
    const unchanged = await ask(`"other", W/${etag}`);
    expect([unchanged.status, await unchanged.text(), unchanged.headers.get('retry-after')]).toEqual([304, '', '1']);
    await deliverJobs(serving, [id]);
    const ended = await ask(etag);
    expect([ended.status, ended.headers.get('retry-after')]).toEqual([200, null]);
    expect((await ask(ended.headers.get('etag') ?? '')).status).toBe(304);
    expect((await ask('*')).status).toBe(304);
  });

  it('is listed among those of its owner, the newest first', async () => {
    const ids: string[] = [];
    for (const count of [1, 2, 3]) {
      ids.unshift((await makeJob(serving, 'iris', rows(count))).id);
      await new Promise((wake) => setTimeout(wake, 2)); // their order is that of milliseconds
    }
    await makeJob(serving, 'iris', rows(1), { holder: 'bob' });
    const list = async (query: string) => {
      const { jobs } = (await (await sendJobRequest(serving, `/jobs${query}`)).json()) as { jobs: DescribedJob[] };
      return jobs.map(({ id }) => id);
    };
    expect(await list('')).toEqual(ids);
    expect(await list('?limit=1')).toEqual(ids.slice(0, 1));
    expect(await list(`?limit=2&before=${ids[0]}`)).toEqual(ids.slice(1));
    for (const query of ['?limit=0', '?limit=101', '?limit=-1', '?limit=x'])
      expect((await sendJobRequest(serving, `/jobs${query}`)).status).toBe(400);
    expect((await sendJobRequest(serving, '/jobs?before=none')).status).toBe(404);
  });

  it('is listed without a look at the other 100,000 of its owner', async () => {
    const { id } = await makeJob(serving, 'iris', rows(2));
    let [listed, reads] = [0, 0];
    const list: typeof serving.data.list = async function* (prefix, after) {
      yield* serving.data.list(prefix, after);
      for (let index = 0; index < 100_000; index += 1) {
        listed += 1;
        yield { key: `${prefix}${index}-${String(index).padStart(32, '0')}`, sizeBytes: 0, etag: '', modifiedMs: 0 };
      }
    };
    const read: typeof serving.data.read = async (...args) => {
      reads += 1;
      return serving.data.read(...args);
    };
    const busy = { ...serving, data: { ...serving.data, list, read } };
    const { jobs } = (await (await sendJobRequest(busy, '/jobs')).json()) as { jobs: DescribedJob[] };
    expect(jobs.map((job) => job.id)).toEqual([id]);
    expect(listed).toBeLessThan(100);
    expect(reads).toBeLessThan(100);
  });

  it('is read in two steps, however many there are', async () => {
    const { id } = await makeJob(serving, 'iris', rows(2));
    const calls: string[] = [];
    const data = new Proxy(serving.data, {
      get: (target, name) => {
        calls.push(String(name));
        return Reflect.get(target, name);
      },
    });
    await readDescribed({ ...serving, data }, id);
    expect(calls).toEqual(['read', 'read']);
  });

  it('keeps the version that was the stable one when it was made', async () => {
    const { id } = await makeJob(serving, 'iris', rows(2));
    await pushNamed(serving.repository, 'iris');
    serving.clock.nowMs += 60_000;
    await deliverJobs(serving, [id]);
    expect(await readDescribed(serving, id)).toMatchObject({ status: 'succeeded', version: 1 });
  });

  it('for a version that was deleted has failed', async () => {
    const { id } = await makeJob(serving, 'iris', rows(2));
    const fresh = await createTestServing({ models: serving.repository.store, data: serving.data });
    await deleteModel(serving.repository, 'iris');
    await deliverJobs(fresh, [id]);
    expect(await readDescribed(serving, id)).toMatchObject({
      ...{ status: 'failed', error: { code: 'NOT_FOUND', message: expect.stringContaining('iris') } },
    });
    await fresh.remove();
  });

  it('with an answer that is too large for a response has a URL of it', async () => {
    const storage = await startEmbeddedStorage();
    const data = createS3Store(storage.client, storage.dataBucket);
    const stored = { ...serving, data };
    const { id } = await makeJob(stored, 'iris', rows(9_000));
    await deliverJobs(stored, [id]);
    const { resultUrl = '', result } = await readDescribed(stored, id);
    expect(result).toBeUndefined();
    expect(resultUrl).toMatch(/X-Amz-Signature=/);
    expect(await (await fetch(resultUrl)).json()).toHaveLength(9_000);
    const job = await readJob(data, id);
    const tags = [0, 1_799, 1_800].map((seconds) => job && entityTag('', job, seconds * 1000));
    expect([tags[0] === tags[1], tags[1] === tags[2]]).toEqual([true, false]); // the URL reads it for 3,600 s
    await storage.stop();
  });
});

describe('the message of a job', () => {
  it('that comes twice computes once', async () => {
    const counted = await countRows(serving, 'iris');
    const { id } = await makeJob(serving, 'iris', rows(5));
    const [first, second] = await Promise.all([deliverJobs(serving, [id]), deliverJobs(serving, [id])]);
    await deliverJobs(serving, [id, id]);
    expect(counted).toEqual([5]);
    expect([...first.pauses, ...second.pauses].every((seconds) => seconds === 300)).toBe(true);
  });

  it('of a job that another process runs comes again later', async () => {
    const { id } = await makeJob(serving, 'iris', rows(5));
    await changeState(id, { status: 'running', attempt: 1, leaseUntilMs: Date.now() + 60_000 });
    expect((await deliverJobs(serving, [id])).pauses).toEqual([300]);
    expect(await readDescribed(serving, id)).toMatchObject({ status: 'running', attempts: 1 });
  });

  it('that is not understood stays, and the others are done', async () => {
    const { id } = await makeJob(serving, 'iris', rows(1));
    const { response } = await deliverJobs(serving, ['../../x', id, '0'.repeat(32)]);
    expect(response).toEqual({ batchItemFailures: [] }); // no job has such a name, or any more
    expect(await readDescribed(serving, id)).toMatchObject({ status: 'succeeded' });
  });

  it('comes again when S3 does not answer', async () => {
    const { id } = await makeJob(serving, 'iris', rows(1));
    const read = () => Promise.reject(new ServingError('MODEL_UNAVAILABLE', 'S3 is away'));
    const { pauses } = await deliverJobs({ ...serving, data: { ...serving.data, read } }, [id]);
    expect(pauses).toEqual([30]);
    expect(serving.warnings.map(({ message }) => message)).toContain('S3 is away');
  });
});

describe('a run', () => {
  it('whose time is over goes on from the last answered element', async () => {
    const { id } = await makeJob(serving, 'iris', rows(100));
    let ended = false;
    let runs = 0;
    await aroundRun(serving, 'iris', (run) => (...args) => {
      runs += 1;
      if (runs === 2) ended = true; // the next step is too late
      return run(...args);
    });
    const deadline = { remainingMs: () => (ended ? -1 : 600_000) };

    expect(await runJob(serving, id, { deadline, requestId: 'first' })).toEqual({ againSeconds: 0 });

    const half = await readDescribed(serving, id);
    expect(half).toMatchObject({ status: 'queued', attempts: 1, error: { code: 'DEADLINE_EXCEEDED' } });
    const done = half.progress?.done ?? 0;
    expect(done).toBeGreaterThan(8);
    const counted = await countRows(serving, 'iris');
    await runJob(serving, id, { deadline: NEVER, requestId: 'second' });
    expect(counted.reduce((sum, count) => sum + count)).toBe(100 - done);
    const whole = await readDescribed(serving, id);
    expect(whole).toMatchObject({ status: 'succeeded', attempts: 2, progress: { done: 100, total: 100 } });
    expect(whole.error).toBeUndefined();
    expect(whole.result).toEqual(await answerAtOnce(rows(100)));
  });

  it('whose process was ended goes on when its lease is over, three times at most', async () => {
    const { id } = await makeJob(serving, 'iris', rows(3));
    await changeState(id, { status: 'running', attempt: MOST_ATTEMPTS - 1, leaseUntilMs: Date.now() - 1 });
    await deliverJobs(serving, [id]);
    expect(await readDescribed(serving, id)).toMatchObject({ status: 'succeeded', attempts: MOST_ATTEMPTS });

    const { id: other } = await makeJob(serving, 'iris', rows(3));
    await changeState(other, { status: 'running', attempt: MOST_ATTEMPTS, leaseUntilMs: Date.now() - 1 });
    expect((await deliverJobs(serving, [other])).response).toEqual({ batchItemFailures: [] });
    expect(await readDescribed(serving, other)).toMatchObject({
      status: 'failed',
      error: { code: 'INFERENCE_FAILED', message: 'the process that ran the job ended before it, 4 times' },
    });
  });

  it('that fails in passing is tried again, later each time, and then has failed with the reason', async () => {
    const { id } = await makeJob(serving, 'iris', rows(3));
    await aroundRun(serving, 'iris', () => async () => {
      throw new ServingError('INFERENCE_FAILED', 'a secret of the graph');
    });
    const pauses: number[] = [];
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1)
      pauses.push(...(await deliverJobs(serving, [id])).pauses);
    expect(pauses).toEqual([30, 120, 480]);
    const { status, error } = await readDescribed(serving, id);
    expect(status).toBe('failed');
    expect(error?.message).toBe(
      'the model failed on this input; attempt 4 of 4. The log names the cause under request invocation',
    );
    expect(serving.observations.filter(({ operation }) => operation === 'job')).toHaveLength(MOST_ATTEMPTS);
  });

  it('is ended by a cancellation before its next step, and nothing brings it back', async () => {
    const { id } = await makeJob(serving, 'iris', rows(500));
    const [cancelled, noticed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let runs = 0;
    await aroundRun(serving, 'iris', (run) => async (...args) => {
      runs += 1;
      if (runs === 2) {
        const { status } = await sendJobRequest(serving, `/jobs/${id}`, { method: 'DELETE' });
        cancelled.resolve();
        expect(status).toBe(200);
        await noticed.promise;
      }
      return run(...args);
    });
    const write: typeof serving.data.write = async (...args) => {
      if (runs === 2) await cancelled.promise; // signs of life that come every 10 ms would win each race against a cancellation
      try {
        return await serving.data.write(...args);
      } catch (error) {
        noticed.resolve();
        throw error;
      }
    };
    const watched = { ...serving, data: { ...serving.data, write } };
    expect(await runJob(watched, id, { deadline: NEVER, requestId: 'run', beatMs: 10 })).toBeUndefined();
    expect(runs).toBe(2);
    expect(await deliverJobs(serving, [id])).toEqual({ response: { batchItemFailures: [] }, pauses: [] });
    expect(await readDescribed(serving, id)).toMatchObject({ status: 'cancelled', attempts: 1 });
    expect((await sendJobRequest(serving, `/jobs/${id}`, { method: 'DELETE' })).status).toBe(200);
  });

  it('that was taken over writes nothing more', async () => {
    const { id } = await makeJob(serving, 'iris', rows(500));
    let runs = 0;
    await aroundRun(serving, 'iris', (run) => async (...args) => {
      runs += 1;
      if (runs === 1) await changeState(id, { attempt: 2, leaseUntilMs: Date.now() + 60_000, revision: 'another' });
      return run(...args);
    });
    expect(await runJob(serving, id, { deadline: NEVER, requestId: 'late' })).toEqual({ againSeconds: 300 });
    expect((await readJob(serving.data, id))?.state).toMatchObject({ status: 'running', attempt: 2, parts: [] });
  });

  it('survives a write whose answer was lost', async () => {
    const { id } = await makeJob(serving, 'iris', rows(20));
    const write: typeof serving.data.write = async (key, ...rest) => {
      const etag = await serving.data.write(key, ...rest);
      if (key.startsWith('jobs/states/')) throw new ServingError('CONFLICT', 'written by someone else: by this one');
      return etag;
    };
    await deliverJobs({ ...serving, data: { ...serving.data, write } }, [id]);
    expect(await readDescribed(serving, id)).toMatchObject({ status: 'succeeded', attempts: 1 });
  });

  it('of a job that has ended cannot be cancelled', async () => {
    const { id } = await makeJob(serving, 'iris', rows(1));
    await deliverJobs(serving, [id]);
    expect((await sendJobRequest(serving, `/jobs/${id}`, { method: 'DELETE' })).status).toBe(409);
  });

  it('tells the webhook of each status that it asked for, once', async () => {
    const webhook = { webhook: 'https://example.org/hook', events: ['running', 'succeeded'] };
    const { id } = await makeJob(serving, 'iris', { ...rows(1), ...webhook });
    await deliverJobs(serving, [id, id]);
    const keys: string[] = [];
    for await (const { key } of serving.data.list(`jobs/events/${id}/`)) keys.push(key);
    expect(keys).toEqual(['running', 'succeeded'].map((event) => `jobs/events/${id}/${event}.json`));
    expect(await readDescribed(serving, id)).toMatchObject({ webhook: { url: webhook.webhook, deliveries: [] } });
  });
});
