import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createDirectoryStore } from '../../src/repository/stores/directory-store.ts';
import { type Ran, runCli } from '../support/command-line.ts';
import { createFailingStore } from '../support/failing-store.ts';
import { copyPushed } from '../support/pushed-store.ts';
import { pushModel } from '../support/tried-models.ts';

const ADD = 'test/fixtures/models/add.onnx';
const COLOURS = 'test/fixtures/models/colours';
const REQUEST = {
  inputs: [
    { name: 'a', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] },
    { name: 'b', datatype: 'FP32', shape: [1, 3], data: [10, 20, 30] },
  ],
};

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cli-rollout-'));
});
afterEach(() => rm(root, { recursive: true }));

const cli = (...words: string[]): Promise<Ran> => runCli([...words, '--store', join(root, 'store')]);
const answering = (answer: string, ...words: string[]): Promise<Ran> =>
  runCli([...words, '--store', join(root, 'store')], { answer });
const file = async (name: string, content: unknown): Promise<string> => {
  const path = join(root, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};

/** Every file of the store with its content. */
const snapshot = async (): Promise<Record<string, string>> => {
  const entries = await readdir(join(root, 'store'), { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(await Promise.all(paths.map(async (path) => [path, await readFile(path, 'latin1')])));
};

const pushAdd = (times: number): Promise<void> =>
  copyPushed(join(root, 'store'), ...new Array<string>(times).fill(ADD));

describe('every command that changes something', () => {
  it.each([
    [['promote', 'add', '2'], /^Would change add: stable 1 → 2$/],
    [['canary', 'add', '2', '--weight', '0.05'], /^Would change add: canary none → 2 at 5 %$/],
    [['shadow', 'add', '2', '--rate', '100%'], /^Would change add: shadow none → 2 at 100 %$/],
    [['alias', 'add', 'best', '2'], /^Would change add: alias best none → 2$/],
    [['delete', 'add', '3'], /^Would delete version 3 of add in /],
    [['gc', 'add', '--keep', '1'], /^Would delete from .*\n {2}add {2}2$/],
    [['push', ADD], /^Would push add version 4 to [\s\S]*Version 1 goes on answering until/],
    [['push', ADD, '--promote'], /^Would push add version 4 to [\s\S]*Try it: npx onnx-serverless predict add </],
  ])('a command with --dry-run reports its changes, and makes none: %j', async (words, text) => {
    await pushAdd(3);
    const before = await snapshot();

    const ran = await cli(...words, '--dry-run');

    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(ran.stdout.trim()).toMatch(text);
    expect((await cli(...words, '--dry-run', '--json')).json).toMatchObject({ dryRun: true });
    expect(await snapshot()).toEqual(before);
  });

  it.each([
    [
      'a version that does not exist',
      ['promote', 'add', '9'],
      'NOT_FOUND',
      1,
      /no version 9; npx onnx-serverless show add/,
    ],
    ['what is no version', ['promote', 'add', 'best'], 'INVALID_REQUEST', 2, /versions are 1, 2, 3/],
    ['a model that does not exist', ['promote', 'sub', '1'], 'NOT_FOUND', 1, /no model sub; .*push/],
    ['a canary without a weight', ['canary', 'add', '2'], 'INVALID_REQUEST', 2, /--weight is missing.*10% or 0\.1/],
    ['a weight above 100 %', ['canary', 'add', '2', '--weight', '10'], 'INVALID_REQUEST', 2, /--weight is 10,/],
    ['a weight that is none', ['canary', 'add', '2', '--weight', 'all'], 'INVALID_REQUEST', 2, /--weight is all,/],
    ['a rate below 0', ['shadow', 'add', '2', '--rate=-1%'], 'INVALID_REQUEST', 2, /--rate is -1%/],
    ['neither a canary nor --off', ['canary', 'add'], 'INVALID_REQUEST', 2, /either a version.*or --off/],
    ['a shadow and --off', ['shadow', 'add', '2', '--off'], 'INVALID_REQUEST', 2, /either a version.*or --off/],
    ['a canary that is stable', ['canary', 'add', '1', '--weight', '1%'], 'INVALID_REQUEST', 1, /1 is stable/],
    ['an alias that could be a version', ['alias', 'add', '2', '2'], 'INVALID_REQUEST', 2, /starting with a letter/],
    ['to remove an alias that is not there', ['alias', 'add', 'x', '--remove'], 'NOT_FOUND', 1, /no alias x/],
    ['to roll back the first version', ['rollback', 'add'], 'INVALID_REQUEST', 1, /1 is the first/],
    ['to delete what answers', ['delete', 'add', '1', '--yes'], 'CONFLICT', 1, /is stable: route to another/],
    ['to delete what never was', ['delete', 'add', '7', '--yes'], 'NOT_FOUND', 1, /no version 7/],
    ['to collect without a number', ['gc', 'add'], 'INVALID_REQUEST', 2, /--keep is missing/],
    ['to collect nothing in particular', ['gc', '--keep', '1'], 'INVALID_REQUEST', 2, /a model or --all/],
    ['to show an unknown alias', ['show', 'add@best'], 'NOT_FOUND', 1, /no alias best; it has none/],
    ['two versions', ['show', 'add/2', '--version', '1'], 'INVALID_REQUEST', 2, /not both/],
  ])('a command refuses %s, and changes nothing', async (_what, words, code, expected, reason) => {
    await pushAdd(2);
    const before = await snapshot();

    const { exitCode, json } = await cli(...words, '--json');

    expect({ exitCode, code: json.code }).toEqual({ exitCode: expected, code });
    expect(json.error).toMatch(reason);
    expect(await snapshot()).toEqual(before);
  });

  it('a command says so when there is nothing to change', async () => {
    await pushAdd(1);
    const before = await snapshot();

    expect(await cli('promote', 'add', '1')).toMatchObject({ exitCode: 0, stdout: 'add stays as it is\n' });
    expect((await cli('canary', 'add', '--off', '--json')).json).toMatchObject({ changed: false });
    expect(await snapshot()).toEqual(before);
  });

  it('a command writes person, change and reason into the history', async () => {
    await pushAdd(2);
    await cli('canary', 'add', '2', '--weight', '25%', '--note', 'looks good');
    await cli('promote', 'add', '2', '--note', 'is good');

    const { json, stdout } = await cli('history', 'add', '--json');

    expect(stdout.split('\n')).toHaveLength(2);
    expect(json.history).toMatchObject([
      { action: 'promote', note: 'is good', from: { stable: 1, canary: { version: 2 } }, to: { stable: 2 } },
      { action: 'canary', note: 'looks good', to: { stable: 1, canary: { version: 2, weight: 0.25 } } },
      { action: 'push', note: '', from: null, by: expect.stringMatching(/.@./) },
    ]);
  });
});

describe('what is deleted', () => {
  it.each([
    [['delete', 'add', '2'], /Delete version 2 of add in .*\? \[y\/N\]/],
    [['gc', '--all', '--keep', '1'], /Delete 1 versions from .*\n {2}add {2}2\nGo on\? \[y\/N\]/],
  ])('versions are deleted when that is confirmed, and only then: %j', async (words, question) => {
    await pushAdd(3);
    const before = await snapshot();

    expect(await cli(...words)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--yes') });
    const declined = await answering('n\n', ...words);
    expect(declined).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('nothing was deleted') });
    expect(declined.stderr).toMatch(question);
    expect(await snapshot()).toEqual(before);

    expect(await answering('y\n', ...words)).toMatchObject({ exitCode: 0 });
    expect((await cli('show', 'add', '--json')).json).toMatchObject({ versions: [1, 3] });
  });

  it('a model is deleted with every version when that is confirmed, and its numbers are not used again', async () => {
    await pushAdd(2);
    const before = await snapshot();

    expect(await cli('delete', 'add')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--yes') });
    const declined = await answering('n\n', 'delete', 'add');
    expect(declined.stderr).toMatch(/Delete model add with version 1, 2 in .*\? \[y\/N\]/);
    expect((await cli('delete', 'add', '--dry-run', '--json')).json).toMatchObject({ deleted: [1, 2], dryRun: true });
    expect(await snapshot()).toEqual(before);

    expect(await answering('y\n', 'delete', 'add')).toMatchObject({ exitCode: 0 });
    expect((await cli('list', '--json')).json).toEqual({ models: [] });
    expect(await cli('delete', 'add', '--yes')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^no model add/),
    });
    await cli('push', ADD);
    expect((await cli('show', 'add', '--json')).json).toMatchObject({ versions: [3], routing: { stable: 3 } });
  });

  it('the version to which a rollback returns is never deleted', async () => {
    await pushAdd(4);
    await cli('promote', 'add', '3');

    await cli('gc', 'add', '--keep', '0', '--yes');

    expect((await cli('show', 'add', '--json')).json).toMatchObject({ versions: [1, 3] });
    expect(await cli('rollback', 'add')).toMatchObject({ exitCode: 0, stdout: 'add: stable 3 → 1\n' });
  });
});

describe('a model that is named', () => {
  it.each(['add/2', 'add@best', 'models:/add/2', 'models:/add@best'])(
    'a model that is named %s is its version 2',
    async (reference) => {
      await pushAdd(2);
      await cli('alias', 'add', 'best', '2');
      const request = await file('request.json', REQUEST);

      expect((await cli('show', reference, '--json')).json).toMatchObject({ bundle: { version: 2 } });
      expect((await cli('predict', reference, request, '--json')).json).toMatchObject({ model: 'add', version: 2 });
      expect((await cli('pull', reference, join(root, 'to'), '--json')).json).toMatchObject({ version: 2 });
      expect((await cli('verify', reference, '--json')).json).toEqual({
        name: 'add',
        versions: [{ version: 2, files: 1 }],
      });
    },
  );
});

describe('a push', () => {
  it('a push records warm-up inputs, and the sizes of the trial run', async () => {
    const request = await file('request.json', REQUEST);

    const { json } = await cli(
      'push',
      ADD,
      '--warmup',
      request,
      '--warmup',
      await file('other.json', REQUEST),
      '--json',
    );

    expect(json).toMatchObject({
      files: [{ path: 'add.onnx' }, { path: 'warmup/request.json' }, { path: 'warmup/other.json' }],
    });
    expect((await cli('show', 'add', '--json')).json).toMatchObject({
      bundle: { warmup: { inputs: ['warmup/request.json', 'warmup/other.json'] } },
    });
    const pairs = ['push', 'test/fixtures/models/pairs.onnx', '--dimension', 'batch=4'];
    await cli(...pairs);
    expect((await cli('show', 'pairs', '--json')).json).toMatchObject({
      bundle: { warmup: { dimensions: { batch: 4 } } },
    });
  });

  it.each([
    ['that the model does not take', { inputs: [] }, /--warmup .*request\.json fails: "inputs" is no list/],
    ['that are no JSON', '{', /--warmup .*request\.json fails: /],
  ])('a push with inputs %s is refused before anything is written', async (_what, content, reason) => {
    const { exitCode, json } = await cli('push', ADD, '--warmup', await file('request.json', content), '--json');

    expect({ exitCode, code: json.code }).toEqual({ exitCode: 1, code: 'INVALID_REQUEST' });
    expect(json.error).toMatch(reason);
    await expect(readdir(join(root, 'store'))).rejects.toThrow('ENOENT');
  });

  it('a push with two inputs of one name is refused', async () => {
    await mkdir(join(root, 'other'));
    const inputs = [await file('x.json', REQUEST), await file('other/x.json', REQUEST)];

    const { stderr } = await cli('push', ADD, ...inputs.flatMap((input) => ['--warmup', input]));

    expect(stderr).toContain('same name');
  });

  it('a version that is pushed with --promote answers at once', async () => {
    await pushAdd(1);

    const { json } = await cli('push', ADD, '--promote', '--note', 'urgent', '--json');

    expect(json).toMatchObject({ version: 2, stable: 2 });
    expect((await cli('history', 'add', '--json')).json.history).toMatchObject([
      { action: 'promote', note: 'urgent', to: { stable: 2 } },
      { action: 'push' },
    ]);
  });

  it('an interrupted push goes on with --resume', async () => {
    await pushAdd(1);
    const dying = createFailingStore(createDirectoryStore(join(root, 'store')), 3, 'before');
    await expect(pushModel(createModelRepository(dying), ADD)).rejects.toThrow('the process died');
    expect((await cli('show', 'add', '--json')).json).toMatchObject({ versions: [1] });

    expect((await cli('push', ADD, '--resume', '--json')).json).toMatchObject({ version: 2 });
    expect((await cli('push', ADD, '--resume', '--json')).json).toMatchObject({ version: 3 });
    expect(await cli('verify', 'add')).toMatchObject({ exitCode: 0 });
  });
});

describe('signatures', () => {
  const keyPair = async (name: string, type: 'ed25519' | 'ed448' = 'ed25519') => {
    const { privateKey, publicKey } = generateKeyPairSync(type as 'ed25519');
    const secret = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    return {
      secret,
      privateKey: await file(`${name}.pem`, secret),
      publicKey: await file(`${name}.pub`, publicKey.export({ type: 'spki', format: 'pem' }).toString()),
    };
  };

  it('signatures of a pushed version are verified with the trusted keys', async () => {
    const ours = await keyPair('ours');
    const theirs = await keyPair('theirs');
    const pushed = await cli('push', ADD, '--sign', ours.privateKey, '--json');
    expect(pushed.json.publicKey).toBe(await readFile(ours.publicKey, 'utf8'));

    expect(await cli('verify', 'add', '--key', ours.publicKey)).toMatchObject({ exitCode: 0 });
    expect(await cli('verify', 'add', '--key', theirs.publicKey, '--key', ours.publicKey)).toMatchObject({
      exitCode: 0,
    });
    expect(await cli('verify', 'add', '--key', theirs.publicKey, '--json')).toMatchObject({
      exitCode: 1,
      json: { code: 'MODEL_INVALID', error: expect.stringContaining('is signed by none of the trusted keys') },
    });

    await cli('push', ADD);
    expect(await cli('verify', 'add', '--key', ours.publicKey)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^\S+models\/add\/2\/bundle\.json is not signed, /),
    });
    const bundle = join(root, 'store/models/add/1/bundle.json');
    await writeFile(bundle, (await readFile(bundle, 'utf8')).replace('"task": "tensor"', '"task": "tensor" '));
    expect((await cli('verify', 'add/1', '--key', ours.publicKey)).stderr).toContain('is signed by none');
  });

  it('signatures leave no trace of the private key', async () => {
    const { privateKey, secret } = await keyPair('ours');
    const body = secret.split('\n')[1] as string;

    const ran = await cli('push', ADD, '--sign', privateKey, '--debug');
    const refused = await cli('push', ADD, '--sign', await file('damaged.pem', secret.replace('BEGIN', 'BEGUN')));

    expect(refused.exitCode).toBe(1);
    for (const text of [ran.stdout, ran.stderr, refused.stderr, ...Object.values(await snapshot())])
      expect(text).not.toContain(body);
  });

  it.each<[string, () => Promise<string>, RegExp]>([
    ['a missing key', async () => join(root, 'missing.pem'), /cannot read the key .*missing\.pem: ENOENT/],
    ['what is no key', () => file('no.pem', 'no key'), /no Ed25519 key in PEM; make one with: openssl genpkey/],
    ['a public key', async () => (await keyPair('x')).publicKey, /no Ed25519 key/],
    ['a key of another kind', async () => (await keyPair('x', 'ed448')).privateKey, /no Ed25519 key/],
  ])('signatures are refused with %s, and nothing is written', async (_what, key, reason) => {
    const { exitCode, stderr } = await cli('push', ADD, '--sign', await key());

    expect(exitCode).toBe(1);
    expect(stderr).toMatch(reason);
    await expect(readdir(join(root, 'store'))).rejects.toThrow('ENOENT');
  });
});

