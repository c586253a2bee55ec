import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createFunction } from '../../../local/functions/function-process.ts';
import { modelPrefix } from '../../../src/repository/keys.ts';
import { toFigure } from '../figures.ts';
import type { Results } from '../measures.ts';
import { inferEvent } from '../sample.ts';
import { projectRoot, type Workbench } from '../workbench.ts';

const MODELS = 1000;
const VERSIONS = 10;
/** So many of the models are called. */
const CALLED = 7;

/** Of one width: each name takes the place of the first one in its documents. */
const NAMES = Array.from({ length: MODELS }, (_, index) => `scale-${String(index).padStart(4, '0')}`);

/** The least of an S3 that a function reads models from; counts the requests that ask for no part of a file. */
const startCountingS3 = async (objects: ReadonlyMap<string, Uint8Array>) => {
  let requests = 0;
  const server = createServer(({ method, url = '', headers }, response) => {
    const { pathname } = new URL(url, 'http://s3');
    const object = method === 'GET' || method === 'HEAD' ? objects.get(pathname) : undefined;
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
    if (start === undefined) requests += 1;
    if (object === undefined) {
      response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
      return;
    }
    const body = start === undefined ? object : object.subarray(Number(start), Number(end) + 1);
    const range = start !== undefined && { 'content-range': `bytes ${start}-${end}/${object.byteLength}` };
    response.writeHead(range ? 206 : 200, { etag: '"1"', 'content-length': body.byteLength, ...range });
    response.end(method === 'GET' ? body : undefined);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** How many there were since the last call. */
    take: (): number => {
      const taken = requests;
      requests = 0;
      return taken;
    },
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

/** Pushes a small model ten times, and copies what that wrote to all other names. */
const publishMany = async ({ storage, repository, push }: Workbench): Promise<Map<string, Uint8Array>> => {
  const [first = '', ...others] = NAMES;
  for (let version = 1; version <= VERSIONS; version += 1)
    await push(path.join(projectRoot, 'test/fixtures/models/add.onnx'), first);

  const objects = new Map<string, Uint8Array>();
  for await (const { key } of repository.store.list(modelPrefix(first))) {
    const { body } = await repository.store.read(key);
    for (const name of others) {
      const copy = key.endsWith('.json') ? Buffer.from(Buffer.from(body).toString().replaceAll(first, name)) : body;
      objects.set(`/${storage.modelsBucket}/${key.replace(first, name)}`, copy);
    }
  }
  return objects;
};

/** S3 requests that a model costs until it answers, and afterwards, when the bucket holds a thousand. */
export const countMetadataRequests = async (workbench: Workbench): Promise<Results> => {
  const s3 = await startCountingS3(await publishMany(workbench));
  const infer = createFunction({
    name: 'infer',
    modulePath: path.join(workbench.directory, 'infer/handler.mjs'),
    memoryMb: 1769,
    timeoutSeconds: 29,
    environment: { ...workbench.environment(), AWS_ENDPOINT_URL: s3.endpoint },
    onLine: () => {},
  });
  const countCall = async (model: string): Promise<number> => {
    const row = { shape: [1, 3], data: [1, 2, 3] };
    const answer = await infer.invoke(await inferEvent(model, { name: 'a', ...row }, { name: 'b', ...row }));
    const { statusCode, body } = answer as { statusCode: number; body: string };
    assert.equal(statusCode, 200, body);
    return s3.take();
  };
  try {
    const cold: number[] = [];
    const warm: number[] = [];
    for (const model of NAMES.slice(1, CALLED + 1)) {
      cold.push(await countCall(model));
      warm.push(await countCall(model));
    }
    const figures = {
      'scale.metadata_requests': toFigure(cold),
      'scale.metadata_requests_warm': toFigure(warm),
    };
    return { figures, times: {} };
  } finally {
    await infer.stop();
    s3.stop();
  }
};
