import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { issueKey, revokeKey } from '../../src/access/issue-keys.ts';
import type { UploadingStore } from '../../src/repository/stores/object-store.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { type DeployedFunction, deployFunction, readEvents } from '../support/deployed-function.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { createTestS3Client } from '../support/s3.ts';

let storage: EmbeddedStorage;
let store: UploadingStore;
let deployed: DeployedFunction;
const now = new Date();

beforeAll(async () => {
  storage = await startEmbeddedStorage();
  store = createS3UploadStore(createTestS3Client(storage.endpoint), storage.modelsBucket);
  deployed = await deployFunction('authorise', storage, tmpdir());
});
afterAll(async () => {
  await deployed.stop();
  await storage.stop();
});

const ask = (authorization: string | undefined): Promise<unknown> =>
  deployed.invoke({ version: '2.0', type: 'REQUEST', headers: authorization === undefined ? {} : { authorization } });

it('answers each event as a key that nobody has', async () => {
  for (const event of (await readEvents('authorise')).values())
    expect(await deployed.invoke(event)).toEqual({ isAuthorized: false });
});

it('identifies the holder of a key, and of no other credential', async () => {
  const { text } = await issueKey(store, { holder: 'alice', scopes: ['predict:iris', 'jobs'], by: 'a test', now });
  const revoked = await issueKey(store, { holder: 'bob', scopes: ['predict'], by: 'a test', now });
  await revokeKey(store, revoked.key.id, now);
  const limited = await issueKey(store, { holder: 'carol', scopes: ['predict'], perDay: 7, by: 'a test', now });
  await deployed.stop();
  deployed = await deployFunction('authorise', storage, tmpdir());

  expect(await ask(`Bearer ${text}`)).toEqual({
    isAuthorized: true,
    context: { holder: 'alice', scopes: 'predict:iris jobs' },
  });
  expect(await ask(`Bearer ${limited.text}`)).toEqual({
    isAuthorized: true,
    context: { holder: 'carol', scopes: 'predict', keyId: limited.key.id, perDay: 7 },
  });
  for (const refused of [
    text,
    `Basic ${text}`,
    `Bearer ${text}, Bearer ${text}`,
    `Bearer ${revoked.text}`,
    '',
    undefined,
  ])
    expect({ refused, answer: await ask(refused) }).toEqual({ refused, answer: { isAuthorized: false } });
});