describe('a model that was altered', () => {
  it.each([
    [
      'by a bit',
      'config.json',
      (bytes: Buffer) => Buffer.from(bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte))),
      /sha256/,
    ],
    ['in length', 'config.json', (bytes: Buffer) => bytes.subarray(1), /has \d+ bytes, its bundle says/],
  ])('a model that was altered (%s) is told by verify, and not pulled', async (_how, path, alter, reason) => {
    await copyPushed(join(root, 'store'), COLOURS, COLOURS);
    const altered = join(root, 'store/models/colours/2/files', path);
    await writeFile(altered, alter(await readFile(altered)));

    const { exitCode, json } = await cli('verify', 'colours', '--json');
    expect({ exitCode, code: json.code }).toEqual({ exitCode: 1, code: 'MODEL_INVALID' });
    expect(json.error).toMatch(new RegExp(`/2/files/${path}.*${reason.source}`));
    expect(await cli('verify', 'colours/1')).toMatchObject({ exitCode: 0 });

    expect(await cli('pull', 'colours/2', join(root, 'pulled'))).toMatchObject({ exitCode: 1 });
    expect(await readdir(root)).toEqual(['store']);
  });

  it('an altered model is told with all of its problems', async () => {
    await copyPushed(join(root, 'store'), COLOURS, COLOURS);
    await rm(join(root, 'store/models/colours/1/files/config.json'));
    await writeFile(join(root, 'store/models/colours/2/bundle.json'), '{"formatVersion": 1,');
    const routing = join(root, 'store/models/colours/routing.json');
    await writeFile(routing, (await readFile(routing, 'utf8')).replace('"stable": 1', '"stable": 5'));

    const { stderr } = await cli('verify', 'colours');

    for (const problem of ['version 5, which does not exist', '2/bundle.json is not JSON', 'config.json is missing'])
      expect(stderr).toContain(problem);
  });
});

