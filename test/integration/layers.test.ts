import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { ensureLayer, layerNames } from '../../layers/build.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { ARCHITECTURE } from '../support/architecture.ts';
import { bundleFunction } from '../support/bundled-function.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { publishSample, SAMPLE_FOLDER } from '../support/serving.ts';

const run = promisify(execFile);
const MODEL = 'efficientnet-lite0';
const canLoad = process.platform === 'linux';
if (!canLoad) process.stderr.write(`Skipped: layers hold programs for Linux, and this is ${process.platform}.\n`);

/** Outside the project: nothing that is required from here finds the project's node_modules. */
let sandbox: string;
beforeAll(async () => {
  sandbox = await mkdtemp(path.join(tmpdir(), 'layers-'));
});
afterAll(() => rm(sandbox, { recursive: true }));

/** What the Lambda runtime does for one event. */
const INVOKE = `
import { readFile, writeFile } from 'node:fs/promises';
import { handler } from './task/handler.mjs';
const event = JSON.parse(await readFile('event.json', 'utf8'));
const context = { awsRequestId: 'request', functionName: 'infer', getRemainingTimeInMillis: () => 29_000 };
await writeFile('result.json', JSON.stringify(await handler(event, context)));
`;

const photoEvent = (photo: Buffer): APIGatewayProxyEventV2 => ({
  version: '2.0',
  routeKey: 'ANY /{proxy+}',
  rawPath: `/models/${MODEL}`,
  rawQueryString: '',
  headers: { 'content-type': 'image/jpeg' },
  requestContext: {
    accountId: '000000000000',
    apiId: 'api',
    domainName: 'api.execute-api.localhost',
    domainPrefix: 'api',
    http: { method: 'POST', path: `/models/${MODEL}`, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test' },
    requestId: 'request',
    routeKey: 'ANY /{proxy+}',
    stage: '$default',
    time: '01/Jan/2026:00:00:00 +0000',
    timeEpoch: Date.now(),
  },
  body: photo.toString('base64'),
  isBase64Encoded: true,
});

(canLoad ? describe : describe.skip)('the bundled infer function with the layers for this processor', () => {
  let storage: EmbeddedStorage;

  /** Posts a photo of an espresso to the function, in a process that knows nothing of the project. */
  const postEspresso = async (nodePath: string): Promise<{ statusCode: number; body: string; log: string }> => {
    const environment = {
      AWS_ENDPOINT_URL: storage.endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      MODELS_BUCKET: storage.modelsBucket,
      DATA_BUCKET: storage.dataBucket,
      MODEL_CACHE_DIR: path.join(sandbox, 'models'),
      NODE_PATH: nodePath,
    };
    const { stdout, stderr } = await run(process.execPath, ['invoke.mjs'], { cwd: sandbox, env: environment });
    return { ...JSON.parse(await readFile(path.join(sandbox, 'result.json'), 'utf8')), log: stdout + stderr };
  };

  beforeAll(async () => {
    for (const name of layerNames)
      await cp(await ensureLayer(name, ARCHITECTURE), path.join(sandbox, 'opt'), { recursive: true });
    const { folder } = await bundleFunction('infer');
    await cp(folder, path.join(sandbox, 'task'), { recursive: true });
    await writeFile(path.join(sandbox, 'invoke.mjs'), INVOKE);
    const photo = await readFile(path.join(SAMPLE_FOLDER, 'samples/coffee.jpg'));
    await writeFile(path.join(sandbox, 'event.json'), JSON.stringify(photoEvent(photo)));
    storage = await startEmbeddedStorage();
    await publishSample(createModelRepository(createS3UploadStore(storage.client, storage.modelsBucket)), MODEL);
  });
  afterAll(() => storage.stop());

  it('answers a photo with its label, with NODE_PATH alone', async () => {
    const { statusCode, body } = await postEspresso(path.join(sandbox, 'opt/nodejs/node_modules'));
    expect(statusCode).toBe(200);
    expect(JSON.parse(body)[0].label).toBe('espresso');
  });

  it('finds the library of grammars', async () => {
    const script = `console.log(require.resolve('@mlc-ai/web-xgrammar'))`;
    const environment = { NODE_PATH: path.join(sandbox, 'opt/nodejs/node_modules') };
    const { stdout } = await run(process.execPath, ['-e', script], { cwd: sandbox, env: environment });
    const text = await readFile(stdout.trim(), 'utf8');
    expect(text).toBe(await readFile('node_modules/@mlc-ai/web-xgrammar/lib/index.js', 'utf8'));
  });

  it('finds no native package anywhere else', async () => {
    const { statusCode, log } = await postEspresso('');
    expect(statusCode).toBe(500);
    expect(log).toContain("Cannot find module 'onnxruntime-node'");
  });
});

describe('the arm64 onnxruntime layer', () => {
  it('is within its size', async () => {
    const layer = await ensureLayer('onnxruntime', 'arm64'); // npm installs both CPUs' runtimes, so this needs no network
    let sizeBytes = 0;
    for (const entry of await readdir(layer, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) sizeBytes += deflateRawSync(await readFile(path.join(entry.parentPath, entry.name))).length;
    process.stdout.write(`onnxruntime.zip  ${(sizeBytes / 1e6).toFixed(1)} MB (arm64)\n`);
    expect(sizeBytes).toBeLessThanOrEqual(11_500_000);
  });
});

describe('a package that npm did not install here', () => {
  const name = 'layer-test-package';
  let registry: Server;
  let integrity: string;

  /** A registry of one package, for the real npm. */
  beforeAll(async () => {
    const folder = path.join(sandbox, 'package');
    await mkdir(folder);
    await writeFile(path.join(folder, 'package.json'), JSON.stringify({ name, version: '1.0.0' }));
    await run('tar', ['-czf', 'package.tgz', 'package'], { cwd: sandbox });
    const archive = await readFile(path.join(sandbox, 'package.tgz'));
    integrity = `sha512-${createHash('sha512').update(archive).digest('base64')}`;
    registry = createServer(({ url, headers }, response) => {
      const dist = { tarball: `http://${headers.host}/package.tgz`, integrity };
      const versions = { '1.0.0': { name, version: '1.0.0', dist } };
      response.end(
        url === '/package.tgz' ? archive : JSON.stringify({ name, 'dist-tags': { latest: '1.0.0' }, versions }),
      );
    });
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    registry.close();
  });

  /** Prints the manifest that `withPackage` finds, in a process of its own: npm reads its registry from the environment. */
  const fetchManifest = async (expectedIntegrity: string): Promise<unknown> => {
    const locked = { name, location: 'node_modules/nowhere', version: '1.0.0', integrity: expectedIntegrity };
    const script = `
      import { withPackage } from ${JSON.stringify(path.resolve('layers/locked-package.ts'))};
      import { readFile } from 'node:fs/promises';
      await withPackage(${JSON.stringify(locked)}, async (folder) => console.log(await readFile(folder + '/package.json', 'utf8')));
    `;
    const environment = {
      ...process.env,
      npm_config_registry: `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`,
      npm_config_cache: path.join(sandbox, 'npm-cache'),
    };
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { env: environment });
    return JSON.parse(stdout);
  };

  it('is fetched', async () => {
    expect(await fetchManifest(integrity)).toEqual({ name, version: '1.0.0' });
  });

  it('is refused when it is not what package-lock.json expects', async () => {
    await expect(fetchManifest('sha512-other')).rejects.toThrow('package-lock.json expects sha512-other');
  });
});
