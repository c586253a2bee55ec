import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { createFunction } from '../../../local/function-process.ts';
import { modelPrefix } from '../../../src/repository/keys.ts';
import { toFigure } from '../figures.ts';
import type { Results } from '../measures.ts';
import { inferEvent } from '../sample.ts';
import { projectRoot, type Workbench } from '../workbench.ts';

const MODELS = 1000;
const VERSIONS = 10;
/** So many of the models are called. */
const CALLED = 7;
const WRITERS = 16;

/** Of one width: each name takes the place of the first one in its documents. */
const NAMES = Array.from({ length: MODELS }, (_, index) => `scale-${String(index).padStart(4, '0')}`);

/** Hands requests on to `endpoint` and counts those that ask for no part of a file. */
const startCountingProxy = async (endpoint: string) => {
  const agent = new Agent({ keepAlive: true });
  let requests = 0;
  const server = createServer((incoming, answer) => {
    const { method, headers, url = '/' } = incoming;
    if (headers.range === undefined) requests += 1;
    const outgoing = request(new URL(url, endpoint), { method, headers, agent }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    incoming.pipe(outgoing);
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
      agent.destroy();
    },
  };
};

/** Pushes a small model ten times, and copies what that wrote to all other names: documents alone where no one calls. */
const publishMany = async ({ storage, repository, push }: Workbench): Promise<void> => {
  const [first = '', ...others] = NAMES;
  for (let version = 1; version <= VERSIONS; version += 1)
    await push(path.join(projectRoot, 'test/fixtures/models/add.onnx'), first);

  const agent = new Agent({ keepAlive: true, maxSockets: WRITERS });
  const put = async (key: string, body: Uint8Array): Promise<void> => {
    const options = { method: 'PUT', agent, headers: { 'content-length': body.byteLength } };
    const sent = request(`${storage.endpoint}/${storage.modelsBucket}/${key}`, options).end(body);
    const [response] = await once(sent, 'response');
    assert.equal(response.statusCode, 200, await text(response));
  };
  for await (const { key } of repository.store.list(modelPrefix(first))) {
    const { body } = await repository.store.read(key);
    const isDocument = key.endsWith('.json');
    const copies = (isDocument ? others : others.slice(0, CALLED)).map((name) => {
      const copy = isDocument ? Buffer.from(Buffer.from(body).toString().replaceAll(first, name)) : body;
      return put(key.replace(first, name), copy);
    });
    await Promise.all(copies);
  }
  agent.destroy();
};

/** S3 requests that a model costs until it answers, and afterwards, when the bucket holds a thousand. */
export const countMetadataRequests = async (workbench: Workbench): Promise<Results> => {
  await publishMany(workbench);
  const proxy = await startCountingProxy(workbench.storage.endpoint);
  const infer = createFunction({
    name: 'infer',
    modulePath: path.join(workbench.directory, 'infer/handler.mjs'),
    memoryMb: 1769,
    timeoutSeconds: 29,
    environment: { ...workbench.environment(), AWS_ENDPOINT_URL: proxy.endpoint },
    onLine: () => {},
  });
  const countCall = async (model: string): Promise<number> => {
    const row = { shape: [1, 3], data: [1, 2, 3] };
    const answer = await infer.invoke(await inferEvent(model, { name: 'a', ...row }, { name: 'b', ...row }));
    const { statusCode, body } = answer as { statusCode: number; body: string };
    assert.equal(statusCode, 200, body);
    return proxy.take();
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
    proxy.stop();
  }
};
