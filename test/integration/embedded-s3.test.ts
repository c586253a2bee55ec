import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  paginateListObjectsV2,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { S3Event } from 'aws-lambda';
import { startEmbeddedAws } from '../../local/aws/embedded-aws.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';

const Bucket = 'a-bucket';
const QUEUE = { name: 'created', visibilityTimeoutSeconds: 30 };

let directory: string;
let storage: EmbeddedStorage;

const start = () =>
  startEmbeddedStorage({
    directory,
    buckets: [],
    queues: [QUEUE],
    notifications: [{ bucket: Bucket, prefix: 'uploads/', queue: QUEUE.name }],
  });

const put = (Key: string, Body: PutObjectCommandInput['Body'] = 'x', more: Partial<PutObjectCommandInput> = {}) =>
  storage.client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));

const get = async (Key: string, more: { Range?: string; IfMatch?: string; IfNoneMatch?: string } = {}) => {
  const { Body, ...rest } = await storage.client.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return { ...rest, body: Buffer.from((await Body?.transformToByteArray()) ?? []) };
};

const listedKeys = async (Prefix: string, MaxKeys = 1000): Promise<(string | undefined)[]> => {
  const keys = [];
  for await (const page of paginateListObjectsV2({ client: storage.client }, { Bucket, Prefix, MaxKeys }))
    keys.push(...(page.Contents ?? []).map(({ Key }) => Key));
  return keys;
};

const createSqsClient = () =>
  new SQSClient({
    endpoint: storage.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
  });

const failure = (name: string, httpStatusCode: number) => ({ name, $metadata: { httpStatusCode } });
const blobCount = async (): Promise<number> => (await readdir(join(directory, 'blobs'))).length;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'embedded-s3-'));
  storage = await start();
});

afterAll(async () => {
  await storage.stop();
  await rm(directory, { recursive: true });
});

beforeEach(async () => {
  await storage.client.send(new CreateBucketCommand({ Bucket }));
});

