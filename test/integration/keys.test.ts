import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type LocalServer, startLocalServer } from '../../local/local-server.ts';
import { changeKeys, readKeys } from '../../src/access/key-document.ts';
import { COMMAND_PATIENCE } from '../../src/repository/stores/s3-patience.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { type Ran, runCli } from '../support/command-line.ts';
import { createTestS3Client } from '../support/s3.ts';
import { startIssuer } from '../support/token-issuer.ts';

/** The project itself, with no sample models to push. */
const PARTS = ['serverless.yml', 'functions', 'src', 'package.json', 'node_modules'];

let project: string;
let server: LocalServer;
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'keys-'));
  for (const part of PARTS) await symlink(resolve(part), join(project, part));
  server = await startLocalServer({
    ...{ project, directory: join(project, '.local'), port: 0 },
    ...{ parameters: { auth: 'key' }, atOnce: ['infer'], onLine: () => undefined },
  });
});
afterAll(async () => {
  await server.stop();
  await rm(project, { recursive: true });
});

const cli = (...words: string[]): Promise<Ran> => runCli(words, { projectDirectory: project });

const ask = async (path: string, authorization?: string): Promise<{ status: number; body: unknown }> => {
  const headers = authorization === undefined ? {} : { authorization };
  const response = await fetch(`${server.endpoint}${path}`, { headers });
  return { status: response.status, body: await response.json() };
};

const create = async (...words: string[]): Promise<{ id: string; key: string }> => {
  const { exitCode, json } = await cli('key', 'create', ...words, '--json');
  expect(exitCode).toBe(0);
  const key = String(json.key);
  // Running functions know a new key within a second.
  while ((await ask('/v2/health/live', `Bearer ${key}`)).status !== 200)
    await new Promise((wake) => setTimeout(wake, 50));
  return { id: String(json.id), key };
};

describe('npm start with auth=key', () => {
  it('answers the holder of a key, and nobody else', async () => {
    const { key } = await create('alice');
    expect(await ask('/models')).toEqual({ status: 401, body: { message: 'Unauthorized' } });
    expect(await ask('/models', 'Bearer x')).toEqual({ status: 403, body: { message: 'Forbidden' } });
    expect(await ask('/models', key)).toEqual({ status: 403, body: { message: 'Forbidden' } });
    expect(await ask('/models', `Bearer ${key}`)).toEqual({ status: 200, body: { models: [] } });
  });

  it('refuses a key in the shape of the project where its scopes do not suffice', async () => {
    const { key } = await create('bob', '--model', 'iris', '--model', 'wine');
    expect(await ask('/models', `Bearer ${key}`)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(await ask('/v2/models/secret', `Bearer ${key}`)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(await ask('/v2/models/iris', `Bearer ${key}`)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  });

  it('counts the requests of a key with limits, for jobs and streams, too, and says when to come again', async () => {
    const { key } = await create('dora', '--daily', '6', '--rate', '1000');
    const first = await fetch(`${server.endpoint}/v2`, { headers: { authorization: `Bearer ${key}` } });
    expect(first.headers.get('ratelimit-policy')).toBe('"second";q=1000;w=1, "day";q=6;w=86400');
    expect(first.headers.get('ratelimit')).toMatch(/^"second";r=\d+;t=1, "day";r=[0-4];t=\d+$/);
    const asked = await Promise.all(Array.from({ length: 6 }, () => ask('/v2', `Bearer ${key}`)));
    expect(asked.map(({ status }) => status)).toContain(429);
    for (const more of [{}, { prefer: 'respond-async' }, { accept: 'text/event-stream' }]) {
      const headers = { authorization: `Bearer ${key}`, ...more };
      const refused = await fetch(`${server.endpoint}/models/iris`, {
        method: 'POST',
        headers,
        body: '{"inputs": []}',
      });
      expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true]);
      expect(await refused.json()).toMatchObject({ code: 'TOO_MANY_REQUESTS' });
    }
  });

  it('checks keys and their scopes on the URL of streams, too', async () => {
    const { key } = await create('carol', '--model', 'iris');
    const send = async (authorization: string | undefined, model: string) => {
      const headers = { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) };
      const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }], stream: true });
      const url = `${server.functionUrls.stream}/v1/chat/completions`;
      const response = await fetch(url, { method: 'POST', headers, body });
      return [response.status, ((await response.json()) as { error: { code: string } }).error.code];
    };
    expect(await send(undefined, 'iris')).toEqual([401, 'invalid_api_key']);
    expect(await send('Bearer x', 'iris')).toEqual([401, 'invalid_api_key']);
    expect(await send(`Bearer ${key}`, 'secret')).toEqual([403, 'forbidden']);
    expect(await send(`Bearer ${key}`, 'iris')).toEqual([404, 'model_not_found']); // nobody has pushed it
  });

  it('takes no auth=jwt, and says what checks tokens', async () => {
    const directory = join(project, '.tokens');
    const start = (parameters: Readonly<Record<string, string>>) =>
      startLocalServer({ project, directory, port: 0, parameters: { auth: 'jwt', ...parameters }, onLine: () => {} });
    await expect(start({})).rejects.toThrow('the parameter jwtIssuer is ""');
    const starting = start({ jwtIssuer: 'https://issuer.example.org', jwtAudience: 'models' });
    await expect(starting).rejects.toThrow(
      'functions.infer: httpApi: npm start does not take auth=jwt; AUTH=key_or_jwt',
    );
  });
});

