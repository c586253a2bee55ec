import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';

/** What minio, s3cmd, rclone and the transfer managers of the SDKs send beside the usual requests. */

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

const put = (Key: string, Body = Key) => storage.client.send(new PutObjectCommand({ Bucket, Key, Body }));
const refusal = (name: string) => expect.objectContaining({ name });
const start = async (Key: string) => {
  const { UploadId, ...made } = await storage.client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  expect(made).toMatchObject({ Bucket, Key });
  return { Bucket, Key, UploadId };
};
const send = async (method: string, path: string, init: RequestInit = {}) => {
  const response = await fetch(`${storage.endpoint}/${path}`, { method, ...init });
  return { status: response.status, body: await response.text() };
};

describe('a multipart upload', () => {
  it('lists its parts by number, a page at a time', async () => {
    const upload = await start('parts');
    for (const PartNumber of [7, 2, 30])
      await storage.client.send(new UploadPartCommand({ ...upload, PartNumber, Body: 'x'.repeat(PartNumber) }));
    const list = (more: object) => storage.client.send(new ListPartsCommand({ ...upload, ...more }));
    await expect(list({ PartNumberMarker: 'first' })).rejects.toMatchObject({ name: 'InvalidArgument' });
    const first = await list({ MaxParts: 2 });
    expect([first.IsTruncated, first.NextPartNumberMarker]).toEqual([true, '7']);
    const rest = await list({ PartNumberMarker: first.NextPartNumberMarker });
    expect([...(first.Parts ?? []), ...(rest.Parts ?? [])]).toEqual(
      [2, 7, 30].map((PartNumber) => ({
        ...{ PartNumber, Size: PartNumber, LastModified: expect.any(Date) },
        ETag: `"${createHash('md5').update('x'.repeat(PartNumber)).digest('hex')}"`,
      })),
    );
    expect(rest.IsTruncated).toBe(false);
  });

  it('belongs to its key: another one neither adds, lists, completes nor aborts', async () => {
    const { UploadId } = await start('mine');
    const other = { Bucket, Key: 'other', UploadId };
    const commands = [
      () => storage.client.send(new UploadPartCommand({ ...other, PartNumber: 1, Body: 'x' })),
      () => storage.client.send(new ListPartsCommand(other)),
      () => storage.client.send(new CompleteMultipartUploadCommand(other)),
      () => storage.client.send(new AbortMultipartUploadCommand(other)),
    ];
    for (const command of commands) await expect(command()).rejects.toEqual(refusal('NoSuchUpload'));
  });

  it('that is aborted while a part comes refuses the part and keeps none of its bytes', async () => {
    const upload = await start('aborted');
    const before = await readdir(join(directory, 'blobs'));
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(new Uint8Array(1024));
        while ((await readdir(join(directory, 'blobs'))).length === before.length);
        await storage.client.send(new AbortMultipartUploadCommand(upload));
        controller.close();
      },
    });
    const query = `partNumber=1&uploadId=${upload.UploadId}`;
    const answer = await send('PUT', `${Bucket}/aborted?${query}`, { body, duplex: 'half' } as RequestInit);
    expect(answer).toEqual({ status: 404, body: expect.stringContaining('NoSuchUpload') });
    expect(await readdir(join(directory, 'blobs'))).toEqual(before);
  });
});

it('uploads that are not complete are listed by key and time, in pages and by folder', async () => {
  const begun: { readonly UploadId: string | undefined }[] = [];
  for (const key of ['todo/b', 'todo/a/1', 'todo/a/2', 'todo/b']) begun.push(await start(key));
  const list = (more: object) =>
    storage.client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'todo/', ...more }));
  const ids: unknown[] = [];
  for (let markers = {}; ; ) {
    const page = await list({ MaxUploads: 1, ...markers });
    ids.push(...(page.Uploads ?? []).map(({ UploadId }) => UploadId));
    if (!page.IsTruncated) break;
    markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
  expect(ids).toEqual([1, 2, 0, 3].map((at) => begun[at]?.UploadId));
  const { CommonPrefixes, Uploads = [] } = await list({ Delimiter: '/' });
  expect(CommonPrefixes).toEqual([{ Prefix: 'todo/a/' }]);
  expect(Uploads.map(({ Key }) => Key)).toEqual(['todo/b', 'todo/b']);
  expect(Date.now() - Number(Uploads[0]?.Initiated)).toBeLessThan(60_000);
});