describe('a conditional write', () => {
  it('with If-None-Match creates a key once', async () => {
    await put('once', 'first', { IfNoneMatch: '*' });
    await expect(put('once', 'second', { IfNoneMatch: '*' })).rejects.toMatchObject(failure('PreconditionFailed', 412));
    expect((await get('once')).body.toString()).toBe('first');
  });

  it('with If-Match replaces only what has that etag', async () => {
    const { ETag = '' } = await put('pointer', 'one');
    await put('pointer', 'two', { IfMatch: ETag });
    await expect(put('pointer', 'three', { IfMatch: ETag })).rejects.toMatchObject(failure('PreconditionFailed', 412));
    expect((await get('pointer')).body.toString()).toBe('two');
  });

  it('with If-Match on a missing key answers NoSuchKey', async () => {
    await expect(put('absent', 'x', { IfMatch: '"0"' })).rejects.toMatchObject(failure('NoSuchKey', 404));
  });

  it('with If-None-Match and an etag is refused, as S3 refuses it', async () => {
    await expect(put('once', 'x', { IfNoneMatch: '"0"' })).rejects.toMatchObject(failure('NotImplemented', 501));
  });

  it('lets exactly one of 20 racing creators win, and keeps what the winner wrote', async () => {
    const bodies = Array.from({ length: 20 }, (_, at) => String(at).repeat(100_000));
    const outcomes = await Promise.allSettled(bodies.map((body) => put('race', body, { IfNoneMatch: '*' })));
    const winners = outcomes.flatMap(({ status }, at) => (status === 'fulfilled' ? [at] : []));
    expect(winners).toHaveLength(1);
    expect((await get('race')).body.toString()).toBe(bodies[winners[0] ?? -1]);
  });

  it('lets exactly one of 20 racing updaters of the same etag win', async () => {
    const { ETag = '' } = await put('update', 'start');
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, at) => put('update', String(at), { IfMatch: ETag })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('leaves no bytes on disk when it loses', async () => {
    await put('loser', 'x');
    const before = await blobCount();
    await put('loser', 'y', { IfNoneMatch: '*' }).catch(() => undefined);
    expect(await blobCount()).toBe(before);
  });
});

describe('bytes', () => {
  const large = randomBytes(20 * 2 ** 20);

  it('come back whole from one PUT of 20 MiB, with their MD5 as etag', async () => {
    const { ETag } = await put('large', large);
    expect(ETag).toBe(`"${createHash('md5').update(large).digest('hex')}"`);
    expect((await get('large')).body.equals(large)).toBe(true);
  });

  it('come back whole from a stream, which the SDK sends as aws-chunked with a trailing checksum', async () => {
    await put('streamed', Readable.from([large.subarray(0, 100_000), large.subarray(100_000)]), {
      ContentLength: large.byteLength,
    });
    const { body, ContentEncoding } = await get('streamed');
    expect(body.equals(large)).toBe(true);
    expect(ContentEncoding).toBeUndefined();
  });

  it('may be none', async () => {
    await put('empty', new Uint8Array());
    expect(await get('empty')).toMatchObject({ ContentLength: 0, body: Buffer.alloc(0) });
  });

  it.each([
    ['sha256', { ChecksumSHA256: createHash('sha256').update('other').digest('base64') }],
    ['md5', { ContentMD5: createHash('md5').update('other').digest('base64') }],
    ['crc32', { ChecksumCRC32: 'AAAAAA==' }],
  ])('that do not fit the %s sent with them are refused and not kept', async (_name, checksum) => {
    const before = await blobCount();
    await expect(put('corrupt', 'this', checksum)).rejects.toMatchObject(failure('BadDigest', 400));
    await expect(get('corrupt')).rejects.toMatchObject(failure('NoSuchKey', 404));
    expect(await blobCount()).toBe(before);
  });

  it('of an upload that breaks off are not kept', async () => {
    const before = await blobCount();
    const socket = connect(Number(new URL(storage.endpoint).port), '127.0.0.1');
    socket.write(`PUT /${Bucket}/broken HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\nonly this`);
    while ((await blobCount()) === before) await new Promise((wake) => setTimeout(wake, 10));
    socket.destroy();
    while ((await blobCount()) !== before) await new Promise((wake) => setTimeout(wake, 10));
    await expect(get('broken')).rejects.toMatchObject(failure('NoSuchKey', 404));
  });

  it('are removed with the object that they were, replaced or deleted', async () => {
    const before = await blobCount();
    await put('short-lived', 'one');
    await put('short-lived', 'two');
    expect(await blobCount()).toBe(before + 1);
    await storage.client.send(new DeleteObjectCommand({ Bucket, Key: 'short-lived' }));
    expect(await blobCount()).toBe(before);
  });

  it('that are being read stay whole while the object is replaced', async () => {
    await put('replaced', large);
    const { Body } = await storage.client.send(new GetObjectCommand({ Bucket, Key: 'replaced' }));
    await put('replaced', 'short');
    expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(large)).toBe(true);
  });

  it('carry their content type and metadata', async () => {
    await put('typed', 'x', { ContentType: 'image/jpeg', Metadata: { origin: 'here' }, CacheControl: 'no-store' });
    const { LastModified, ...head } = await storage.client.send(new HeadObjectCommand({ Bucket, Key: 'typed' }));
    const expected = { ContentType: 'image/jpeg', Metadata: { origin: 'here' }, CacheControl: 'no-store' };
    expect(head).toMatchObject({ ...expected, ContentLength: 1 });
    expect(LastModified).toBeInstanceOf(Date);
  });
});

describe('a read', () => {
  beforeEach(async () => {
    await put('digits', '0123456789');
  });

  it.each([
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=7-100', '789', 'bytes 7-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
  ])('of %s answers the part', async (Range, expected, contentRange) => {
    const { body, ContentRange, $metadata } = await get('digits', { Range });
    expect({ body: body.toString(), ContentRange, status: $metadata.httpStatusCode }).toEqual({
      body: expected,
      ContentRange: contentRange,
      status: 206,
    });
  });

  it('beyond the end answers InvalidRange', async () => {
    await expect(get('digits', { Range: 'bytes=10-' })).rejects.toMatchObject(failure('InvalidRange', 416));
  });

  it('with If-Match answers the range of that version or PreconditionFailed', async () => {
    const { ETag = '' } = await get('digits');
    expect((await get('digits', { Range: 'bytes=0-0', IfMatch: ETag })).body.toString()).toBe('0');
    await put('digits', 'changed');
    const stale = get('digits', { Range: 'bytes=0-0', IfMatch: ETag });
    await expect(stale).rejects.toMatchObject(failure('PreconditionFailed', 412));
  });

  it('with If-None-Match of the same etag answers 304', async () => {
    const { ETag = '' } = await get('digits');
    await expect(get('digits', { IfNoneMatch: ETag })).rejects.toMatchObject({ $metadata: { httpStatusCode: 304 } });
  });

  it('of what is missing answers as S3 does', async () => {
    const { client } = storage;
    await expect(get('missing')).rejects.toMatchObject(failure('NoSuchKey', 404));
    const head = client.send(new HeadObjectCommand({ Bucket, Key: 'missing' }));
    await expect(head).rejects.toMatchObject(failure('NotFound', 404));
    const noBucket = client.send(new GetObjectCommand({ Bucket: 'no-bucket', Key: 'missing' }));
    await expect(noBucket).rejects.toMatchObject(failure('NoSuchBucket', 404));
    const headBucket = client.send(new HeadBucketCommand({ Bucket: 'no-bucket' }));
    await expect(headBucket).rejects.toMatchObject(failure('NotFound', 404));
  });
});