it('npm start with auth=key_or_jwt answers the holders of keys and of tokens', async () => {
  const issuer = await startIssuer();
  const directory = join(project, '.both');
  const parameters = { auth: 'key_or_jwt', jwtIssuer: issuer.issuer, jwtAudience: 'models' };
  const both = await startLocalServer({
    project,
    directory,
    port: 0,
    parameters,
    atOnce: ['infer'],
    onLine: () => undefined,
  });
  const askBoth = async (credential: string, path = '/models', endpoint = both.endpoint): Promise<number> =>
    (await fetch(`${endpoint}${path}`, { headers: { authorization: `Bearer ${credential}` } })).status;
  try {
    expect(await askBoth(await issuer.sign())).toBe(200);
    expect(await askBoth(await issuer.sign({ scope: 'predict:iris' }))).toBe(403);
    expect(await askBoth(await issuer.sign({}, 'stranger'))).toBe(403);
    const stream = Object.values(both.functionUrls)[0];
    expect(await askBoth(await issuer.sign(), '/models', stream)).toBe(200);
    expect(await askBoth(await issuer.sign({}, 'stranger'), '/models', stream)).toBe(401);
  } finally {
    await both.stop();
    await issuer.stop();
  }
});

describe('the command key', () => {
  it.each([
    ['--rate', '0'],
    ['--daily', '1.5'],
    ['--rate', '-1'],
    ['--daily', 'many'],
  ])('refuses %s %s', async (option, value) => {
    const { exitCode, stderr } = await cli('key', 'create', 'erin', `${option}=${value}`);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(`${option} ${value}, expected a whole number`)]);
  });

  it('shows the limits of a key, which its successor has, too', async () => {
    const { id } = await create('fred', '--rate', '5', '--daily', '10000');
    await cli('key', 'rotate', id);
    const { stdout } = await cli('key', 'list');
    expect(stdout.split('\n').filter((line) => /fred .* 5\/s, 10000\/day/.test(line))).toHaveLength(2);
  });

  it('shows a key once, and lists it without its secret', async () => {
    const { stdout } = await cli(
      'key',
      'create',
      'carol',
      '--operation',
      'predict',
      '--operation',
      'jobs',
      '--days',
      '30',
    );
    const [text = '', note] = stdout.split('\n');
    expect(text).toMatch(/^ons_[0-9a-f]{10}_/);
    expect(note).toBe(`Key ${text.slice(4, 14)} of carol may predict, jobs. Keep it now: nobody can show it again.`);
    const listed = await cli('key', 'list');
    expect(listed.stdout).toMatch(
      new RegExp(`^${text.slice(4, 14)} +carol +predict jobs +none +\\S+ \\S+ +live until `, 'm'),
    );
    expect(listed.stdout + (await cli('key', 'list', '--json')).stdout).not.toContain(text.slice(15, 58));
  });

  it('rotates a key, and revokes one', async () => {
    const old = await create('dave', '--model', 'iris');
    const rotated = await cli('key', 'rotate', old.id, '--json');
    expect(rotated.json).toMatchObject({
      holder: 'dave',
      scopes: ['predict:iris'],
      key: expect.stringMatching(/^ons_/),
    });
    expect((await cli('key', 'create', 'dave', '--json')).json).toMatchObject({ code: 'CONFLICT' });
    expect(await cli('key', 'revoke', old.id)).toMatchObject({
      stdout: `Revoked ${old.id}: within a minute it lets nobody in\n`,
    });
    expect((await cli('key', 'list')).stdout).toMatch(new RegExp(`^${old.id} .*revoked \\d`, 'm'));
  });

  it('takes a key, or the part of one that a log has, in the place of its id', async () => {
    const { id, key } = await create('erin');
    const rotated = (await cli('key', 'rotate', key, '--json')).json as { readonly id: string; readonly key: string };
    expect(await cli('key', 'revoke', key)).toMatchObject({ stdout: expect.stringMatching(`^Revoked ${id}:`) });
    expect(await cli('key', 'revoke', rotated.key.slice(0, 30))).toMatchObject({
      stdout: expect.stringMatching(`^Revoked ${rotated.id}:`),
    });
  });

  it.each([
    [['make', 'x'], 'INVALID_REQUEST', 'key make, expected create, list, rotate, revoke'],
    [['create'], 'INVALID_REQUEST', 'key create takes a holder behind it'],
    [['list', 'x'], 'INVALID_REQUEST', 'key list takes nothing behind it'],
    [['rotate', 'x'], 'NOT_FOUND', 'there is no key x; npx onnx-serverless key list shows them'],
    [['create', 'x', '--days', '0'], 'INVALID_REQUEST', '--days 0, expected a number of days from 1 to 9999'],
    [['create', 'x', '--operation', 'read'], 'INVALID_REQUEST', 'operation read is not known'],
    [['create', 'x', '--model', 'a:b'], 'INVALID_REQUEST', 'model name "a:b" is not allowed'],
    [['create', 'a b'], 'INVALID_REQUEST', 'holder a b is not allowed'],
  ])('refuses %j', async (words, code, error) => {
    expect((await cli('key', ...words, '--json')).json).toMatchObject({ code, error: expect.stringContaining(error) });
  });

  it('lists 10,000 keys, and makes one more, which lets its holder in', async () => {
    const client = createTestS3Client(server.s3Endpoint, COMMAND_PATIENCE); // as the command line has, on a busy machine
    const store = createS3UploadStore(client, server.modelsBucket, COMMAND_PATIENCE);
    const { entries } = await readKeys(store);
    await changeKeys(store, (keys) => [
      ...keys,
      ...Array.from({ length: 10_000 }, (_, index) => ({
        ...{ id: index.toString(16).padStart(10, '0'), holder: `holder-${index}`, sha256: '0'.repeat(64) },
        ...{ scopes: ['predict'], by: 'a test', created: new Date().toISOString() },
      })),
    ]);
    const { key } = await create('last');
    expect(await ask('/models', `Bearer ${key}`)).toMatchObject({ status: 200 });
    const { stdout } = await cli('key', 'list');
    expect(stdout.trimEnd().split('\n')).toHaveLength(1 + entries.length + 10_000 + 1);
  });
});
