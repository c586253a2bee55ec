import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type LocalServer, startLocalServer } from '../../local/local-server.ts';
import type { RolloutSources } from '../../src/monitoring/rollouts/read-answers.ts';
import { readRollout } from '../../src/monitoring/rollouts/read-rollout.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createS3Store } from '../../src/repository/stores/s3-store.ts';
import { type Ran, runCli } from '../support/command-line.ts';
import { type DeployedFunction, deployFunction } from '../support/deployed-function.ts';
import { COLOUR_LABELS, SWAPPED_LABELS, writeColours } from '../support/monitoring/colours.ts';
import { type GraphTensor, type SmallGraph, toOnnxFile } from '../support/onnx-graph.ts';
import { createTestS3Client } from '../support/s3.ts';

/** Automatic canaries of several models under load: `npm start` answers, and the bundled function `monitor` decides between two rounds of load. */

const MOST_ROUNDS = 20;
/** Requests of the canary that are seen by a look and were not seen by the one before: several times as many as a decision against a bad one takes. */
const LEAST_SEEN = 40;
/** Requests between two reads of what functions have written: they do so every 10 s. */
const SENT_AT_ONCE = 25;
/** Between two requests of a caller. */
const PAUSE_MS = 40;

let home: string;
let server: LocalServer;
let sources: RolloutSources;
let monitor: DeployedFunction;

const cli = async (...words: string[]): Promise<Ran> => {
  const ran = await runCli(words, { projectDirectory: home });
  if (ran.exitCode !== 0) throw new Error(`${words.join(' ')}: ${ran.stderr}`);
  return ran;
};

const float = (name: string, ...shape: (number | string)[]): GraphTensor => ({ name, dtype: 'float32', shape });
const weights = (name: string, rows: number, columns: number): GraphTensor => ({
  ...float(name, rows, columns),
  data: new Float32Array(rows * columns).fill(0.001),
});
const sizes = (name: string, ...values: number[]): GraphTensor => ({
  ...{ name, dtype: 'int64', shape: [values.length] },
  data: BigInt64Array.from(values, BigInt),
});

const QUICK: SmallGraph = {
  inputs: [float('x', 'n', 64)],
  outputs: [float('y', 'n', 64)],
  nodes: [{ operator: 'Neg', inputs: ['x'], outputs: ['y'] }],
};
/** Classifies a black picture, which `push` tries. The scores of bright ones are no numbers. */
const FAILING: SmallGraph = {
  inputs: [float('pixel_values', 'n', 3, 8, 8)],
  outputs: [float('logits', 'n', 3)],
  weights: [
    { ...float('one', 1), data: Float32Array.of(1) },
    { ...float('ten', 1), data: Float32Array.of(10) },
  ],
  nodes: [
    { operator: 'ReduceMean', inputs: ['pixel_values'], outputs: ['mean'], attributes: { axes: [2, 3], keepdims: 0 } },
    { operator: 'Mul', inputs: ['mean', 'ten'], outputs: ['tenfold'] },
    { operator: 'Sub', inputs: ['one', 'tenfold'], outputs: ['rest'] },
    { operator: 'Log', inputs: ['rest'], outputs: ['logits'] },
  ],
};
/** Takes one row, and says that others are the caller's fault: an index beyond its table. */
const REFUSING: SmallGraph = {
  inputs: [float('x', 'n', 64)],
  outputs: [float('y', 1, 'n', 64)],
  weights: [sizes('first', 0), { ...weights('table', 1, 64) }],
  nodes: [
    { operator: 'Cast', inputs: ['x'], outputs: ['ids'], attributes: { to: 7 } },
    { operator: 'Gather', inputs: ['table', 'ids'], outputs: ['y'] },
  ],
};
/** Some 20 gigaflop for each request: slow on a quiet machine, too, by a limit that was found on a busy one. */
const SLOW: SmallGraph = {
  inputs: [float('x', 'n', 64)],
  outputs: [float('y', 1, 512)],
  weights: [sizes('many', 8_000, 2, 64), weights('a', 64, 1_024), weights('b', 1_024, 512)],
  nodes: [
    { operator: 'Expand', inputs: ['x', 'many'], outputs: ['rows'] },
    { operator: 'MatMul', inputs: ['rows', 'a'], outputs: ['wide'] },
    { operator: 'MatMul', inputs: ['wide', 'b'], outputs: ['narrow'] },
    { operator: 'ReduceMax', inputs: ['narrow'], outputs: ['y'], attributes: { axes: [0, 1], keepdims: 0 } },
  ],
};

