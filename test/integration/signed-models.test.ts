import { generateKeyPairSync, sign } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { bundleKey, signatureKey } from '../../src/repository/keys.ts';
import { createTestServing, publishModel, type TestServing } from '../support/serving.ts';

const MODEL = 'test/fixtures/models/add.onnx';

let serving: TestServing;

describe('a function that trusts keys', () => {
  const trusted = generateKeyPairSync('ed25519');
  const stranger = generateKeyPairSync('ed25519');

  const signVersion = async (version: number, { privateKey } = trusted): Promise<void> => {
    const { body } = await serving.repository.store.read(bundleKey('add', version));
    const signature = sign(null, body, privateKey).toString('base64');
    await serving.repository.store.write(signatureKey('add', version), signature);
  };
  const input = (name: string) => ({ name, datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] });
  /** Status of a prediction, and why it failed as the log has it. */
  const add = async () => {
    const body = JSON.stringify({ inputs: [input('a'), input('b')] });
    const headers = { 'content-type': 'application/json' };
    const { status } = await serving.fetch('/models/add', { method: 'POST', body, headers });
    return { status, problem: serving.observations.at(-1)?.failures[0]?.message };
  };

  beforeEach(async () => {
    serving = await createTestServing({}, { trustedKeys: [trusted.publicKey] });
    await publishModel(serving.repository, 'add', MODEL);
  });
  afterEach(() => serving.remove());

  it('serves what they signed', async () => {
    await signVersion(1);

    expect(await add()).toEqual({ status: 200, problem: undefined });
  });

  it.each([
    ['is not signed', async () => {}, 'is not signed'],
    ['is signed by a stranger', () => signVersion(1, stranger), 'by none of the trusted keys'],
    [
      'was altered after it was signed',
      async () => {
        await signVersion(1);
        const { store } = serving.repository;
        const { body } = await store.read(bundleKey('add', 1));
        await store.write(bundleKey('add', 1), Buffer.concat([body, Buffer.from('\n')]));
      },
      'by none of the trusted keys',
    ],
    [
      'is another version under its number, signature and all',
      async () => {
        await publishModel(serving.repository, 'add', MODEL);
        await signVersion(1);
        const { store } = serving.repository;
        for (const key of [bundleKey, signatureKey])
          await store.write(key('add', 2), (await store.read(key('add', 1))).body);
      },
      'is the bundle of add version 1',
    ],
  ])('refuses a version that %s, and the log says which and why', async (_how, prepare, problem) => {
    await prepare();

    const refused = await add();

    expect(refused.status).toBe(500);
    expect(refused.problem).toContain('/bundle.json');
    expect(refused.problem).toContain(problem);
  });

  it('serves no version that was withdrawn, signed and routed to as it may be', async () => {
    await signVersion(1);
    const store = serving.repository.store;
    const strict = await createTestServing(
      { models: store },
      { trustedKeys: [trusted.publicKey], withdrawn: ['add/1'] },
    );

    const { status } = await strict.fetch('/v2/models/add/versions/1');
    const routed = await strict.fetch('/v2/models/add');

    expect([status, routed.status]).toEqual([404, 503]);
    expect(strict.observations.at(-1)?.failures[0]?.cause).toMatchObject({
      message: 'version 1 of model add is withdrawn',
    });
    await strict.remove();
  });

  it('serves a version once it is signed', async () => {
    expect((await add()).status).toBe(500);
    await signVersion(1);

    expect((await add()).status).toBe(200);
  });
});
