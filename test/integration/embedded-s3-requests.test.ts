import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  ListObjectsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';

const Bucket = 'a-bucket';
let directory: string;
let storage: EmbeddedStorage;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'embedded-s3-'));
  storage = await startEmbeddedStorage({ directory, buckets: [Bucket] });
});
afterAll(async () => {
  await storage.stop();
  await rm(directory, { recursive: true, force: true });
});

const put = (Key: string, Body: string | Uint8Array = Key, ContentType = 'text/plain') =>
  storage.client.send(new PutObjectCommand({ Bucket, Key, Body, ContentType }));
const get = async (Key: string) => {
  const { Body, ContentType } = await storage.client.send(new GetObjectCommand({ Bucket, Key }));
  return { text: await Body?.transformToString(), ContentType };
};
const refusal = (name: string) => expect.objectContaining({ name });

describe('a copy', () => {
  it('has the bytes and the headers of its source, or headers of its own', async () => {
    await put('source/a b', 'content');
    const CopySource = `${Bucket}/source/a%20b`;
    const { CopyObjectResult } = await storage.client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource }));
    expect(CopyObjectResult?.ETag).toMatch(/^"[0-9a-f]{32}"$/);
    expect(await get('copy')).toEqual({ text: 'content', ContentType: 'text/plain' });
    const replaced = {
      Bucket,
      Key: 'other',
      CopySource,
      MetadataDirective: 'REPLACE',
      ContentType: 'text/csv',
    } as const;
    await storage.client.send(new CopyObjectCommand(replaced));
    expect(await get('other')).toEqual({ text: 'content', ContentType: 'text/csv' });
  });

  it.each([
    ['NoSuchKey', { Key: 'x', CopySource: `${Bucket}/missing` }],
    ['NoSuchBucket', { Key: 'x', CopySource: 'missing/missing' }],
    ['InvalidRequest', { Key: 'itself', CopySource: `${Bucket}/itself` }],
    ['InvalidArgument', { Key: 'x', CopySource: 'nothing' }],
    ['InvalidArgument', { Key: 'x', CopySource: '%zz/nothing' }],
    ['PreconditionFailed', { Key: 'x', CopySource: `${Bucket}/itself`, CopySourceIfMatch: '"a"' }],
    ['PreconditionFailed', { Key: 'x', CopySource: `${Bucket}/itself`, CopySourceIfUnmodifiedSince: new Date(0) }],
    ['PreconditionFailed', { Key: 'x', CopySource: `${Bucket}/itself`, CopySourceIfModifiedSince: new Date(4e12) }],
  ])('is refused as %s', async (name, input) => {
    await put('itself');
    await expect(storage.client.send(new CopyObjectCommand({ Bucket, ...input }))).rejects.toEqual(refusal(name));
  });
});

it('the first version of the listing goes on after its marker', async () => {
  for (const key of ['list/a', 'list/b/1', 'list/b/2', 'list/c']) await put(key);
  const pages: unknown[] = [];
  let Marker: string | undefined;
  do {
    const input = { Bucket, Prefix: 'list/', Delimiter: '/', MaxKeys: 1, Marker };
    const page = await storage.client.send(new ListObjectsCommand(input));
    pages.push(
      ...(page.Contents ?? []).map(({ Key }) => Key),
      ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
    );
    Marker = page.NextMarker;
  } while (Marker !== undefined);
  expect(pages).toEqual(['list/a', 'list/b/', 'list/c']);
  expect(await storage.client.send(new GetBucketLocationCommand({ Bucket }))).not.toHaveProperty('LocationConstraint');
});