const pushGraph = async (name: string, graph: SmallGraph): Promise<void> => {
  const path = join(home, `${name}.onnx`);
  await writeFile(path, toOnnxFile(graph));
  await cli('push', path, '--name', name);
};
const pushColours = async (name: string, labels = COLOUR_LABELS, graph?: SmallGraph): Promise<void> => {
  const folder = join(home, name);
  await writeColours(folder, labels, graph);
  await cli('push', folder, '--name', name);
};

interface Change {
  readonly by: string;
  readonly action: string;
  readonly note: string;
  readonly to: { readonly stable: number; readonly canary?: { readonly weight: number }; readonly shadow?: unknown };
}

/** The changes of the routing, the newest first. */
const historyOf = async (name: string): Promise<Change[]> =>
  (await cli('history', name, '--json')).json.history as Change[];

const rows = JSON.stringify({
  inputs: [{ name: 'x', datatype: 'FP32', shape: [2, 64], data: Array.from({ length: 128 }, () => 2) }],
});
const sendRows = async (name: string): Promise<number> =>
  (await fetch(`${server.endpoint}/v2/models/${name}/infer`, { method: 'POST', body: rows })).status;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'automatic-canary-'));
  await mkdir(join(home, '.local'));
  await mkdir(join(home, 'models'));
  server = await startLocalServer({ directory: join(home, '.local'), port: 0, onLine: () => {} });
  const { s3Endpoint: endpoint, modelsBucket, dataBucket } = server;
  monitor = await deployFunction('monitor', { endpoint, modelsBucket, dataBucket }, tmpdir());
  const client = createTestS3Client(endpoint);
  sources = {
    ...{ repository: createModelRepository(createS3Store(client, modelsBucket)), nowMs: 0 },
    ...{ data: createS3Store(client, dataBucket), onBroken: (_key, error) => expect(error).toBeUndefined() },
  };
});
afterAll(async () => {
  await monitor.stop();
  await server.stop();
  await rm(home, { recursive: true });
});

/** Requests of the canary, and answers that a guard compares, that a look would see now; undefined without a canary. */
const seenOf = async (name: string): Promise<number | undefined> => {
  const { routing } = await sources.repository.routing(name);
  const counts = (await readRollout({ ...sources, nowMs: Date.now() }, name, routing))?.counts;
  if (counts === undefined) return undefined;
  const { canary, compared, answers } = counts;
  const isCompared = routing.canary?.plan?.guards.includes('disagreement');
  return Math.min(
    canary.requests,
    ...(isCompared ? [compared] : []),
    answers?.judged.canary ?? Number.POSITIVE_INFINITY,
  );
};

/** Sends requests and has the monitor decide, until the model has no canary any more. Returns the rounds. */
const roll = async (name: string, send: () => Promise<unknown>): Promise<number> => {
  for (let round = 1; round <= MOST_ROUNDS; round += 1) {
    const before = (await seenOf(name)) ?? 0;
    do for (let sent = 0; sent < SENT_AT_ONCE; sent += 1) await Promise.all([send(), sleep(PAUSE_MS)]);
    while (((await seenOf(name)) ?? Number.POSITIVE_INFINITY) < before + LEAST_SEEN); // the looks of others end it, too
    await monitor.invoke({ jobs: ['rollouts'] });
    if ((await seenOf(name)) === undefined) return round;
  }
  throw new Error(`${name} has its canary yet: ${JSON.stringify(await historyOf(name))}`);
};

const start = (name: string, ...options: string[]): Promise<Ran> =>
  cli('canary', name, '2', '--auto', '--weight', '25%', '--steps', '50,100', '--hold', '0s', ...options);

/** Rolls out `second` over `first`. */
const rollGraph = async (name: string, second: SmallGraph, ...options: string[]): Promise<number> => {
  for (const graph of [QUICK, second]) await pushGraph(name, graph);
  expect(await sendRows(name)).toBe(200);
  await start(name, ...options);
  return roll(name, () => sendRows(name));
};

/** Rolls out a classifier of pictures with other labels, or with another graph. */
const rollColours = async (name: string, labels = COLOUR_LABELS, graph?: SmallGraph): Promise<number> => {
  await pushColours(name);
  await pushColours(name, labels, graph);
  await start(name, '--guard', graph === undefined ? 'errors,disagreement=20%' : 'errors');
  const body = await readFile('test/fixtures/images/grey.jpg');
  const headers = { 'content-type': 'image/jpeg' };
  return roll(name, () => fetch(`${server.endpoint}/models/${name}`, { method: 'POST', headers, body }));
};

