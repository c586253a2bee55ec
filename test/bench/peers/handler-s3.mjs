/** The same function with its model in S3: it brings the files first, and then is `handler.mjs`. The SDK is the one of Lambda's runtime. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';

const { PEER_BUCKET: Bucket, PEER_PREFIX = '', AWS_ENDPOINT_URL } = process.env;
const FILES = ['config.json', 'preprocessor_config.json', 'onnx/model.onnx'];

const client = new S3Client({ forcePathStyle: AWS_ENDPOINT_URL !== undefined });
const folder = await mkdtemp(path.join(tmpdir(), 'peer-'));
await Promise.all(
  FILES.map(async (name) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: PEER_PREFIX + name }));
    const file = path.join(folder, 'efficientnet-lite0', name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, await Body.transformToByteArray());
  }),
);
process.env.PEER_MODELS = folder;
export const { handler } = await import('./handler.mjs');
