import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { check } from './check.ts';

/** The AWS SDK for JavaScript against the S3 of `npm start`. Usage: s3-sdk.mjs <endpoint> <s3 endpoint> <bucket> <url> <packages> */

const [, endpoint, Bucket, , packages] = process.argv.slice(2);
const require = createRequire(join(packages, 'package.json'));
const { S3 } = require('@aws-sdk/client-s3');
const { Upload } = require('@aws-sdk/lib-storage');
const { getSignedUrl } = require('@aws-sdk/s3-request-presigner');
const { GetObjectCommand, PutObjectCommand, paginateListObjectsV2 } = require('@aws-sdk/client-s3');

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const settings = { endpoint, credentials, region: 'us-east-1', maxAttempts: 1 };
const s3 = new S3({ ...settings, forcePathStyle: true });
const content = randomBytes(12 * 1024 * 1024);

const read = async (Key, more = {}) => {
  const { Body } = await s3.getObject({ Bucket, Key, ...more });
  return Buffer.from(await Body.transformToByteArray());
};

await check('putObject, getObject, a range, a stream', async () => {
  await s3.putObject({ Bucket, Key: 'sdk/ü b', Body: 'content', Metadata: { owner: 'me' } });
  assert.equal(String(await read('sdk/ü b')), 'content');
  assert.equal(String(await read('sdk/ü b', { Range: 'bytes=-3' })), 'ent');
  assert.deepEqual((await s3.headObject({ Bucket, Key: 'sdk/ü b' })).Metadata, { owner: 'me' });
  await s3.putObject({ Bucket, Key: 'sdk/stream', Body: Readable.from([content]), ContentLength: content.length });
  assert.ok(content.equals(await read('sdk/stream')));
});

await check('copyObject', async () => {
  const CopySource = `${Bucket}/${encodeURIComponent('sdk/ü b')}`;
  await s3.copyObject({ Bucket, Key: 'sdk/copy', CopySource });
  assert.equal(String(await read('sdk/copy')), 'content');
});

await check('listObjects, and listObjectsV2 in pages', async () => {
  const { Contents } = await s3.listObjects({ Bucket, Prefix: 'sdk/' });
  const keys = Contents.map(({ Key }) => Key);
  assert.deepEqual(keys, ['sdk/copy', 'sdk/stream', 'sdk/ü b']);
  const paged = [];
  for await (const page of paginateListObjectsV2({ client: s3, pageSize: 1 }, { Bucket, Prefix: 'sdk/' }))
    paged.push(...page.Contents.map(({ Key }) => Key));
  assert.deepEqual(paged, keys);
});

await check('Upload in parts', async () => {
  const params = { Bucket, Key: 'sdk/large', Body: Readable.from([content]) };
  await new Upload({ client: s3, params, partSize: 5 * 1024 * 1024 }).done();
  assert.ok(content.equals(await read('sdk/large')));
});

await check('limits of parts', async () => {
  const target = { Bucket, Key: 'sdk/parts' };
  const { UploadId } = await s3.createMultipartUpload(target);
  const parts = [];
  for (const PartNumber of [1, 2])
    parts.push({ PartNumber, ETag: (await s3.uploadPart({ ...target, UploadId, PartNumber, Body: 'small' })).ETag });
  const complete = (Parts) => s3.completeMultipartUpload({ ...target, UploadId, MultipartUpload: { Parts } });
  await assert.rejects(complete(parts), { name: 'EntityTooSmall' });
  await assert.rejects(complete(parts.toReversed()), { name: 'InvalidPartOrder' });
  const beyond = { ...target, UploadId, PartNumber: 10_001, Body: 'a' };
  await assert.rejects(s3.uploadPart(beyond), { name: 'InvalidArgument' });
  await s3.abortMultipartUpload({ ...target, UploadId });
  await assert.rejects(complete(parts), { name: 'NoSuchUpload' });
});

const SUMS = {
  CRC32: 'y/Q5Jg==',
  CRC32C: '4waSgw==',
  CRC64NVME: 'rosUhgp5mIg=',
  SHA1: '98O8HYCOBHMq32eZZczDTKeuNEE=',
  SHA256: 'FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=',
};
for (const [ChecksumAlgorithm, sum] of Object.entries(SUMS))
  await check(`${ChecksumAlgorithm} is verified`, async () => {
    const put = { Bucket, Key: 'sdk/sum', Body: '123456789' };
    await s3.putObject({ ...put, ChecksumAlgorithm });
    await s3.putObject({ ...put, [`Checksum${ChecksumAlgorithm}`]: sum });
    const other = { ...put, Body: '12345678', [`Checksum${ChecksumAlgorithm}`]: sum };
    await assert.rejects(s3.putObject(other), { name: 'BadDigest' });
  });

await check('presigned URLs, until they expire', async () => {
  const target = { Bucket, Key: 'sdk/signed' };
  const put = await getSignedUrl(s3, new PutObjectCommand(target), { expiresIn: 60 });
  assert.equal((await fetch(put, { method: 'PUT', body: 'put' })).status, 200);
  const owned = await getSignedUrl(s3, new PutObjectCommand({ ...target, Metadata: { owner: 'me' } }));
  assert.equal((await fetch(owned, { method: 'PUT', body: 'put' })).status, 200);
  assert.deepEqual((await s3.headObject(target)).Metadata, { owner: 'me' });
  const get = (expiresIn) => getSignedUrl(s3, new GetObjectCommand(target), { expiresIn });
  assert.equal(await (await fetch(await get(60))).text(), 'put');
  const short = await get(1);
  await setTimeout(2_000);
  assert.equal((await fetch(short)).status, 403);
});

await check('the bucket in the name of the host', async () => {
  // No name below localhost is asked of a server: not every system knows them.
  const lookup = (_host, { all }, found) =>
    all ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4);
  const named = new S3({
    ...settings,
    endpoint: endpoint.replace('127.0.0.1', 'localhost'),
    requestHandler: { httpAgent: new Agent({ lookup }) },
  });
  await named.putObject({ Bucket, Key: 'sdk/host', Body: 'virtual' });
  assert.equal(String(await read('sdk/host')), 'virtual');
  assert.equal((await named.listObjectsV2({ Bucket, Prefix: 'sdk/host' })).KeyCount, 1);
  named.destroy();
});

await check('conditional writes', async () => {
  const put = { Bucket, Key: 'sdk/once', Body: 'a' };
  await s3.putObject({ ...put, IfNoneMatch: '*' });
  await assert.rejects(s3.putObject({ ...put, IfNoneMatch: '*' }), { name: 'PreconditionFailed' });
});

await check('deleteObjects', async () => {
  const { Contents } = await s3.listObjectsV2({ Bucket, Prefix: 'sdk/' });
  await s3.deleteObjects({ Bucket, Delete: { Objects: Contents.map(({ Key }) => ({ Key })) } });
  await assert.rejects(read('sdk/copy'), { name: 'NoSuchKey' });
  assert.equal((await s3.listObjectsV2({ Bucket, Prefix: 'sdk/' })).KeyCount, 0);
});
s3.destroy();