describe('keys', () => {
  const KEYS = [
    'keys/with space.jpg',
    'keys/a+b=c&d?e#f.jpg',
    'keys/100%.jpg',
    'keys/naïve-猫-🐈.jpg',
    'keys/<tag> & "quotes"\'.jpg',
    'keys/a//b',
    'keys/../../up',
    'keys/folder',
    'keys/folder/inside',
    `keys/${'long'.repeat(200)}`,
  ];

  it('of every kind are written, listed, read and deleted', async () => {
    for (const key of KEYS) await put(key, key);
    expect((await listedKeys('keys/')).toSorted()).toEqual(KEYS.toSorted());
    for (const key of KEYS) expect((await get(key)).body.toString()).toBe(key);
    const Objects = KEYS.map((Key) => ({ Key }));
    const { Deleted } = await storage.client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(Deleted?.map(({ Key }) => Key)).toEqual(KEYS);
    expect(await listedKeys('keys/')).toEqual([]);
  });

  it('that differ in case or lie above a deleted one stay apart', async () => {
    for (const key of ['case/A', 'case/a', 'case/a/b']) await put(key, key);
    await storage.client.send(new DeleteObjectCommand({ Bucket, Key: 'case/a' }));
    expect(await listedKeys('case/')).toEqual(['case/A', 'case/a/b']);
  });

  it('longer than 1,024 bytes are refused', async () => {
    await expect(put('é'.repeat(513))).rejects.toMatchObject(failure('KeyTooLongError', 400));
  });
});

describe('a listing', () => {
  const KEYS = ['list/B', 'list/a', 'list/c/1', 'list/c/2', 'list/d', 'list/é', 'list/🐈'];

  beforeEach(async () => {
    await Promise.all(KEYS.map((key) => put(key)));
  });

  it.each([1, 2, 3, 1000])('of %i keys a page names each once, in the order of their bytes', async (pageSize) => {
    expect(await listedKeys('list/', pageSize)).toEqual(KEYS);
  });

  it.each([1, 2, 1000])('with a delimiter and %i entries a page names each folder once', async (MaxKeys) => {
    const entries = [];
    const request = { Bucket, Prefix: 'list/', Delimiter: '/', MaxKeys };
    for await (const page of paginateListObjectsV2({ client: storage.client }, request))
      entries.push(...(page.Contents ?? []), ...(page.CommonPrefixes ?? []));
    const names = entries.map((entry) => ('Key' in entry ? entry.Key : 'Prefix' in entry ? entry.Prefix : undefined));
    expect(names.toSorted()).toEqual(['list/B', 'list/a', 'list/c/', 'list/d', 'list/é', 'list/🐈'].toSorted());
  });

  it('carries size, quoted etag and date, and starts after a key', async () => {
    const request = { Bucket, Prefix: 'list/', StartAfter: 'list/é' };
    const { Contents, KeyCount } = await storage.client.send(new ListObjectsV2Command(request));
    const ETag = `"${createHash('md5').update('x').digest('hex')}"`;
    expect(Contents).toMatchObject([{ Key: 'list/🐈', Size: 1, ETag, LastModified: expect.any(Date) }]);
    expect(KeyCount).toBe(1);
  });

  it('of versions names the one version of each object', async () => {
    const { Versions } = await storage.client.send(new ListObjectVersionsCommand({ Bucket, Prefix: 'list/' }));
    expect(Versions?.map(({ Key, VersionId, IsLatest }) => ({ Key, VersionId, IsLatest }))).toEqual(
      KEYS.map((Key) => ({ Key, VersionId: 'null', IsLatest: true })),
    );
  });
});

