import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createIdentifyByKey } from '../../../src/access/identify.ts';
import { type IssuedKey, issueKey, revokeKey, rotateKey } from '../../../src/access/issue-keys.ts';
import { createKey, hashKey, keyIdOf } from '../../../src/access/key.ts';
import { readKeys } from '../../../src/access/key-document.ts';
import { ServingError } from '../../../src/core/errors.ts';
import { createDirectoryStore } from '../../../src/repository/stores/directory-store.ts';
import type { UploadingStore } from '../../../src/repository/stores/object-store.ts';
import { createFailingStore } from '../../support/failing-store.ts';

const NOW = new Date('2026-11-26T06:00:00Z');
const TTL_MS = 20_000;

let root: string;
let store: UploadingStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'keys-'));
  store = createDirectoryStore(root);
});
afterEach(() => rm(root, { recursive: true }));

const issue = (holder: string, more: { scopes?: string[]; expires?: string; to?: UploadingStore } = {}) => {
  const { scopes = ['predict'], to = store, ...rest } = more;
  return issueKey(to, { holder, scopes, by: 'a test', now: NOW, ...rest });
};

const later = (ms: number): Date => new Date(NOW.getTime() + ms);

describe('a key', () => {
  it('has 256 random bits behind a prefix that scanners for secrets find', () => {
    const { id, text } = createKey();
    expect(text).toMatch(/^ons_[0-9a-f]{10}_[A-Za-z0-9_-]{43}_[0-9a-f]{6}$/);
    expect(Buffer.from(text.slice(15, 58), 'base64url')).toHaveLength(32);
    expect(keyIdOf(text)).toBe(id);
    expect(createKey().text).not.toBe(text);
  });

  it.each([
    [
      'with another character',
      (text: string) => text.replace(/.(?=_[0-9a-f]{6}$)/, (last) => (last === 'A' ? 'B' : 'A')),
    ],
    ['cut short', (text: string) => text.slice(0, -1)],
    ['with a line break behind it', (text: string) => `${text}\n`],
    ['with its checksum alone changed', (text: string) => text.replace(/.$/, (last) => (last === '0' ? '1' : '0'))],
  ])('is no key %s', (_name, change) => {
    expect(keyIdOf(change(createKey().text))).toBeUndefined();
  });

  it('lies in the store as its hash alone', async () => {
    const { key, text } = await issue('alice');
    const { body } = await store.read('access/keys.json');
    const document = Buffer.from(body).toString();
    expect(document).toContain(key.id);
    expect(document).not.toContain(text.slice(15, 58));
  });
});