describe('a pulled model', () => {
  it('a pulled model equals the pushed one, and can be pushed again', async () => {
    await copyPushed(join(root, 'store'), COLOURS);
    const { exitCode, stdout } = await cli('pull', 'colours', join(root, 'again'));

    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining('Pulled colours version 1') });
    for (const path of ['onnx/model.onnx', 'config.json', 'preprocessor_config.json'])
      expect((await readFile(join(root, 'again', path))).equals(await readFile(join(COLOURS, path)))).toBe(true);
    expect((await cli('push', join(root, 'again'), '--name', 'colours', '--json')).json).toMatchObject({ version: 2 });
  });

  it('a model is pulled into an empty directory, and never into another one', async () => {
    await pushAdd(1);
    await mkdir(join(root, 'empty'));
    expect(await cli('pull', 'add', join(root, 'empty'))).toMatchObject({ exitCode: 0 });

    expect(await cli('pull', 'add', join(root, 'empty'))).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('no empty directory'),
    });
    expect(await cli('pull', 'add', await file('taken', 'x'))).toMatchObject({ exitCode: 1 });
    await symlink('nowhere', join(root, 'link'));
    expect(await cli('pull', 'add', join(root, 'link'))).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/link cannot be written \(ENOTDIR\); look at the room and the permissions of its/),
    });
    expect(await readFile(join(root, 'taken'), 'utf8')).toBe('x');
  });
});