describe('a listing', () => {
  it.each(['list-type=2&start-after', 'marker'])('goes on behind a folder that %s names', async (parameter) => {
    for (const key of ['behind/a/1', 'behind/a/2', 'behind/b']) await put(key);
    const url = `${storage.endpoint}/${Bucket}?prefix=behind/&delimiter=/&${parameter}=behind/a/`;
    const page = await (await fetch(url)).text();
    expect([...page.matchAll(/behind\/[^<]+/g)].map(String).filter((name) => name !== 'behind/a/')).toEqual([
      'behind/b',
    ]);
    expect(page).not.toContain('<CommonPrefixes>');
  });

  it.each(['versions&key-marker', 'marker'])('encodes what it is continued with: %s', async (parameter) => {
    for (const key of ['percent/a%20b', 'percent/a+b', 'percent/c']) await put(key);
    const names: string[] = [];
    for (let next = ''; names.length < 4; ) {
      const query = `prefix=percent/&max-keys=1&encoding-type=url&${parameter}=${encodeURIComponent(next)}`;
      const page = await (await fetch(`${storage.endpoint}/${Bucket}?${query}`)).text();
      names.push(decodeURIComponent(/<Key>([^<]*)/.exec(page)?.[1] ?? ''));
      const [, encoded] = /<Next(?:Key)?Marker>([^<]*)/.exec(page) ?? [];
      if (encoded === undefined) break;
      next = decodeURIComponent(encoded);
    }
    expect(names).toEqual(['percent/a%20b', 'percent/a+b', 'percent/c']);
  });

  it('of no keys is whole, and one of a fraction is refused', async () => {
    const list = async (count: string) => {
      const response = await fetch(`${storage.endpoint}/${Bucket}?max-keys=${count}`);
      return { status: response.status, text: await response.text() };
    };
    await put('some');
    const { status, text: page } = await list('0');
    expect([status, page.includes('<IsTruncated>false'), page.includes('<Key>')]).toEqual([200, true, false]);
    for (const count of ['1.5', '1e2', '-1', 'x']) expect((await list(count)).status).toBe(400);
  });
});

it('an object sent in signed chunks has the bytes alone, also without the coding that says so', async () => {
  const body = '5;chunk-signature=0\r\nhello\r\n0;chunk-signature=0\r\n\r\n';
  const headers = { 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' };
  await fetch(`${storage.endpoint}/${Bucket}/chunks`, { method: 'PUT', body, headers });
  expect((await get('chunks')).text).toBe('hello');
});

it.each([
  { 'x-amz-write-offset-bytes': '5' },
  { 'x-amz-tagging': 'a=b' },
  { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' },
  { 'x-amz-object-lock-mode': 'COMPLIANCE' },
])('a write with %j is refused by that name, and changes nothing', async (headers) => {
  await put('kept');
  const response = await fetch(`${storage.endpoint}/${Bucket}/kept`, { method: 'PUT', body: 'other', headers });
  expect([response.status, await response.text()]).toEqual([501, expect.stringContaining(Object.keys(headers).join())]);
  expect((await get('kept')).text).toBe('kept');
});

it('a read keeps to the time of the object, unless it names an etag', async () => {
  const { ETag = '' } = await put('timed');
  const [before, after] = ['Thu, 01 Jan 2026 00:00:00 GMT', 'Fri, 01 Jan 2100 00:00:00 GMT'];
  const read = async (headers: Record<string, string>) =>
    (await fetch(`${storage.endpoint}/${Bucket}/timed`, { headers })).status;
  expect(await read({ 'if-modified-since': after })).toBe(304);
  expect(await read({ 'if-modified-since': before })).toBe(200);
  expect(await read({ 'if-modified-since': after, 'if-none-match': '"other"' })).toBe(200);
  expect(await read({ 'if-unmodified-since': before })).toBe(412);
  expect(await read({ 'if-unmodified-since': after })).toBe(200);
  expect(await read({ 'if-unmodified-since': before, 'if-match': ETag })).toBe(200);
  expect(await read({ 'if-modified-since': 'yesterday' })).toBe(200);
});

it('a read names headers of its answer, as links for downloads do', async () => {
  await put('download');
  const query = 'response-content-type=text/csv&response-content-disposition=attachment';
  const { headers } = await fetch(`${storage.endpoint}/${Bucket}/download?${query}`);
  expect([headers.get('content-type'), headers.get('content-disposition')]).toEqual(['text/csv', 'attachment']);
});

it.each(['a\r\nb: c', 'attachment; filename="€.txt"', '\0'])(
  'a read refuses %j as a header of its answer',
  async (value) => {
    await put('download');
    const query = new URLSearchParams({ 'response-content-disposition': value });
    const response = await fetch(`${storage.endpoint}/${Bucket}/download?${query}`);
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('InvalidArgument')]);
  },
);