describe('a multipart upload', () => {
  const parts = [randomBytes(5 * 2 ** 20), randomBytes(5 * 2 ** 20), randomBytes(1000)];

  const upload = async (Key: string) => {
    const { client } = storage;
    const created = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ContentType: 'image/png' }));
    const target = { Bucket, Key, UploadId: created.UploadId };
    const etags = await Promise.all(
      parts.map(
        async (Body, at) => (await client.send(new UploadPartCommand({ ...target, PartNumber: at + 1, Body }))).ETag,
      ),
    );
    return { ...target, MultipartUpload: { Parts: etags.map((ETag, at) => ({ ETag, PartNumber: at + 1 })) } };
  };

  it('joins its parts, in their order', async () => {
    const { ETag } = await storage.client.send(new CompleteMultipartUploadCommand(await upload('parts')));
    const digests = Buffer.concat(parts.map((part) => createHash('md5').update(part).digest()));
    expect(ETag).toBe(`"${createHash('md5').update(digests).digest('hex')}-3"`);
    const { body, ContentType } = await get('parts');
    expect(body.equals(Buffer.concat(parts))).toBe(true);
    expect(ContentType).toBe('image/png');
  });

  it('keeps to If-None-Match when it completes', async () => {
    const completion = await upload('parts-once');
    await put('parts-once', 'earlier');
    const lost = storage.client.send(new CompleteMultipartUploadCommand({ ...completion, IfNoneMatch: '*' }));
    await expect(lost).rejects.toMatchObject(failure('PreconditionFailed', 412));
    expect((await get('parts-once')).body.toString()).toBe('earlier');
  });

  it('leaves nothing when it is aborted', async () => {
    const before = await blobCount();
    const { MultipartUpload: _parts, ...target } = await upload('aborted');
    const { Uploads } = await storage.client.send(new ListMultipartUploadsCommand({ Bucket }));
    expect(Uploads).toContainEqual(expect.objectContaining({ Key: 'aborted', UploadId: target.UploadId }));
    await storage.client.send(new AbortMultipartUploadCommand(target));
    expect(await blobCount()).toBe(before);
    const late = storage.client.send(new UploadPartCommand({ ...target, PartNumber: 1, Body: 'x' }));
    await expect(late).rejects.toMatchObject(failure('NoSuchUpload', 404));
  });

  it('refuses a part with another etag', async () => {
    const completion = await upload('wrong-part');
    const MultipartUpload = { Parts: [{ ETag: '"0"', PartNumber: 1 }] };
    const wrong = storage.client.send(new CompleteMultipartUploadCommand({ ...completion, MultipartUpload }));
    await expect(wrong).rejects.toMatchObject(failure('InvalidPart', 400));
  });
});

describe('a notification', () => {
  const receive = async () => {
    const sqs = createSqsClient();
    const QueueUrl = storage.queueUrl(QUEUE.name);
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
    sqs.destroy();
    return { records: Messages.flatMap(({ Body = '' }) => (JSON.parse(Body) as S3Event).Records), Attributes };
  };

  it('tells of what is created under its prefix, as S3 writes it, and of nothing else', async () => {
    const { ETag = '' } = await put('uploads/a b+c/é.jpg', 'one');
    await put('uploads/a b+c/é.jpg', 'two!');
    await put('results/x', 'x');
    await put('uploads/a b+c/é.jpg', 'lost', { IfMatch: ETag }).catch(() => undefined);
    const { records, Attributes } = await receive();
    expect(records).toMatchObject([
      {
        eventSource: 'aws:s3',
        eventName: 'ObjectCreated:Put',
        s3: {
          bucket: { name: Bucket },
          object: { key: 'uploads/a+b%2Bc/%C3%A9.jpg', size: 3, eTag: ETag.slice(1, -1) },
        },
      },
      { s3: { object: { size: 4 } } },
    ]);
    const [first = '', second = ''] = records.map(({ s3 }) => s3.object.sequencer);
    expect(first < second && first.length === second.length).toBe(true);
    expect(Attributes).toMatchObject({ ApproximateNumberOfMessages: '0', ApproximateNumberOfMessagesNotVisible: '2' });
  });

  it('that was received but not deleted comes again after a restart', async () => {
    expect((await receive()).records).toEqual([]);
    await storage.stop();
    storage = await start();
    expect((await receive()).records).toHaveLength(2);
  });
});