describe('the keys of a holder', () => {
  it('are two live ones at most', async () => {
    await issue('alice');
    const second = await issue('alice');
    await expect(issue('alice')).rejects.toMatchObject({ code: 'CONFLICT' });
    await issue('bob');
    await revokeKey(store, second.key.id, NOW);
    await issue('alice');
    expect((await readKeys(store)).entries).toHaveLength(4);
  });

  it('are two at most when many are asked for at the same time', async () => {
    const asked = await Promise.allSettled(Array.from({ length: 8 }, () => issue('alice')));
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    expect((await readKeys(store)).entries).toHaveLength(2);
  });

  it('take over from each other, the old one up to its end', async () => {
    const old = await issue('alice', { scopes: ['predict:iris'] });
    const next = await rotateKey(store, old.key.id, { by: 'a test', now: NOW, until: later(1_000) });
    expect(next.key).toMatchObject({ holder: 'alice', scopes: ['predict:iris'] });
    const identifyAt = (ms: number) => createIdentifyByKey(store, { ttlMs: TTL_MS, nowMs: () => NOW.getTime() + ms });
    expect(await identifyAt(0)(old.text)).toEqual({ holder: 'alice', scopes: ['predict:iris'] });
    expect(await identifyAt(1_000)(old.text)).toBeUndefined();
    expect(await identifyAt(1_000)(next.text)).toEqual({ holder: 'alice', scopes: ['predict:iris'] });
    await expect(
      rotateKey(store, old.key.id, { by: 'a test', now: later(2_000), until: later(3_000) }),
    ).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('live no longer by a rotation than they would without it', async () => {
    const old = await issue('alice', { expires: later(500).toISOString() });
    await rotateKey(store, old.key.id, { by: 'a test', now: NOW, until: later(1_000) });
    expect((await readKeys(store)).entries[0]?.expires).toBe(later(500).toISOString());
  });

  it('are unchanged when the store fails before the write', async () => {
    await expect(issue('alice', { to: createFailingStore(store, 1, 'before') })).rejects.toThrow(ServingError);
    expect((await readKeys(store)).entries).toEqual([]);
  });

  it.each(['', 'a b', '-x', 'a\n'])('have no holder %j', async (holder) => {
    await expect(issue(holder)).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });
});

describe('the keys of a stage', () => {
  it('may be 10,000, which are read once, and a further one has room', async () => {
    const made = Array.from({ length: 10_000 }, createKey);
    const keys = made.map(({ id, text }, index) => ({
      ...{
        id,
        holder: `holder-${index}@example.org`,
        sha256: hashKey(text),
        scopes: ['predict:iris', 'feedback:iris'],
      },
      ...{ perSecond: 5, perDay: 10_000, created: NOW.toISOString(), by: 'a test' },
    }));
    await store.write('access/keys.json', JSON.stringify({ formatVersion: 1, keys }, undefined, 2));
    let reads = 0;
    const read: UploadingStore['read'] = (...parameters) => {
      reads += 1;
      return store.read(...parameters);
    };
    const byKey = createIdentifyByKey({ ...store, read }, { ttlMs: TTL_MS });
    const found = await Promise.all(made.map(({ text }) => byKey(text)));
    expect(found.map((identity) => identity?.holder)).toEqual(keys.map(({ holder }) => holder));
    expect(reads).toBe(1);
    const { key } = await issue('another');
    expect((await readKeys(store)).entries).toMatchObject([...keys.map(({ id }) => ({ id })), { id: key.id }]);
  });

  it('are revoked, up to the last one, where there is no room for another', async () => {
    const id = (index: number): string => String(index).padStart(10, '0');
    const write = (revoked: object): Promise<unknown> => {
      const keys = Array.from({ length: 26_000 }, (_, index) => ({
        ...{ id: id(index), holder: `${id(index)}@an-example.org`, sha256: '0'.repeat(64), scopes: ['predict:iris-1'] },
        ...{ perSecond: 5, perDay: 10_000, created: NOW.toISOString(), by: 'a test', ...(index > 0 && revoked) },
      }));
      return store.write('access/keys.json', JSON.stringify({ formatVersion: 1, keys }, undefined, 2));
    };
    await write({});
    const problem = { code: 'INVALID_REQUEST', message: 'there are 26000 keys, and no room for another' };
    await expect(issue('another')).rejects.toMatchObject(problem);
    await write({ revoked: NOW.toISOString() });
    await revokeKey(store, id(0), NOW);
    expect((await readKeys(store)).entries.filter((key) => key.revoked === undefined)).toEqual([]);
  });

  it('leave the document 90 days after they ended, when another one is made', async () => {
    const revoked = await issue('alice');
    await issue('bob', { expires: later(1_000).toISOString() });
    await issue('carol');
    await revokeKey(store, revoked.key.id, later(2_000));
    const makeAt = async (ms: number): Promise<string[]> => {
      await issueKey(store, { holder: `at-${ms}`, scopes: [], by: 'a test', now: later(ms) });
      return (await readKeys(store)).entries.map(({ holder }) => holder);
    };
    const days = 90 * 86_400_000;
    expect((await makeAt(days)).slice(0, 3)).toEqual(['alice', 'bob', 'carol']);
    expect((await makeAt(days + 1_000)).slice(0, 2)).toEqual(['alice', 'carol']);
    expect((await makeAt(days + 2_000)).slice(0, 1)).toEqual(['carol']);
  });
});

describe('a caller', () => {
  let issued: IssuedKey;
  let nowMs: number;
  beforeEach(async () => {
    issued = await issue('alice');
    nowMs = NOW.getTime();
  });
  const identify = (from: UploadingStore = store) => createIdentifyByKey(from, { ttlMs: TTL_MS, nowMs: () => nowMs });

  it('is found by the key alone', async () => {
    const byKey = identify();
    expect(await byKey(issued.text)).toEqual({ holder: 'alice', scopes: ['predict'] });
    const { text: unknown } = createKey();
    const sameId = createKey().text;
    expect(await byKey(unknown)).toBeUndefined();
    expect(await byKey(sameId.replace(/^ons_[0-9a-f]{10}/, `ons_${issued.key.id}`))).toBeUndefined();
    expect(await byKey('')).toBeUndefined();
  });

  it('is let in no longer once the key is revoked and the time to live of the keys has passed', async () => {
    const byKey = identify();
    expect(await byKey(issued.text)).toBeDefined();
    await revokeKey(store, issued.key.id, NOW);
    nowMs += TTL_MS - 1;
    expect(await byKey(issued.text)).toBeDefined();
    nowMs += 1;
    expect(await byKey(issued.text)).toBeUndefined();
  });

  it('is let in with a new key a second after the keys were read, and many unknown ones ask the store once', async () => {
    let reads = 0;
    const read: UploadingStore['read'] = (...parameters) => {
      reads += 1;
      return store.read(...parameters);
    };
    const readChanged: UploadingStore['readChanged'] = (...parameters) => {
      reads += 1;
      return store.readChanged(...parameters);
    };
    const byKey = identify({ ...store, read, readChanged });
    await byKey(issued.text);
    const added = await issue('bob');
    expect(await byKey(added.text)).toBeUndefined();
    nowMs += 1_000;
    await Promise.all(Array.from({ length: 50 }, () => byKey(createKey().text)));
    expect(await byKey(added.text)).toEqual({ holder: 'bob', scopes: ['predict'] });
    expect(reads).toBe(2);
  });

  it('is not let in by a store that does not answer, and is as soon as it does', async () => {
    let isAway = false;
    const away = async (): Promise<never> => {
      throw new ServingError('MODEL_UNAVAILABLE', 'S3 is away');
    };
    const failing: UploadingStore = {
      ...store,
      read: (...parameters) => (isAway ? away() : store.read(...parameters)),
      readChanged: (...parameters) => (isAway ? away() : store.readChanged(...parameters)),
    };
    const byKey = identify(failing);
    expect(await byKey(issued.text)).toBeDefined();
    isAway = true;
    nowMs += TTL_MS;
    await expect(byKey(issued.text)).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    isAway = false;
    expect(await byKey(issued.text)).toBeDefined();
  });

  it('is not let in by a document that is broken', async () => {
    await store.write('access/keys.json', '{"formatVersion": 1, "keys": [{}]}');
    await expect(identify()(issued.text)).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});