it('a bucket says that its versioning was never switched on', async () => {
  expect(await storage.client.send(new GetBucketVersioningCommand({ Bucket }))).not.toHaveProperty('Status');
});

it('a deletion of another version, or of objects with an etag, is refused and deletes nothing', async () => {
  await put('versioned');
  for (const condition of ['<VersionId>1</VersionId>', '<ETag>"0"</ETag>']) {
    const body = `<Delete><Object><Key>versioned</Key>${condition}</Object></Delete>`;
    const response = await fetch(`${storage.endpoint}/${Bucket}?delete`, { method: 'POST', body });
    expect([response.status, await response.text()]).toEqual([501, expect.stringContaining('NotImplemented')]);
  }
  expect((await get('versioned')).text).toBe('versioned');
});

/** The check values of https://reveng.sourceforge.io/crc-catalogue for the text 123456789. */
describe.each([
  ['crc32c', Buffer.from('e3069283', 'hex').toString('base64')],
  ['crc64nvme', Buffer.from('ae8b14860a799888', 'hex').toString('base64')],
])('the checksum %s', (name, right) => {
  it('is verified', async () => {
    const send = async (checksum: string) => {
      const headers = { [`x-amz-checksum-${name}`]: checksum };
      const response = await fetch(`${storage.endpoint}/${Bucket}/sum`, { method: 'PUT', body: '123456789', headers });
      return { status: response.status, body: await response.text() };
    };
    expect((await send(right)).status).toBe(200);
    const wrong = `A${right.slice(1)}`;
    expect(await send(wrong)).toEqual({ status: 400, body: expect.stringContaining('BadDigest') });
  });
});

describe('a presigned URL', () => {
  const signedAt = (ms: number): string => new Date(ms).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const now = Date.now();
  it.each<[string, number, string]>([
    ['of version 4', 200, `X-Amz-Date=${signedAt(now)}&X-Amz-Expires=3600&X-Amz-Signature=x`],
    ['of version 4, an hour old', 403, `X-Amz-Date=${signedAt(now - 3_600_000)}&X-Amz-Expires=60&X-Amz-Signature=x`],
    ['of version 4 for eight days', 400, `X-Amz-Date=${signedAt(now)}&X-Amz-Expires=691200`],
    ['of version 4 without its time', 400, 'X-Amz-Expires=60'],
    ['of version 2', 200, `AWSAccessKeyId=x&Signature=x&Expires=${Math.ceil(now / 1000) + 3600}`],
    [
      'of version 2 with the headers that botocore repeats',
      200,
      `content-type=a%2Fb&content-md5=x&AWSAccessKeyId=x&Signature=x&Expires=${Math.ceil(now / 1000) + 3600}`,
    ],
    ['of version 2 that is over', 403, `AWSAccessKeyId=x&Signature=x&Expires=${Math.floor(now / 1000) - 60}`],
    ['of version 2 with another time', 403, 'AWSAccessKeyId=x&Signature=x&Expires=soon'],
  ])('%s answers %i', async (_what, status, query) => {
    await put('signed', 'yes');
    const response = await fetch(`${storage.endpoint}/${Bucket}/signed?${query}`);
    expect(response.status).toBe(status);
    if (status === 200) expect(await response.text()).toBe('yes');
  });
});

it('a presigned URL has the metadata of the object in its query, and may have no tags there', async () => {
  const upload = async (query: string): Promise<number> =>
    (await fetch(`${storage.endpoint}/${Bucket}/hoisted?X-Amz-Signature=x&${query}`, { method: 'PUT', body: 'a' }))
      .status;
  expect(await upload('x-amz-meta-owner=me')).toBe(200);
  const { headers } = await fetch(`${storage.endpoint}/${Bucket}/hoisted`);
  expect(headers.get('x-amz-meta-owner')).toBe('me');
  expect(await upload('x-amz-tagging=a%3Db')).toBe(501);
});

