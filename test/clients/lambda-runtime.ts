import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LOCAL_CREDENTIALS } from '../../src/core/aws-defaults.ts';
import { check } from './check.ts';
import { type PostedAnswer, type RuntimeApi, startRuntimeApi } from './runtime-api.ts';

/**
 * AWS's own runtime for Node, unchanged, runs the function `stream` against a runtime API that is played here.
 * Usage: lambda-runtime.ts <endpoint> <s3 endpoint> <data bucket> <endpoint of streams> <folder of packages>
 */

const [, s3Endpoint = '', dataBucket = '', , packages = ''] = process.argv.slice(2);
const PRELUDE_END = Buffer.alloc(8);

/** The client that the runtime loads as a native module is not built: it asks for events over HTTP then, and needs none to stream. */
const PRELOAD = `import Module from 'node:module';
Module._extensions['.node'] = (module, path) => {
  if (path.endsWith('rapid-client.node')) module.exports = {};
  else process.dlopen(module, path);
};
`;

const startRuntime = async (directory: string, { address }: RuntimeApi): Promise<ChildProcess> => {
  const handler = pathToFileURL(resolve('functions/stream/handler.ts')).href;
  await writeFile(join(directory, 'handler.mjs'), `export { handler } from ${JSON.stringify(handler)};\n`);
  await writeFile(join(directory, 'preload.mjs'), PRELOAD);
  const ric = join(packages, 'node_modules/aws-lambda-ric');
  await writeFile(join(ric, 'rapid-client.node'), '');
  return spawn(
    process.execPath,
    ['--import', join(directory, 'preload.mjs'), join(ric, 'index.mjs'), 'handler.handler'],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        PATH: process.env.PATH,
        AWS_LAMBDA_RUNTIME_API: address,
        AWS_LAMBDA_NODEJS_USE_ALTERNATIVE_CLIENT_1: 'true',
        ...{ LAMBDA_TASK_ROOT: directory, _HANDLER: 'handler.handler', AWS_LAMBDA_FUNCTION_NAME: 'stream' },
        ...{
          AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
          AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/stream',
          AWS_LAMBDA_LOG_STREAM_NAME: 'test',
        },
        ...{ AWS_REGION: 'us-east-1', AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1769', AWS_ENDPOINT_URL: s3Endpoint },
        ...{
          AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
          AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
        },
        ...{ MODELS_BUCKET: 'models', DATA_BUCKET: dataBucket, MODEL_CACHE_DIR: join(directory, 'models') },
        ...{ API_AUTH: 'none', POWERTOOLS_SERVICE_NAME: 'test', POWERTOOLS_METRICS_NAMESPACE: 'test' },
      },
    },
  );
};

const chatEvent = (fields: Readonly<Record<string, unknown>>) => ({
  ...{ version: '2.0', rawPath: '/v1/chat/completions', headers: { 'content-type': 'application/json' } },
  body: JSON.stringify({ model: 'chat', messages: [{ role: 'user', content: 'Hello' }], stream: true, ...fields }),
  requestContext: { http: { method: 'POST' }, requestId: 'url-request', domainName: 'x.lambda-url.us-east-1.on.aws' },
});

/** The head and the events of a stream. */
const parse = ({ headers, chunks }: PostedAnswer) => {
  assert.equal(headers['lambda-runtime-function-response-mode'], 'streaming');
  assert.equal(headers['transfer-encoding'], 'chunked');
  assert.equal(headers['content-type'], 'application/vnd.awslambda.http-integration-response');
  const bytes = Buffer.concat(chunks);
  const end = bytes.indexOf(PRELUDE_END);
  const head: { statusCode: number; headers: Record<string, string> } = JSON.parse(bytes.toString('utf8', 0, end));
  return { head, body: bytes.toString('utf8', end + PRELUDE_END.length) };
};

const directory = await mkdtemp(join(tmpdir(), 'lambda-runtime-'));
const api = await startRuntimeApi();
const runtime = await startRuntime(directory, api);
try {
  await check('prelude, eight zero bytes, and the events in chunks', async () => {
    const answer = await api.invoke(chatEvent({ max_tokens: 8, temperature: 0 }), 60_000);
    const { head, body } = parse(answer);
    assert.equal(head.statusCode, 200);
    assert.equal(head.headers['content-type'], 'text/event-stream');
    assert.ok(body.startsWith('data: {') && body.endsWith('data: [DONE]\n\n'));
    assert.ok(answer.chunks.length >= 3, `${answer.chunks.length} chunks`);
    assert.deepEqual(answer.trailers, {});
  });

  await check('a refusal has its status', async () => {
    const { head, body } = parse(await api.invoke(chatEvent({ temperature: -1 }), 60_000));
    assert.equal(head.statusCode, 400);
    assert.match(body, /temperature/);
  });

  await check('an event without a request is answered', async () => {
    assert.equal(parse(await api.invoke({ Records: [] }, 60_000)).head.statusCode, 400);
  });

  await check('a fault in the middle is the last event', async () => {
    const timed = async (tokens: number, patienceMs: number): Promise<{ answer: PostedAnswer; ms: number }> => {
      const startMs = performance.now();
      const answer = await api.invoke(chatEvent({ max_tokens: tokens, logit_bias: { 2: -100 } }), patienceMs);
      return { answer, ms: performance.now() - startMs };
    };
    const { ms } = await timed(400, 60_000);
    const { answer } = await timed(4_000, Math.max(1_500, 4 * ms)); // the begin of the answer comes in time, its end does not
    const { head, body } = parse(answer);
    assert.equal(head.statusCode, 200);
    const last = body.trimEnd().split('\n\n').at(-1) ?? '';
    assert.match(last, /^data: \{"error":\{"message":".*deadline.*"code":"deadline_exceeded"\}\}$/);
  });
} finally {
  runtime.kill();
  await once(runtime, 'exit');
  api.stop();
  await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