describe('a bucket', () => {
  it('that holds an object is not deleted', async () => {
    const { client } = storage;
    await client.send(new CreateBucketCommand({ Bucket: 'another' }));
    await client.send(new PutObjectCommand({ Bucket: 'another', Key: 'x', Body: 'x' }));
    const refused = client.send(new DeleteBucketCommand({ Bucket: 'another' }));
    await expect(refused).rejects.toMatchObject(failure('BucketNotEmpty', 409));
    await client.send(new DeleteObjectCommand({ Bucket: 'another', Key: 'x' }));
    await client.send(new DeleteBucketCommand({ Bucket: 'another' }));
    const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
    expect(Buckets.map(({ Name }) => Name)).toContain(Bucket);
    expect(Buckets.map(({ Name }) => Name)).not.toContain('another');
  });
});

describe('the embedded S3', () => {
  it('refuses what it does not implement, instead of ignoring it', async () => {
    const response = await fetch(`${storage.endpoint}/${Bucket}/digits?acl`);
    expect({ status: response.status, body: await response.text() }).toEqual({
      status: 501,
      body: expect.stringContaining('<Code>NotImplemented</Code>'),
    });
  });

  it('lives on after a malformed request', async () => {
    expect((await fetch(`${storage.endpoint}/${Bucket}/%zz`)).status).toBe(400);
    const socket = connect(Number(new URL(storage.endpoint).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.end('rubbish\r\n\r\n');
    await put('alive', 'yes');
    expect((await get('alive')).body.toString()).toBe('yes');
  });

  it.each([{ origin: 'https://attacker.example' }, { 'sec-fetch-site': 'cross-site' }])(
    'deletes nothing for the page of another site: %j',
    async (headers) => {
      await put('precious', 'yes');
      const body = '<Delete><Object><Key>precious</Key></Object></Delete>';
      const init = { method: 'POST', headers: { 'content-type': 'text/plain', ...headers }, body };

      expect((await fetch(`${storage.endpoint}/${Bucket}?delete`, init)).status).toBe(403);

      expect((await get('precious')).body.toString()).toBe('yes');
    },
  );

  it('listens on 127.0.0.1 alone', async () => {
    const elsewhere = connect(Number(new URL(storage.endpoint).port), '127.0.0.2');
    await expect(once(elsewhere, 'connect')).rejects.toMatchObject({ code: expect.any(String) });
  });

  it('keeps everything over a restart, and removes what an unfinished write left', async () => {
    const { ETag } = await put('kept/é +', 'kept', { ContentType: 'text/plain' });
    const { UploadId } = await storage.client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'kept-upload' }));
    const part = { Bucket, Key: 'kept-upload', UploadId, PartNumber: 1 };
    const uploaded = await storage.client.send(new UploadPartCommand({ ...part, Body: 'half' }));
    await writeFile(join(directory, 'blobs', 'unfinished'), 'x');

    await storage.stop();
    storage = await start();

    expect(await get('kept/é +')).toMatchObject({ ETag, ContentType: 'text/plain', body: Buffer.from('kept') });
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: uploaded.ETag }] };
    await storage.client.send(new CompleteMultipartUploadCommand({ ...part, MultipartUpload }));
    expect((await get('kept-upload')).body.toString()).toBe('half');
    expect(await readdir(join(directory, 'blobs'))).not.toContain('unfinished');
  });

  it('refuses a directory that another one uses', async () => {
    await expect(start()).rejects.toThrow('is in use by another process');
  });

  it('does not take a damaged file for one in use', async () => {
    const damaged = await mkdtemp(join(tmpdir(), 'damaged-'));
    await writeFile(join(damaged, 'embedded.sqlite'), 'no database'.repeat(1_000));
    await expect(startEmbeddedAws({ directory: damaged, buckets: [] })).rejects.toThrow('not a database');
    await rm(damaged, { recursive: true });
  });
});
