import { tmpdir } from 'node:os';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { noCounts, type StepCounts } from '../../src/monitoring/rollouts/step-counts.ts';
import { routingKey, stepPrefix } from '../../src/repository/keys.ts';
import type { Targets } from '../../src/repository/routing/routing.ts';
import type { UploadingStore } from '../../src/repository/stores/object-store.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { type DeployedFunction, deployFunction, readEvents } from '../support/deployed-function.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { createTestS3Client } from '../support/s3.ts';

const SINCE = '2026-11-26T08:00:00.000Z';
const PLAN = { since: SINCE, steps: [0.1, 0.5, 1], holdMs: 60_000, guards: ['errors'] };

let storage: EmbeddedStorage;
let models: UploadingStore;
let data: UploadingStore;
let deployed: DeployedFunction;

beforeAll(async () => {
  storage = await startEmbeddedStorage();
  const client = createTestS3Client(storage.endpoint);
  models = createS3UploadStore(client, storage.modelsBucket);
  data = createS3UploadStore(client, storage.dataBucket);
  deployed = await deployFunction('monitor', storage, tmpdir());
});
afterEach(async () => {
  for (const store of [models, data]) for await (const { key } of store.list('')) await store.remove(key);
});
afterAll(async () => {
  await deployed.stop();
  await storage.stop();
});

const writeRouting = (name: string, targets: Partial<Targets> = {}): Promise<string> =>
  models.write(routingKey(name), JSON.stringify({ formatVersion: 1, stable: 1, ...targets }));
const writeCounts = (name: string, counts: Partial<StepCounts>, environment = 'e'): Promise<string> =>
  data.write(`${stepPrefix(name, 2, SINCE)}${environment}.json`, JSON.stringify({ ...noCounts(), ...counts }));
const readRouting = async (name: string) =>
  JSON.parse(Buffer.from((await models.read(routingKey(name))).body).toString());
const arm = (requests: number, alone: number) => ({ ...noCounts().canary, requests, errors: { alone, keys: [] } });
const canary = { version: 2, weight: 0.1, plan: PLAN };

it('answers each event', async () => {
  for (const event of (await readEvents('monitor')).values()) expect(await deployed.invoke(event)).toBeNull();
});

it('refuses an event without jobs, and a job that is not known', async () => {
  await expect(deployed.invoke({})).rejects.toThrow('expected {"jobs": ["rollouts"]}');
  await expect(deployed.invoke({ jobs: ['rollout'] })).rejects.toThrow('job "rollout" is not known, expected rollouts');
});

it('rolls a canary back that fails, and raises one that is no worse', async () => {
  await writeRouting('bad', { canary });
  await writeRouting('good', { canary });
  await writeCounts('bad', { stable: arm(90, 0), canary: arm(10, 10) });
  await writeCounts('good', { stable: arm(900, 9), canary: arm(100, 1) });

  await deployed.invoke({ jobs: ['rollouts'] });

  const [bad, good] = [await readRouting('bad'), await readRouting('good')];
  expect(bad.canary).toBeUndefined();
  expect(bad.history).toMatchObject([
    { by: 'monitor', action: 'rollback', note: 'errors: 10 failed of 10 requests, stable 0 of 90' },
  ]);
  expect(good.canary).toMatchObject({ version: 2, weight: 0.5 });
  expect(good.canary.plan.since > SINCE).toBe(true);
  expect(good.history).toMatchObject([{ by: 'monitor', action: 'canary' }]);
  const [line] = await deployed.untilLogged('canary rolled back');
  expect(line).toMatchObject({ model: 'bad', version: 2 });
});

it('leaves a broken object of counts out and names it, and goes on after a broken routing', async () => {
  await models.write(routingKey('broken'), '{');
  await writeRouting('model', { canary });
  await writeCounts('broken', {});
  await writeCounts('model', { stable: arm(90, 0), canary: arm(10, 10) });
  await writeCounts('model', { compared: -1 }, 'wrong');

  await deployed.invoke({ jobs: ['rollouts'] });

  expect((await readRouting('model')).canary).toBeUndefined();
  for (const message of [
    'the canary of model broken was not judged',
    `${stepPrefix('model', 2, SINCE)}wrong.json is left out`,
  ])
    expect((await deployed.untilLogged(message))[0]).toMatchObject({ level: 'WARN' });
});
