import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CHUNK_ATTEMPTS } from '../../local/aws/states-api.ts';
import { ServingError } from '../../src/core/errors.ts';
import { createRandom } from '../../src/core/random.ts';
import { chunkKey, createRun } from '../../src/jobs/bulk/bulk-run.ts';
import { planRun, prefixSource } from '../../src/jobs/bulk/plan-run.ts';
import { runChunk } from '../../src/jobs/bulk/run-chunk.ts';
import { createSummariser, writeManifest } from '../../src/jobs/bulk/summarise-run.ts';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';
import { bulkRun, readAnswers, readChunkFailures } from '../support/bulk.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

const OBJECTS = 5_000;
const CHUNK = 50;
const CHILDREN = 8;

const keyOf = (index: number): string => `uploads/iris/${String(index).padStart(5, '0')}.csv`;
/** Objects that end the process, that take all of its time, that are no rows, and that are gone when they are read. */
const [POISONED, ENDLESS, WRONG, GONE] = [
  [keyOf(777)],
  [keyOf(1_234), keyOf(3_333)],
  [keyOf(0), keyOf(4_999)],
  [keyOf(2_500)],
];

let serving: TestServing;
beforeEach(async () => {
  serving = await createTestServing();
  await pushNamed(serving.repository, 'iris');
});
afterEach(() => serving.remove());

/** A child of one attempt. Its store fails now and then, and does nothing more once its process has ended. */
const createChild = (random: () => number) => {
  let [isDead, isOver] = [false, false];
  const fail = (reason: string): never => {
    throw new ServingError('MODEL_UNAVAILABLE', reason);
  };
  const read: ObjectStore['read'] = async (key, most) => {
    if (POISONED.includes(key)) isDead = true;
    if (ENDLESS.includes(key)) isOver = true;
    if (isDead) fail('the process has ended');
    if (random() < 0.005) fail('S3 did not answer');
    return serving.data.read(key, most);
  };
  const write: ObjectStore['write'] = async (key, body, options) => {
    if (isDead) fail('the process has ended');
    const etag = await serving.data.write(key, body, options);
    if (key.includes('/results/') && random() < 0.1) fail('the answer of S3 was lost');
    return etag;
  };
  const ends = random() < 0.05 ? Math.floor(random() * 100) : Number.POSITIVE_INFINITY;
  let looks = 0;
  return {
    data: { ...serving.data, read, write },
    deadline: {
      remainingMs: () => {
        looks += 1;
        return isOver || looks > ends ? -1 : 60_000;
      },
    },
  };
};

const answerChunk = async (chunk: number, random: () => number): Promise<void> => {
  const attemptOnce = () => {
    const { data, deadline } = createChild(random);
    return runChunk(
      { ...serving, data },
      { name: 'run', chunk, deadline, requestId: `chunk ${chunk}`, child: 'child' },
    );
  };
  for (let attempt = 1; attempt <= CHUNK_ATTEMPTS; attempt += 1) {
    const twice = random() < 0.05 ? [attemptOnce(), attemptOnce()] : [attemptOnce()];
    const ends = await Promise.allSettled(twice);
    if (ends.some(({ status }) => status === 'fulfilled')) return;
  }
};

/** Runs the chunks that have no results, until `isCancelled` says so. */
const runMissing = async (chunks: number, random: () => number, isCancelled: (begun: number) => boolean) => {
  const { counted } = await createSummariser(serving.data, bulkRun())();
  const missing = Array.from({ length: chunks }, (_, chunk) => chunk).filter((chunk) => !counted.has(chunk));
  let begun = 0;
  const child = async (): Promise<void> => {
    for (let chunk = missing.shift(); chunk !== undefined && !isCancelled(begun); chunk = missing.shift()) {
      begun += 1;
      await answerChunk(chunk, random);
    }
  };
  await Promise.all(Array.from({ length: CHILDREN }, child));
  return begun;
};

describe('a run of 5,000 objects', () => {
  it('has each of them once, whatever happens to its children', async () => {
    for (let index = 0; index < OBJECTS; index += 1) {
      const isWrong = WRONG.includes(keyOf(index));
      await serving.data.write(keyOf(index), isWrong ? 'no,numbers\n' : `${4 + (index % 40) / 10},3.5,1.4,0.2\n`);
    }
    const run = bulkRun({ chunk: CHUNK });
    await createRun(serving.data, run);
    const { chunks } = await planRun(serving.data, run, prefixSource(serving.data, 'uploads/iris/'));
    for (const key of GONE) await serving.data.remove(key);
    expect(await serving.data.head(chunkKey('run', chunks - 1))).toBeDefined();

    const random = createRandom(17);
    const begun = await runMissing(chunks, random, (count) => count > chunks / 2);
    expect(begun).toBeLessThan(chunks);
    for (let redrive = 0; redrive < 5; redrive += 1) await runMissing(chunks, random, () => false);

    const places: string[] = [];
    const failed: string[] = [];
    for (let chunk = 0; chunk < chunks; chunk += 1) {
      const answers = (await readAnswers(serving.data, 'run', chunk)) ?? [];
      const failures = await readChunkFailures(serving.data, 'run', chunk);
      const expected = Array.from({ length: CHUNK }, (_, index) => keyOf(chunk * CHUNK + index));
      const missing = failures.map(({ key }) => key);
      expect(answers.map(({ key }) => key)).toEqual(expected.filter((key) => !missing.includes(key)));
      places.push(...[...answers, ...failures].map(({ key = '' }) => key));
      failed.push(...failures.map(({ key, code }) => `${key} ${code}`));
    }
    expect(places.sort()).toEqual(Array.from({ length: OBJECTS }, (_, index) => keyOf(index)));
    const codes = { INFERENCE_FAILED: [...POISONED, ...ENDLESS], INVALID_INPUT: WRONG, NOT_FOUND: GONE };
    const expected = Object.entries(codes).flatMap(([code, keys]) => keys.map((key) => `${key} ${code}`));
    expect(failed.sort()).toEqual(expected.sort());
    const summary = await createSummariser(serving.data, run)();
    expect(summary).toMatchObject({ elements: OBJECTS, succeeded: OBJECTS - failed.length, failed: failed.length });
    expect(await writeManifest(serving.data, run, summary)).toEqual({
      INFERENCE_FAILED: 3,
      INVALID_INPUT: 2,
      NOT_FOUND: 1,
    });
  });
});