it.each(['', '.s3'])('the name of the host may be the bucket: a-bucket%s.localhost', async (service) => {
  await put('hosted', 'yes');
  const { port } = new URL(storage.endpoint);
  const headers = { host: `${Bucket}${service}.localhost:${port}` };
  const answer = await new Promise<string>((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/hosted', headers };
    request(options, (response) => resolve(text(response)))
      .on('error', reject)
      .end();
  });
  expect(answer).toBe('yes');
});

describe('a multipart upload', () => {
  const Key = 'parts';
  const create = async () => {
    const { UploadId } = await storage.client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const target = { Bucket, Key, UploadId };
    const part = (PartNumber: number, Body: Uint8Array) =>
      storage.client.send(new UploadPartCommand({ ...target, PartNumber, Body }));
    const complete = (...Parts: readonly { ETag?: string | undefined; PartNumber: number }[]) =>
      storage.client.send(new CompleteMultipartUploadCommand({ ...target, MultipartUpload: { Parts: [...Parts] } }));
    return { target, part, complete };
  };
  const SMALL = new Uint8Array(10);
  const LARGE = new Uint8Array(5 * 1024 * 1024);

  it('takes a range of another object for a part', async () => {
    await put('digits', '0123456789');
    const { target, complete } = await create();
    const copy = { ...target, PartNumber: 1, CopySource: `${Bucket}/digits`, CopySourceRange: 'bytes=2-4' };
    const { CopyPartResult } = await storage.client.send(new UploadPartCopyCommand(copy));
    await complete({ ETag: CopyPartResult?.ETag, PartNumber: 1 });
    expect((await get(Key)).text).toBe('234');
    for (const CopySourceRange of ['bytes=2-', 'bytes=-2', '2-4']) {
      const other = storage.client.send(
        new UploadPartCopyCommand({
          ...(await create()).target,
          ...{ PartNumber: 1, CopySource: `${Bucket}/digits`, CopySourceRange },
        }),
      );
      await expect(other).rejects.toEqual(refusal('InvalidArgument'));
    }
    const beyond = storage.client.send(new UploadPartCopyCommand({ ...copy, CopySourceRange: 'bytes=8-20' }));
    await expect(beyond).rejects.toMatchObject({ name: expect.stringMatching(/InvalidRange|NoSuchUpload/) });
  });

  it('is completed by etags without quotation marks', async () => {
    const { part, complete } = await create();
    const { ETag } = await part(1, SMALL);
    await complete({ ETag: ETag?.replaceAll('"', ''), PartNumber: 1 });
    expect((await get(Key)).text).toHaveLength(10);
  });

  it('is listed by its prefix', async () => {
    const { target } = await create();
    const list = async (prefix: string) =>
      (await fetch(`${storage.endpoint}/${Bucket}?uploads&prefix=${prefix}`)).text();
    expect(await list('par')).toContain(target.UploadId);
    expect(await list('other')).not.toContain(target.UploadId);
  });

  it('refuses small parts, parts in another order, and numbers beyond 10,000', async () => {
    const { part, complete } = await create();
    const [first, second] = [await part(1, SMALL), await part(2, LARGE)];
    const [one, two] = [
      { ETag: first.ETag, PartNumber: 1 },
      { ETag: second.ETag, PartNumber: 2 },
    ];
    await expect(complete(one, two)).rejects.toEqual(refusal('EntityTooSmall'));
    await expect(complete(two, one)).rejects.toEqual(refusal('InvalidPartOrder'));
    await expect(complete()).rejects.toEqual(refusal('MalformedXML'));
    await expect(part(10_001, SMALL)).rejects.toEqual(refusal('InvalidArgument'));
    await complete(two);
  });
});
