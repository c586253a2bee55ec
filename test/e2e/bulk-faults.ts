import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { InvokeCommand, type LambdaClient, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { expect } from '@jest/globals';
import { messageOf } from '../../src/core/message-of.ts';
import { DIVISION_TRAPS } from '../support/division-traps.ts';

/** A stage with the model `quotient`, whose input 6 ends the process. */
interface Stage {
  readonly command: (...words: string[]) => Promise<string>;
  readonly s3: S3Client;
  readonly lambda: LambdaClient;
  readonly bucket: string;
  readonly functionName: string;
  /** Waits in a loop; throws behind the time of the step. */
  readonly pause: (ms: number) => Promise<void>;
}

const MODEL = 'quotient';
const RUN = 'many';
const CHUNK = 10;
/** Requests at the same time. */
const SIDE_BY_SIDE = 32;
/** A function that takes longer is ended. */
const TIMEOUT_SECONDS = 20;
const POISON = 6;

const inputOf = (x: number): string =>
  JSON.stringify({ inputs: [{ name: 'x', shape: [1], datatype: 'INT32', data: [x] }] });

/** The special objects among each thousand, by their place; emulator.py knows the name of the unsteady one. */
const SPECIAL: Readonly<Record<number, readonly [name: string, body: string]>> = {
  13: ['poisoned-object', inputOf(POISON)],
  31: ['wrong-object', '{"inputs": "no tensor"}'],
  45: ['unsteady-object', inputOf(2)],
};
const specialOf = (place: number) => SPECIAL[place % 1_000];
/** The codes of special objects that fail. */
const CODES = { ...(DIVISION_TRAPS && { 'poisoned-object': 'INFERENCE_FAILED' }), 'wrong-object': 'INVALID_REQUEST' };

const keyOf = (place: number): string => {
  const [name] = specialOf(place) ?? ['object'];
  return `uploads/${MODEL}/${RUN}/${String(place).padStart(5, '0')}/${name}.json`;
};

const inGroups = async (count: number, act: (index: number) => Promise<unknown>): Promise<void> => {
  for (let start = 0; start < count; start += SIDE_BY_SIDE)
    await Promise.all(Array.from({ length: Math.min(SIDE_BY_SIDE, count - start) }, (_, index) => act(start + index)));
};

const listKeys = async ({ s3, bucket }: Stage, prefix: string): Promise<string[]> => {
  const keys: string[] = [];
  for (let token: string | undefined, isFirst = true; isFirst || token !== undefined; isFirst = false) {
    const page = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }));
    keys.push(...(page.Contents ?? []).map(({ Key = '' }) => Key));
    token = page.NextContinuationToken;
  }
  return keys;
};

/** Runs `batch <action>` of the run. S3 fails often enough to end one: whoever acts on a run does so again. */
const actOnRun = async ({ command }: Stage, action: 'cancel' | 'resume') => {
  const failures: unknown[] = [];
  while (failures.length < 3) {
    try {
      return JSON.parse(await command('batch', action, RUN, '--json'));
    } catch (error) {
      process.stderr.write(`batch ${action}: ${messageOf(error)}\n`);
      failures.push(error);
    }
  }
  throw new AggregateError(failures, failures.map(messageOf).join('\n'));
};

interface Line {
  readonly key: string;
  readonly code?: string;
}

const readLines = async ({ s3, bucket }: Stage, key: string): Promise<Line[]> => {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
  const text = key.endsWith('.gz') ? (await promisify(gunzip)(bytes)).toString() : Buffer.from(bytes).toString();
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
};

/**
 * Runs `objects` objects through the state machine of a stage: with S3 that fails, a child whose time is over, an object that ends
 * the process, children that come twice, and a cancellation. Expects each object once in the results, or once in the failures.
 */
export const expectEachObjectOnce = async (stage: Stage, objects: number): Promise<void> => {
  const { command, s3, lambda, bucket, functionName } = stage;
  const keys = Array.from({ length: objects }, (_, place) => keyOf(place));
  const failures = keys.flatMap((key, place) => {
    const code = Object.entries(CODES).find(([name]) => name === specialOf(place)?.[0])?.[1];
    return code === undefined ? [] : [{ key, code }];
  });
  const [failed, succeeded] = [failures.length, objects - failures.length];
  await command('push', 'test/fixtures/models/quotient.onnx', '--name', MODEL);
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: functionName, Timeout: TIMEOUT_SECONDS }));
  await inGroups(objects, (place) => {
    const [, body] = specialOf(place) ?? ['', inputOf(10 + (place % 50))];
    return s3.send(new PutObjectCommand({ Bucket: bucket, Key: keyOf(place), Body: body }));
  });
  const settings = ['--chunk', String(CHUNK), '--max-concurrency', '4', '--max-failures', '5%', '--yes', '--detach'];
  await command('batch', MODEL, `uploads/${MODEL}/${RUN}/`, '--to', RUN, ...settings);
  while ((await listKeys(stage, `bulk/${RUN}/results/`)).length === 0) await stage.pause(200);
  const cancelled = await actOnRun(stage, 'cancel');
  expect(cancelled.status).toBe('is stopped');
  expect(cancelled.succeeded).toBeLessThan(succeeded);

  const last = Math.ceil(objects / CHUNK) - 1;
  const duplicates = Promise.allSettled(
    [last, last, last - 1, last - 1].map((chunk) => {
      const payload = JSON.stringify({ key: `bulk/${RUN}/plan/${String(chunk).padStart(8, '0')}.jsonl` });
      return lambda.send(new InvokeCommand({ FunctionName: functionName, Payload: payload }));
    }),
  );
  let report = await actOnRun(stage, 'resume');
  for (let redrives = 0; report.status !== 'is complete' && redrives < 3; redrives += 1)
    report = await actOnRun(stage, 'resume');
  await duplicates; // whatever became of them, the results are right
  expect(report).toMatchObject({ status: 'is complete', elements: objects, succeeded, failed });

  const answered: string[] = [];
  for (const key of await listKeys(stage, `bulk/${RUN}/results/`))
    answered.push(...(await readLines(stage, key)).map((line) => line.key));
  const failedKeys = failures.map(({ key }) => key);
  expect(answered).toEqual(keys.filter((key) => !failedKeys.includes(key)));
  expect(await readLines(stage, `bulk/${RUN}/failures.jsonl`)).toMatchObject(failures);
};
