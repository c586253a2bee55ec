import { appendFile, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { PublishedBundle } from '../../src/repository/versions/bundle.ts';
import { createTestServing, publishModel, type TestServing } from '../support/serving.ts';

const ADD = 'test/fixtures/models/add.onnx';
const row = (name: string) => ({ name, shape: [1, 3], datatype: 'FP32', data: [1, 2, 3] });
const BODY = JSON.stringify({ inputs: [row('a'), row('b')] });
/** A process number that no process has. */
const DEAD = 2 ** 30;

let first: TestServing;
let bundle: PublishedBundle;

beforeEach(async () => {
  first = await createTestServing();
  await publishModel(first.repository, 'm', ADD);
  bundle = await first.repository.bundle('m', 1);
});
afterEach(() => first.remove());

/** A process that starts where the first one has ended: over the same directory. */
const startNext = (options: Parameters<typeof createTestServing>[1] = {}) =>
  createTestServing({ models: first.repository.store }, { directory: first.modelDirectory, ...options });
const ask = async (serving: TestServing): Promise<number> =>
  (await serving.fetch('/v2/models/m/infer', { method: 'POST', body: BODY })).status;
const cached = () => join(first.modelDirectory, bundle.digest, 'add.onnx');

const flipLastByte = async (path: string): Promise<void> => {
  const bytes = await readFile(path);
  await truncate(path, bytes.length - 1);
  await appendFile(path, Buffer.from([(bytes.at(-1) ?? 0) ^ 0xff]));
};

const DAMAGES: readonly (readonly [string, (path: string) => Promise<void>])[] = [
  ['has another byte', flipLastByte],
  ['was cut short', (path) => truncate(path, 10)],
  ['is gone', (path) => rm(path)],
];

describe('a process that starts over the files of another', () => {
  it.each(['digest.part', `digest.${DEAD}.1.part`, `digest.${process.pid}.1.part`])(
    'removes %s, which nobody completes',
    async (name) => {
      await mkdir(join(first.modelDirectory, name), { recursive: true });
      await writeFile(join(first.modelDirectory, name, 'model.onnx'), Buffer.alloc(1000));
      const next = await startNext();

      expect(await ask(next)).toBe(200);

      expect(await readdir(first.modelDirectory)).toEqual([bundle.digest]);
      await next.remove();
    },
  );

  it('leaves the partial directory of a process that runs', async () => {
    const name = `digest.${process.ppid}.1.part`;
    await mkdir(join(first.modelDirectory, name), { recursive: true });
    const next = await startNext();

    expect(await ask(next)).toBe(200);

    expect(await readdir(first.modelDirectory)).toContain(name);
    await next.remove();
  });

  it('downloads nothing that is there and right', async () => {
    await ask(first);
    const next = await startNext();

    expect(await ask(next)).toBe(200);

    expect(next.loads).toMatchObject([{ downloadBytes: 0 }]);
    await next.remove();
  });

  it.each(DAMAGES)('downloads a model again of which a file %s', async (_how, damage) => {
    await ask(first);
    const right = await readFile(cached());
    await damage(cached());
    const next = await startNext();

    expect(await ask(next)).toBe(200);

    expect(right.equals(await readFile(cached()))).toBe(true);
    expect(next.loads).toMatchObject([{ downloadBytes: right.length }]);
    await next.remove();
  });
});

it.each(DAMAGES)('A file that %s after its download is downloaded again', async (_how, damage) => {
  await first.models.fetch(bundle);
  const right = await readFile(cached());
  await damage(cached());

  expect(await ask(first)).toBe(200);

  expect(right.equals(await readFile(cached()))).toBe(true);
});
