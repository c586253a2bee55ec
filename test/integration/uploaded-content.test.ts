import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openSource } from '../../cli/targets/bulk-source.ts';
import { NEVER } from '../../src/core/deadline.ts';
import { processUploads } from '../../src/jobs/uploads.ts';
import { MAX_INPUT_BYTES } from '../../src/protocol/task-api/object-reference.ts';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';
import { createSignedS3Store } from '../../src/repository/stores/s3-signed-store.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { signedBucket } from '../support/s3.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

const MODEL = 'tiny-bert-sentiment';
const TEXT = 'I love it';
const JSON_TEXT = JSON.stringify({ inputs: TEXT });

let storage: EmbeddedStorage;
let data: ObjectStore;
let serving: TestServing;
let answer: unknown;
let count = 0;

beforeAll(async () => {
  storage = await startEmbeddedStorage();
  data = createSignedS3Store(...signedBucket(storage.endpoint, storage.dataBucket)); // as a function reads
  serving = await createTestServing({ data });
  await pushNamed(serving.repository, MODEL);
  const response = await serving.fetch(`/models/${MODEL}`, {
    method: 'POST',
    body: JSON_TEXT,
    headers: { 'content-type': 'application/json' },
  });
  answer = await response.json();
});
afterAll(async () => {
  await serving.remove();
  await storage.stop();
});

interface Content {
  readonly ContentEncoding?: string;
  readonly ContentType?: string;
}

const put = async (name: string, Body: Uint8Array | string, content: Content): Promise<string> => {
  count += 1;
  const Key = `uploads/${MODEL}/${count}/${name}`;
  await storage.client.send(new PutObjectCommand({ Bucket: storage.dataBucket, Key, Body, ...content }));
  return Key;
};

/** Uploads an object, and returns the document that answers it. */
const upload = async (name: string, body: Uint8Array | string, content: Content): Promise<Record<string, unknown>> => {
  const key = await put(name, body, content);
  const { etag, sizeBytes } = await data.head(key);
  await processUploads(serving, [{ key, etag, sizeBytes, sequencer: '01', isLastAttempt: false }], NEVER, 'a test');
  const result = await data.read(`${key.replace('uploads/', 'results/')}.json`);
  return JSON.parse(Buffer.from(result.body).toString());
};

describe('An upload is read as what it was stored as', () => {
  it.each<[string, string, Uint8Array | string, Content]>([
    ['gzip of JSON', 'a.json', gzipSync(JSON_TEXT), { ContentEncoding: 'gzip' }],
    ['gzip of a text', 'a.txt', gzipSync(TEXT), { ContentEncoding: 'GZIP' }],
    ['gzip of JSON Lines', 'a.jsonl', gzipSync(`"${TEXT}"\n`), { ContentEncoding: 'x-gzip' }],
    ['deflate', 'a.json', deflateSync(JSON_TEXT), { ContentEncoding: 'deflate' }],
    ['no coding by its name', 'a.json', JSON_TEXT, { ContentEncoding: 'identity' }],
    ['another charset', 'a.txt', Buffer.from(TEXT, 'utf16le'), { ContentType: 'text/plain; charset=utf-16le' }],
    ['JSON without a name that says so', 'request', JSON_TEXT, { ContentType: 'application/json' }],
    ['JSON behind an unknown ending', 'request.body', `\ufeff ${JSON_TEXT}`, {}],
    ['JSON Lines as others call them', 'a.ndjson', `"${TEXT}"\n`, {}],
  ])('%s', async (_what, name, body, content) => {
    expect(await upload(name, body, content)).toMatchObject({ status: 'succeeded', result: answer });
  });

  it('a text with braces, whose name says that it is a text, stays a text', async () => {
    const { status, result } = await upload('a.txt', JSON_TEXT, {});
    expect(status).toBe('succeeded');
    expect(result).not.toEqual(answer);
  });

  it.each<[string, string, Uint8Array | string, Content, string, RegExp]>([
    [
      'another coding',
      'a.json',
      brotliCompressSync(JSON_TEXT),
      { ContentEncoding: 'br' },
      'UNSUPPORTED_MEDIA_TYPE',
      /"br"/,
    ],
    ['two codings', 'a.json', gzipSync(JSON_TEXT), { ContentEncoding: 'gzip, gzip' }, 'UNSUPPORTED_MEDIA_TYPE', /gzip/],
    [
      'no whole gzip',
      'a.json',
      gzipSync(JSON_TEXT).subarray(0, 9),
      { ContentEncoding: 'gzip' },
      'INVALID_REQUEST',
      /no whole gzip/,
    ],
    ['a gzip of nothing', 'a.json', gzipSync(''), { ContentEncoding: 'gzip' }, 'INVALID_REQUEST', /is empty/],
    [
      'a bomb',
      'a.txt',
      gzipSync(Buffer.alloc(MAX_INPUT_BYTES + 1)),
      { ContentEncoding: 'gzip' },
      'PAYLOAD_TOO_LARGE',
      /bytes/,
    ],
    ['JSON that is no request', 'request', '{"text":"x"}', {}, 'INVALID_REQUEST', /needs "inputs"/],
  ])('%s is refused with the reason', async (_what, name, body, content, code, message) => {
    const { status, error } = await upload(name, body, content);
    expect([status, error]).toEqual(['failed', { code, message: expect.stringMatching(message) }]);
  });
});

it('A request that refers to a compressed object reads its content', async () => {
  const s3 = await put('a.txt', gzipSync(TEXT), { ContentEncoding: 'gzip' });
  const response = await serving.fetch(`/models/${MODEL}`, {
    method: 'POST',
    body: JSON.stringify({ inputs: { s3 } }),
  });
  expect(await response.json()).toEqual(answer);
});

it('A compressed table is refused by a run, which reads parts of it', async () => {
  const source = await put('rows.jsonl', gzipSync('"a"\n"b"\n'), { ContentEncoding: 'gzip' });
  await expect(openSource(data, { source, chunk: 10, join: [], retryOf: undefined })).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
    message: expect.stringContaining('content-encoding gzip'),
  });
});

it.each(['text/plain;charset=UTF-8', 'text/plain; charset=utf-8', 'Text/Plain; charset="utf-8"'])(
  'A JSON document under %s, which clients send for any string, is read as such',
  async (type) => {
    const response = await serving.fetch(`/models/${MODEL}`, {
      method: 'POST',
      body: JSON_TEXT,
      headers: { 'content-type': type },
    });
    expect(await response.json()).toEqual(answer);
  },
);