it('a canary that fails, refuses, is slow or answers something else is gone soon, a good one arrives', async () => {
  const [failing, refusing, swapped] = await Promise.all([
    rollColours('failing', COLOUR_LABELS, FAILING),
    rollGraph('refusing', REFUSING),
    rollColours('swapped', SWAPPED_LABELS),
    rollGraph('slow', SLOW, '--guard', 'latency'),
    rollGraph('good', QUICK),
  ]);

  const lastOf = async (name: string): Promise<Change | undefined> => (await historyOf(name))[0];
  const rolledBack = { by: 'monitor', action: 'rollback', to: { stable: 1, aliases: {} } };
  expect(await lastOf('failing')).toMatchObject({
    ...rolledBack,
    note: expect.stringMatching(/^errors: \d+ failed of/),
  });
  expect(await lastOf('refusing')).toMatchObject({
    ...rolledBack,
    note: expect.stringMatching(/^refusals: \d+ refused/),
  });
  expect((await historyOf('slow')).slice(0, 2)).toMatchObject([
    { ...rolledBack, note: expect.stringMatching(/^latency: \d+ slow of/) },
    { by: 'monitor', action: 'canary', note: expect.stringMatching(/^slow is above/) },
  ]);
  expect(await lastOf('swapped')).toMatchObject({
    ...rolledBack,
    note: expect.stringMatching(/^disagreement: \d+ of/),
  });
  expect(Math.max(failing, refusing, swapped)).toBeLessThanOrEqual(2);

  expect(await lastOf('good')).toMatchObject({ by: 'monitor', action: 'promote', to: { stable: 2 } });
  const weights = (await historyOf('good')).map(({ to }) => to.canary?.weight ?? 0);
  expect(weights.toReversed()).toEqual([0, 0.25, 0.25, 0.5, 0]); // pushed, started, timed, raised, promoted
}, 900_000);

it('a canary that nobody calls stays as it is', async () => {
  for (let version = 1; version <= 2; version += 1) await pushGraph('idle', QUICK);
  await start('idle');
  await monitor.invoke({ jobs: ['rollouts'] });
  expect((await historyOf('idle')).map(({ action }) => action)).toEqual(['canary', 'push']);
});

describe('a canary that is judged by its answers', () => {
  interface Answered {
    readonly id: string;
    readonly label: string;
  }
  const ask = async (name: string, body: Uint8Array<ArrayBuffer>): Promise<Answered> => {
    const headers = { 'content-type': 'image/jpeg' };
    const response = await fetch(`${server.endpoint}/models/${name}`, { method: 'POST', headers, body });
    const [{ label } = { label: '' }] = (await response.json()) as { label: string }[];
    return { id: response.headers.get('x-prediction-id') ?? '', label };
  };

  /** Sends requests until enough of them were captured: functions follow the settings, and write behind their answers. */
  const makeBaseline = async (name: string, send: () => Promise<unknown>): Promise<void> => {
    do for (let sent = 0; sent < 100; sent += 1) await send();
    while ((await runCli(['monitor', name, '--baseline', '7d'], { projectDirectory: home })).exitCode !== 0);
  };

  /** Rolls a version with these labels out. Each answer gets feedback with the label of the first version. Returns the rounds. */
  const rollWithFeedback = async (name: string, labels: readonly string[], guards: string): Promise<number> => {
    const body = new Uint8Array(await readFile('test/fixtures/images/grey.jpg'));
    await pushColours(name);
    await cli('monitor', name, '--capture', '100%');
    const { label: right } = await ask(name, body);
    await makeBaseline(name, () => ask(name, body));
    await pushColours(name, labels);
    await start(name, '--guard', guards);
    return roll(name, async () => {
      const { id } = await ask(name, body);
      const sent = await fetch(`${server.endpoint}/feedback`, {
        method: 'POST',
        body: JSON.stringify({ id, label: right }),
      });
      expect(sent.status).toBe(200);
    });
  };

  it('and answers wrong is gone within two looks, a good one arrives', async () => {
    const [mistaken, drifting] = await Promise.all([
      rollWithFeedback('mistaken', SWAPPED_LABELS, 'accuracy'),
      rollWithFeedback('drifting', SWAPPED_LABELS, 'drift'),
      rollWithFeedback('right', COLOUR_LABELS, 'accuracy,drift'),
    ]);

    const rolledBack = { by: 'monitor', action: 'rollback', to: { stable: 1, aliases: {} } };
    const accuracy = /^accuracy: (\d+) wrong of \1 requests with feedback, stable 0 of \d+$/;
    const drift = /^drift: .+ in (\d+) of \1 captured requests, stable 0 of \d+$/;
    expect((await historyOf('mistaken'))[0]).toMatchObject({ ...rolledBack, note: expect.stringMatching(accuracy) });
    expect((await historyOf('drifting'))[0]).toMatchObject({ ...rolledBack, note: expect.stringMatching(drift) });
    expect((await historyOf('right'))[0]).toMatchObject({ by: 'monitor', action: 'promote', to: { stable: 2 } });
    expect(Math.max(mistaken, drifting)).toBeLessThanOrEqual(2);
  }, 900_000);
});