describe('an object', () => {
  it('is read by the number of its part: it is kept as one', async () => {
    await put('whole', 'content');
    const target = { Bucket, Key: 'whole' };
    const { Body, ContentRange } = await storage.client.send(new GetObjectCommand({ ...target, PartNumber: 1 }));
    expect([await Body?.transformToString(), ContentRange]).toEqual(['content', 'bytes 0-6/7']);
    const head = await storage.client.send(new HeadObjectCommand({ ...target, PartNumber: 1 }));
    expect(head).toMatchObject({ $metadata: { httpStatusCode: 206 }, ContentLength: 7 });
    const second = storage.client.send(new GetObjectCommand({ ...target, PartNumber: 2 }));
    await expect(second).rejects.toEqual(refusal('InvalidPartNumber'));
    const both = storage.client.send(new GetObjectCommand({ ...target, PartNumber: 1, Range: 'bytes=0-1' }));
    await expect(both).rejects.toEqual(refusal('InvalidRequest'));
  });

  it('has the version null, and no other', async () => {
    await put('versioned');
    const target = { Bucket, Key: 'versioned' };
    const other = storage.client.send(new GetObjectCommand({ ...target, VersionId: 'other' }));
    await expect(other).rejects.toEqual(refusal('InvalidArgument'));
    const kept = storage.client.send(new DeleteObjectCommand({ ...target, VersionId: 'other' }));
    await expect(kept).rejects.toEqual(refusal('InvalidArgument'));
    await storage.client.send(new HeadObjectCommand({ ...target, VersionId: 'null' }));
    await storage.client.send(new DeleteObjectCommand({ ...target, VersionId: 'null' }));
    await expect(storage.client.send(new GetObjectCommand(target))).rejects.toEqual(refusal('NoSuchKey'));
  });

  it('is copied if the time of its source fits', async () => {
    await put('source');
    const copy = { Bucket, Key: 'copy', CopySource: `${Bucket}/source` };
    const fitting = { CopySourceIfModifiedSince: new Date(0), CopySourceIfUnmodifiedSince: new Date(4e12) };
    const { CopyObjectResult } = await storage.client.send(new CopyObjectCommand({ ...copy, ...fitting }));
    const etag = { CopySourceIfMatch: CopyObjectResult?.ETag, CopySourceIfUnmodifiedSince: new Date(0) };
    expect(await storage.client.send(new CopyObjectCommand({ ...copy, ...etag }))).toHaveProperty('CopyObjectResult');
  });
});

it('a bucket says its region', async () => {
  const { BucketRegion } = await storage.client.send(new HeadBucketCommand({ Bucket }));
  expect(BucketRegion).toBe('us-east-1');
});

it.each(['Capital', 'ab', 'under_score', '127.0.0.1', 'two..dots', '-hyphen'])(
  'a bucket %s is refused and not made',
  async (name) => {
    await expect(storage.client.send(new CreateBucketCommand({ Bucket: name }))).rejects.toEqual(
      refusal('InvalidBucketName'),
    );
  },
);

it('a quiet deletion names nothing that it deleted', async () => {
  await put('quiet');
  const input = { Bucket, Delete: { Objects: [{ Key: 'quiet' }], Quiet: true } };
  expect(await storage.client.send(new DeleteObjectsCommand(input))).not.toHaveProperty('Deleted');
  await expect(storage.client.send(new GetObjectCommand({ Bucket, Key: 'quiet' }))).rejects.toEqual(
    refusal('NoSuchKey'),
  );
});

it.each([
  ['a hash of other bytes', { 'x-amz-content-sha256': '0'.repeat(64) }, 'abc', 'XAmzContentSHA256Mismatch'],
  [
    'chunks of another size than announced',
    { 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': '4' },
    '3\r\nabc\r\n0\r\n\r\n',
    'IncompleteBody',
  ],
])('a write with %s is refused and leaves what was there', async (_what, headers, body, code) => {
  await put('kept');
  const answer = await send('PUT', `${Bucket}/kept`, { headers, body });
  expect(answer).toEqual({ status: 400, body: expect.stringContaining(code) });
  expect((await send('GET', `${Bucket}/kept`)).body).toBe('kept');
});

it.each(['&#x110000;', '&#1114112;', '&nothing;'])('a key with the reference %s is refused', async (reference) => {
  await put('kept');
  const body = `<Delete><Object><Key>kept${reference}</Key></Object></Delete>`;
  const answer = await send('POST', `${Bucket}?delete`, { body });
  expect(answer).toEqual({ status: 400, body: expect.stringContaining('MalformedXML') });
  expect((await send('GET', `${Bucket}/kept`)).body).toBe('kept');
});

it.each([
  ['PATCH', `${Bucket}/k`, 405, 'MethodNotAllowed'],
  ['POST', `${Bucket}/k`, 405, 'MethodNotAllowed'],
  ['OPTIONS', `${Bucket}/k`, 405, 'MethodNotAllowed'],
  ['DELETE', '', 405, 'MethodNotAllowed'],
  ['POST', `${Bucket}?delete`, 400, 'MalformedXML'],
  ['GET', `${Bucket}?encoding-type=base64`, 400, 'InvalidArgument'],
  ['GET', `${Bucket}?list-type=2&continuation-token=!`, 400, 'InvalidArgument'],
  ['GET', `${Bucket}?uploads&max-uploads=x`, 400, 'InvalidArgument'],
])('%s /%s answers %i %s', async (method, path, status, code) => {
  expect(await send(method, path)).toEqual({ status, body: expect.stringContaining(code) });
});
