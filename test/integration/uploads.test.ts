import type { S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Context, SQSEvent } from 'aws-lambda';
import sharp from 'sharp';
import { NEVER } from '../../src/core/deadline.ts';
import { ServingError } from '../../src/core/errors.ts';
import type { Tensors } from '../../src/core/tensor.ts';
import type { Session } from '../../src/engine/session.ts';
import type { CrashNote } from '../../src/lambda/crash-note.ts';
import { onUploadHandler } from '../../src/lambda/on-upload.ts';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import type { LabelScore } from '../../src/tasks/scores.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { createRecordedQueue, NO_CRASH, type RecordedQueue } from '../support/message-queue.ts';
import { createTestS3Client } from '../support/s3.ts';
import { createTestServing, publishClassifier, type TestServing } from '../support/serving.ts';

interface ResultDocument {
  readonly status: string;
  readonly source: { readonly key: string; readonly etag: string; readonly sequencer: string };
  readonly model?: string;
  readonly version?: number;
  readonly batchSize: number;
  readonly timingsMs: Record<string, number>;
  readonly result?: LabelScore[];
  readonly error?: { readonly code: string; readonly message: string };
  readonly created: string;
}

/** A classifier by the mean of each channel. */
const COLOURS = 'test/fixtures/models/colours';
const BUCKET = 'data';
const ATTEMPTS = 5;

let serving: TestServing;
let queue: RecordedQueue;
let crashNote: CrashNote;
let photos: Record<'red' | 'green' | 'blue', Buffer>;
let sequence = 0x10;
let remainingMs: number;

beforeEach(async () => {
  serving = await createTestServing();
  queue = createRecordedQueue();
  crashNote = NO_CRASH;
  remainingMs = 30_000;
  await publishClassifier(serving.repository, COLOURS, 'colours');
  const photo = (background: string) => sharp({ create: { width: 16, height: 16, channels: 3, background } }).jpeg();
  photos = {
    red: await photo('red').toBuffer(),
    green: await photo('lime').toBuffer(),
    blue: await photo('blue').toBuffer(),
  };
});
afterEach(() => serving.remove());

/** As S3 writes it into an event. */
const encodeKey = (key: string) => encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+');

const notification = (key: string, etag: string, sequencer: string, size = 1) => ({
  eventVersion: '2.1',
  eventSource: 'aws:s3',
  eventName: 'ObjectCreated:Put',
  s3: { bucket: { name: BUCKET }, object: { key: encodeKey(key), size, eTag: etag.replaceAll('"', ''), sequencer } },
});

/** Puts an object and returns the body of the message that announces it. */
const upload = async (key: string, body: Uint8Array | string): Promise<string> => {
  const etag = await serving.data.write(key, body);
  sequence += 1;
  return JSON.stringify({ Records: [notification(key, etag, sequence.toString(16).toUpperCase().padStart(18, '0'))] });
};

/** Delivers messages for the `attempt`th time. */
const deliverAgain = (attempt: number, ...bodies: string[]) => {
  const attributes = { ApproximateReceiveCount: String(attempt) };
  const Records = bodies.map((body, index) => ({ messageId: `message-${index}`, body, attributes }));
  const context = { awsRequestId: 'invocation', getRemainingTimeInMillis: () => remainingMs } as Context;
  const handler = onUploadHandler(serving, { bucket: BUCKET, attempts: ATTEMPTS, queue, crashNote });
  return handler({ Records } as unknown as SQSEvent, context);
};

const deliver = (...bodies: string[]) => deliverAgain(1, ...bodies);

const result = async (key: string): Promise<ResultDocument> =>
  JSON.parse(Buffer.from((await serving.data.read(`results/${key}.json`)).body).toString()) as ResultDocument;
const resultKeys = async (): Promise<string[]> => {
  const keys: string[] = [];
  for await (const { key } of serving.data.list('results/')) keys.push(key);
  return keys;
};

type Run = Session['run'];

/** Lets a test see, or disturb, the runs of the graph. */
const aroundRun = async (around: (run: Run) => Run): Promise<void> => {
  await serving.models.use(await serving.router.route({ name: 'colours' }), NEVER, async (model) => {
    const session = model.graphs.model as { run: Run };
    session.run = around(session.run);
  });
};

const pictures = (feeds: Tensors): number => feeds.pixel_values?.shape[0] ?? 0;

/** Counts how often the graph runs, and on how many pictures. */
const countRuns = async (): Promise<number[]> => {
  const batches: number[] = [];
  await aroundRun((run) => (feeds, outputNames) => {
    batches.push(pictures(feeds));
    return run(feeds, outputNames);
  });
  return batches;
};

describe('an upload', () => {
  it('finds its answer beside it', async () => {
    const message = await upload('uploads/colours/folder/coffee.jpg', photos.red);

    expect(await deliver(message)).toEqual({ batchItemFailures: [] });

    const document = await result('colours/folder/coffee.jpg');
    expect(document).toMatchObject({ status: 'succeeded', model: 'colours', version: 1, batchSize: 1 });
    expect(document.source).toMatchObject({ key: 'uploads/colours/folder/coffee.jpg', sequencer: expect.any(String) });
    expect(document.result?.[0]?.label).toBe('red');
    expect(document.timingsMs.run).toBeGreaterThan(0);
    expect(Date.parse(document.created)).not.toBeNaN();
  });

  it.each(['a b.jpg', 'a+b.jpg', 'ünï/日本 +%20.jpg', "it's & <odd>.jpg"])('may be called %s', async (name) => {
    await deliver(await upload(`uploads/colours/${name}`, photos.red));

    expect((await result(`colours/${name}`)).result?.[0]?.label).toBe('red');
  });

  it('may be a task request in JSON', async () => {
    const request = { inputs: photos.red.toString('base64'), parameters: { top_k: 1 } };

    await deliver(await upload('uploads/colours/request.json', JSON.stringify(request)));

    expect((await result('colours/request.json')).result).toHaveLength(1);
  });
});

describe('a batch', () => {
  it('runs as one, and each record gets its own answer', async () => {
    const batches = await countRuns();
    const names = ['red', 'green', 'blue'] as const;
    const messages = await Promise.all(names.map((name) => upload(`uploads/colours/${name}.jpg`, photos[name])));

    await deliver(...messages);

    expect(batches).toEqual([3]);
    const labels = await Promise.all(
      names.map(async (name) => (await result(`colours/${name}.jpg`)).result?.[0]?.label),
    );
    expect(labels).toEqual(['red', 'green', 'blue']);
    expect(serving.observations).toHaveLength(1);
    expect(serving.observations[0]).toMatchObject({ operation: 'upload', batchSize: 3, failures: [] });
  });

  it('gives the answers that its records would get alone', async () => {
    await deliver(await upload('uploads/colours/alone.jpg', photos.blue));
    await deliver(
      await upload('uploads/colours/a.jpg', photos.red),
      await upload('uploads/colours/together.jpg', photos.blue),
    );

    const [alone, together] = [await result('colours/alone.jpg'), await result('colours/together.jpg')];
    expect(together.result).toHaveLength(alone.result?.length ?? -1);
    together.result?.forEach(({ label, score }, rank) => {
      expect(label).toBe(alone.result?.[rank]?.label);
      expect(score).toBeCloseTo(alone.result?.[rank]?.score ?? 0, 5);
    });
  });

  it('writes down the record that can only fail, and answers the others', async () => {
    const response = await deliver(
      await upload('uploads/colours/good.jpg', photos.red),
      await upload('uploads/colours/bad.jpg', 'no picture'),
      await upload('uploads/nobody/photo.jpg', photos.red),
      await upload('uploads/no-model.jpg', photos.red),
    );

    expect(response).toEqual({ batchItemFailures: [] });
    expect((await result('colours/good.jpg')).status).toBe('succeeded');
    expect(await result('colours/bad.jpg')).toMatchObject({
      status: 'failed',
      model: 'colours',
      version: 1,
      error: { code: expect.stringMatching(/INVALID_INPUT|UNSUPPORTED/) },
    });
    expect(await result('nobody/photo.jpg')).toMatchObject({
      status: 'failed',
      error: { code: 'NOT_FOUND', message: 'no model nobody' },
    });
    expect(await result('no-model.jpg')).toMatchObject({ status: 'failed', error: { code: 'INVALID_REQUEST' } });
  });

  it('runs a picture that breaks the run of the others alone', async () => {
    await aroundRun((run) => async (feeds, outputNames) => {
      if (pictures(feeds) > 1) throw new ServingError('INFERENCE_FAILED', 'too large together');
      return run(feeds, outputNames);
    });

    const response = await deliver(
      await upload('uploads/colours/1.jpg', photos.red),
      await upload('uploads/colours/2.jpg', photos.blue),
    );

    expect(response).toEqual({ batchItemFailures: [] });
    expect((await result('colours/2.jpg')).result?.[0]?.label).toBe('blue');
  });
});

describe('delivery more than once, and out of order', () => {
  it('skips what the same version has answered, before the run', async () => {
    const batches = await countRuns();
    const message = await upload('uploads/colours/a.jpg', photos.red);

    await deliver(message);
    const first = await result('colours/a.jpg');
    await deliver(message);
    await deliver(message, message);

    expect(batches).toEqual([1]);
    expect(await result('colours/a.jpg')).toEqual(first);
    expect(serving.observations.map(({ batchSize, skipped }) => [batchSize, skipped])).toEqual([
      [1, 0],
      [0, 1],
      [0, 1],
    ]);
  });

  it('skips an upload by the metadata of its result, and does not read the result', async () => {
    const message = await upload('uploads/colours/a.jpg', photos.red);
    await deliver(message);
    const reads: string[] = [];
    const { read } = serving.data;
    Object.assign(serving.data, {
      read: (key: string, maxBytes?: number) => {
        reads.push(key);
        return read(key, maxBytes);
      },
    });

    await deliver(message);

    expect(serving.observations.at(-1)).toMatchObject({ skipped: 1 });
    expect(reads).toEqual([]);
    const { metadata } = await serving.data.head('results/colours/a.jpg.json');
    expect(metadata).toEqual({
      'source-etag': expect.any(String),
      'source-sequencer': expect.any(String),
      'model-version': '1',
      outcome: 'succeeded',
    });
  });

  it('skips an upload by the document of its result when that has no metadata, as in release 0.1.0', async () => {
    const batches = await countRuns();
    const message = await upload('uploads/colours/a.jpg', photos.red);
    await deliver(message);
    const { body } = await serving.data.read('results/colours/a.jpg.json');
    await serving.data.write('results/colours/a.jpg.json', body);

    await deliver(message);

    expect(batches).toEqual([1]);
    expect(serving.observations.at(-1)).toMatchObject({ skipped: 1 });
  });

  it('replaces a document that stands in the place of a result and is none', async () => {
    await serving.data.write('results/colours/a.jpg.json', '{"source": {"etag": 1}}');

    await deliver(await upload('uploads/colours/a.jpg', photos.red));

    expect((await result('colours/a.jpg')).status).toBe('succeeded');
  });

  it('answers again when another version is routed to', async () => {
    const message = await upload('uploads/colours/a.jpg', photos.red);
    await deliver(message);
    await publishClassifier(serving.repository, COLOURS, 'colours');
    serving.clock.nowMs += 61_000;

    await deliver(message);

    expect((await result('colours/a.jpg')).version).toBe(2);
  });

  it('replaces the answer to an older upload, and drops an older event that comes late', async () => {
    const older = await upload('uploads/colours/a.jpg', photos.red);
    await deliver(older);
    const newer = await upload('uploads/colours/a.jpg', photos.blue);

    await deliver(newer);
    await deliver(older);

    expect((await result('colours/a.jpg')).result?.[0]?.label).toBe('blue');
  });

  it('answers only the newest when both events are in a batch', async () => {
    const batches = await countRuns();
    const older = await upload('uploads/colours/a.jpg', photos.red);
    const newer = await upload('uploads/colours/a.jpg', photos.blue);

    expect(await deliver(newer, older)).toEqual({ batchItemFailures: [] });

    expect(batches).toEqual([1]);
    expect((await result('colours/a.jpg')).result?.[0]?.label).toBe('blue');
  });

  it('drops an event whose object was replaced since', async () => {
    const older = await upload('uploads/colours/a.jpg', photos.red);
    await upload('uploads/colours/a.jpg', photos.blue);

    expect(await deliver(older)).toEqual({ batchItemFailures: [] });

    expect(await resultKeys()).toEqual([]);
  });

  it('leaves one document when two functions answer at the same time', async () => {
    const message = await upload('uploads/colours/a.jpg', photos.red);

    const responses = await Promise.all([deliver(message), deliver(message), deliver(message)]);

    expect(responses.every(({ batchItemFailures }) => batchItemFailures.length === 0)).toBe(true);
    expect((await result('colours/a.jpg')).status).toBe('succeeded');
    expect(await resultKeys()).toEqual(['results/colours/a.jpg.json']);
  });

  it('compares sequencers of different length as numbers', async () => {
    const etag = await serving.data.write('uploads/colours/a.jpg', photos.red);
    const event = (sequencer: string) =>
      JSON.stringify({ Records: [notification('uploads/colours/a.jpg', etag, sequencer)] });
    await deliver(event('0FF'));
    await publishClassifier(serving.repository, COLOURS, 'colours');
    serving.clock.nowMs += 61_000;

    await deliver(event('FE'));

    expect((await result('colours/a.jpg')).version).toBe(1);
  });
});

describe('a result', () => {
  let storage: EmbeddedStorage;
  let client: S3Client;
  beforeAll(async () => {
    storage = await startEmbeddedStorage();
    client = createTestS3Client(storage.endpoint);
  });
  // In S3, the same bytes have the same etag.
  beforeEach(async () => {
    await serving.remove();
    const data = createS3UploadStore(client, storage.dataBucket);
    serving = await createTestServing({ data });
    await publishClassifier(serving.repository, COLOURS, 'colours');
    for await (const { key } of data.list('')) await data.remove(key);
  });
  afterAll(async () => {
    client.destroy();
    await storage.stop();
  });

  it('that says "does not exist" is no answer: the same bytes, uploaded again, get theirs', async () => {
    const first = await upload('uploads/colours/a.jpg', photos.red);
    await serving.data.remove('uploads/colours/a.jpg');
    await deliver(first);
    expect(await result('colours/a.jpg')).toMatchObject({ status: 'failed', error: { code: 'NOT_FOUND' } });

    await deliver(await upload('uploads/colours/a.jpg', photos.red));

    expect((await result('colours/a.jpg')).status).toBe('succeeded');
  });

  it.each(['the model', 'the upload'])('of an upload stays when its event comes twice and %s is gone', async (gone) => {
    const message = await upload('uploads/colours/a.jpg', photos.red);
    await deliver(message);
    await publishClassifier(serving.repository, COLOURS, 'colours');
    serving.clock.nowMs += 61_000;
    const path = gone === 'the upload' ? 'uploads/colours/a.jpg' : 'models/colours/routing.json';
    await (gone === 'the upload' ? serving.data : serving.repository.store).remove(path);

    expect(await deliver(message)).toEqual({ batchItemFailures: [] });

    expect(await result('colours/a.jpg')).toMatchObject({ status: 'succeeded', version: 1 });
  });

  it('that the same bytes must repeat is an answer: a second event runs nothing', async () => {
    await deliver(await upload('uploads/colours/a.jpg', 'no picture'));
    const first = await result('colours/a.jpg');

    await deliver(await upload('uploads/colours/a.jpg', 'no picture'));

    expect(await result('colours/a.jpg')).toEqual(first);
    expect(serving.observations.at(-1)).toMatchObject({ skipped: 1 });
  });

  it('of an older upload gives way to the failure of a newer one', async () => {
    await deliver(await upload('uploads/colours/a.jpg', photos.red));

    await deliver(await upload('uploads/colours/a.jpg', 'no picture'));

    expect((await result('colours/a.jpg')).status).toBe('failed');
  });

  it('whose metadata says no outcome, as in release 0.2.0, is read for it', async () => {
    const message = await upload('uploads/colours/a.jpg', photos.red);
    await serving.data.remove('uploads/colours/a.jpg');
    await deliver(message);
    const { body } = await serving.data.read('results/colours/a.jpg.json');
    const { outcome: _outcome, ...metadata } = (await serving.data.head('results/colours/a.jpg.json')).metadata;
    await serving.data.write('results/colours/a.jpg.json', body, { metadata });

    await deliver(await upload('uploads/colours/a.jpg', photos.red));

    expect((await result('colours/a.jpg')).status).toBe('succeeded');
  });
});

describe('an empty upload', () => {
  it.each(['a.jpg', 'a.json', 'a.jsonl', 'a.txt'])('is refused as over HTTP: %s', async (name) => {
    const { status, error } = await refusalOf(name);
    expect({ status, error }).toEqual({
      status: 'failed',
      error: { code: 'INVALID_REQUEST', message: expect.stringContaining('is empty') },
    });
  });

  const refusalOf = async (name: string): Promise<ResultDocument> => {
    expect(await deliver(await upload(`uploads/colours/${name}`, ''))).toEqual({ batchItemFailures: [] });
    return result(`colours/${name}`);
  };
});

describe('messages that come again', () => {
  it('are run alone, so that one that ends the process takes no other with it', async () => {
    const batches = await countRuns();
    const names = ['1', '2', '3'];
    const bodies = await Promise.all(names.map((name) => upload(`uploads/colours/${name}.jpg`, photos.red)));

    const response = await deliverAgain(2, ...bodies);

    expect(response).toEqual({ batchItemFailures: [] });
    expect(batches).toEqual([1, 1, 1]);
    for (const name of names) expect((await result(`colours/${name}.jpg`)).status).toBe('succeeded');
  });

  it('run last when they ended a process before', async () => {
    const names = ['ended', '2', '3', '4', '5'];
    const bodies = await Promise.all(names.map((name) => upload(`uploads/colours/${name}.jpg`, photos.red)));
    const alone: string[] = [];
    crashNote = { ...NO_CRASH, names: (id) => id === 'message-0', begin: (id) => alone.push(id) };

    await deliverAgain(2, ...bodies);

    expect(alone).toHaveLength(names.length);
    expect(alone.at(-1)).toBe('message-0');
  });
});

describe('what no upload is', () => {
  it('is left alone: results, folders, removals, the test event of S3', async () => {
    const etag = await serving.data.write('results/colours/a.jpg.json', '{}');
    const removal = { ...notification('uploads/colours/a.jpg', etag, '1'), eventName: 'ObjectRemoved:Delete' };

    const response = await deliver(
      JSON.stringify({ Records: [notification('results/colours/a.jpg.json', etag, '1')] }),
      JSON.stringify({ Records: [notification('uploads/colours/', etag, '1')] }),
      JSON.stringify({ Records: [removal] }),
      JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'data' }),
    );

    expect(response).toEqual({ batchItemFailures: [] });
    expect(await resultKeys()).toEqual(['results/colours/a.jpg.json']);
  });

  it.each([
    ['of another bucket', { bucket: { name: 'other' } }],
    ['without a bucket', { bucket: undefined }],
    ['without a sequencer', { object: { sequencer: undefined } }],
    ['with a sequencer that is no number', { object: { sequencer: 'x' } }],
    ['without an etag', { object: { eTag: undefined } }],
    ['whose key is not encoded as S3 does it', { object: { key: 'uploads/colours/%E0%A4%A' } }],
  ])(
    'fails alone and is told to the operator: a record %s',
    async (_what, change: { bucket?: unknown; object?: object }) => {
      const { s3, ...event } = notification('uploads/colours/odd.jpg', '"etag"', '1');
      const odd = { ...event, s3: { ...s3, ...change, object: { ...s3.object, ...change.object } } };
      const good = await upload('uploads/colours/a.jpg', photos.red);
      const { Records } = JSON.parse(await upload('uploads/colours/b.jpg', photos.red)) as { Records: unknown[] };

      const response = await deliver(
        JSON.stringify({ Records: [odd] }),
        good,
        JSON.stringify({ Records: [odd, ...Records] }),
      );

      expect(response.batchItemFailures).toEqual([{ itemIdentifier: 'message-0' }, { itemIdentifier: 'message-2' }]);
      for (const name of ['a', 'b']) expect((await result(`colours/${name}.jpg`)).status).toBe('succeeded');
      expect(serving.warnings).toHaveLength(2);
      expect(serving.warnings[0]).toMatchObject({ code: 'INVALID_REQUEST' });
    },
  );

  it.each([
    '{}',
    '{"hello": 1}',
    '5',
    '"x"',
    '[]',
    'null',
    '',
    '{"Records": []}',
    '{"Type": "SubscriptionConfirmation"}',
  ])('stays in the queue, to come again at once and end among the dead letters: %s', async (body) => {
    expect(await deliver(body)).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-0' }] });

    expect(serving.warnings).toHaveLength(1);
    expect(queue.changes.at(-1)).toEqual(['message-0', 0]);
  });

  it('stays in the queue when it is no notification at all', async () => {
    const good = await upload('uploads/colours/a.jpg', photos.red);

    const response = await deliver('not JSON', good, '{"Records": [{}]}');

    expect(response.batchItemFailures).toEqual([{ itemIdentifier: 'message-0' }, { itemIdentifier: 'message-2' }]);
    expect((await result('colours/a.jpg')).status).toBe('succeeded');
  });
});

describe('an event of S3', () => {
  const sns = (Message: string) => JSON.stringify({ Type: 'Notification', MessageId: 'm', TopicArn: 'arn', Message });
  const eventBridge = (key: string, etag: string, change = {}) =>
    JSON.stringify({
      ...{ version: '0', 'detail-type': 'Object Created', source: 'aws.s3' },
      detail: { bucket: { name: BUCKET }, object: { key, size: 1, etag: etag.replaceAll('"', ''), sequencer: '01' } },
      ...change,
    });

  it.each([
    ['SNS', (body: string) => sns(body)],
    ['SNS within SNS', (body: string) => sns(sns(body))],
    [
      'an event of SNS',
      (body: string) => JSON.stringify({ Records: [{ EventSource: 'aws:sns', Sns: { Message: body } }] }),
    ],
    ['SQS in SNS', (body: string) => sns(JSON.stringify({ Records: [{ eventSource: 'aws:sqs', body }] }))],
  ])('is understood in the envelope of %s', async (_what, envelop) => {
    expect(await deliver(envelop(await upload('uploads/colours/a b.jpg', photos.red)))).toEqual({
      batchItemFailures: [],
    });

    expect((await result('colours/a b.jpg')).status).toBe('succeeded');
  });

  it.each([
    ['EventBridge', (body: string) => body],
    ['EventBridge in SNS', sns],
  ])('is understood as %s writes it, with its key as it is', async (_what, envelop) => {
    const key = 'uploads/colours/a+b %20.jpg';
    const etag = await serving.data.write(key, photos.red);

    expect(await deliver(envelop(eventBridge(key, etag)))).toEqual({ batchItemFailures: [] });

    expect((await result('colours/a+b %20.jpg')).status).toBe('succeeded');
  });

  it('announces no upload in the envelope of SNS or EventBridge when it does not without', async () => {
    const response = await deliver(
      sns(JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'data' })),
      eventBridge('uploads/colours/a.jpg', 'e', { 'detail-type': 'Object Deleted' }),
    );

    expect(response).toEqual({ batchItemFailures: [] });
    expect(await resultKeys()).toEqual([]);
  });

  it.each([
    ['is no S3 event', sns('{"hello": 1}')],
    ['is of another bucket', eventBridge('uploads/colours/a.jpg', 'e', { detail: { bucket: { name: 'other' } } })],
    [
      'comes by way of CloudTrail',
      eventBridge('uploads/colours/a.jpg', 'e', { 'detail-type': 'AWS API Call via CloudTrail' }),
    ],
    ['has no details', eventBridge('uploads/colours/a.jpg', 'e', { detail: {} })],
  ])('stays in the queue when the content of its envelope %s', async (_what, body) => {
    expect(await deliver(body)).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-0' }] });
    expect(serving.warnings).toHaveLength(1);
  });

  it.each([null, 5, {}, { Records: 5 }, { Records: [null] }, { Records: [{ eventSource: 'aws:s3' }] }])(
    'is named when it comes without SQS: %j',
    async (event) => {
      const handler = onUploadHandler(serving, { bucket: BUCKET, attempts: ATTEMPTS, queue, crashNote });
      const context = { awsRequestId: 'invocation', getRemainingTimeInMillis: () => 30_000 } as Context;

      await expect(handler(event as unknown as SQSEvent, context)).rejects.toThrow(/expected messages of SQS/);
    },
  );
});

describe('a name that is too long for its result', () => {
  it('is told to telemetry, and not tried again', async () => {
    const key = `uploads/colours/${'x'.repeat(1000)}`;
    const body = JSON.stringify({ Records: [notification(`${key}.jpeg.jpg`, '"etag"', '1')] });

    expect(await deliver(body)).toEqual({ batchItemFailures: [] });

    expect(serving.observations[0]?.failures).toEqual([
      expect.objectContaining({ message: expect.stringContaining('too long') }),
    ]);
    expect(await resultKeys()).toEqual([]);
  });
});

describe('a fault that may pass', () => {
  /** Lets `method` fail on keys that contain `keyPart`, until it is healed. */
  const failing = (method: 'head' | 'read' | 'write', keyPart: string) => {
    let healthy = false;
    const away = (key: string): void => {
      if (!healthy && key.includes(keyPart)) throw new ServingError('MODEL_UNAVAILABLE', 'S3 is away');
    };
    const store = serving.data as { -readonly [M in keyof ObjectStore]: ObjectStore[M] };
    const { head, read, write } = store;
    if (method === 'head') {
      store.head = async (key) => {
        away(key);
        return head(key);
      };
    } else if (method === 'read') {
      store.read = async (key, maxBytes) => {
        away(key);
        return read(key, maxBytes);
      };
    } else {
      store.write = async (key, body, options) => {
        away(key);
        return write(key, body, options);
      };
    }
    return () => {
      healthy = true;
    };
  };

  it.each([
    ['reading the upload', 'read', 'uploads/colours/b'],
    ['finding the result', 'head', 'results/colours/b'],
    ['writing the result', 'write', 'results/colours/b'],
  ] as const)(
    'while %s leaves that record in the queue, and the next delivery answers it',
    async (_what, method, part) => {
      const [a, b] = [
        await upload('uploads/colours/a.jpg', photos.red),
        await upload('uploads/colours/b.jpg', photos.blue),
      ];
      const heal = failing(method, part);

      expect(await deliver(a, b)).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-1' }] });
      expect(serving.observations[0]?.failures).toEqual([expect.objectContaining({ code: 'MODEL_UNAVAILABLE' })]);
      expect(await resultKeys()).toEqual(['results/colours/a.jpg.json']);
      heal();
      expect(await deliver(b)).toEqual({ batchItemFailures: [] });
      expect((await result('colours/b.jpg')).status).toBe('succeeded');
    },
  );

  it.each([
    [1, 30],
    [2, 120],
    [3, 480],
    [4, 480],
  ])('comes again after attempt %i in %i s', async (attempt, seconds) => {
    const message = await upload('uploads/colours/b.jpg', photos.red);
    failing('read', 'uploads/colours/b');

    expect((await deliverAgain(attempt, message)).batchItemFailures).toHaveLength(1);

    expect(queue.changes.at(-1)).toEqual(['message-0', seconds]);
    expect(await resultKeys()).toEqual([]);
  });

  it('is written down when the last attempt is used up, and a later delivery answers it', async () => {
    const message = await upload('uploads/colours/b.jpg', photos.red);
    const heal = failing('read', 'uploads/colours/b');

    expect((await deliverAgain(ATTEMPTS, message)).batchItemFailures).toHaveLength(1);

    const { status, error } = await result('colours/b.jpg');
    expect(status).toBe('failed');
    expect(error).toEqual({
      code: 'MODEL_UNAVAILABLE',
      message: expect.stringMatching(/last attempt.*request invocation/),
    });
    expect(error?.message).not.toContain('S3 is away');
    expect(queue.changes.at(-1)).toEqual(['message-0', 0]);
    heal();
    await deliver(message);
    expect((await result('colours/b.jpg')).status).toBe('succeeded');
  });

  it('of the routing is written down when the last attempt is used up', async () => {
    const message = await upload('uploads/lite1/a.jpg', photos.red);
    await serving.repository.store.write('models/lite1/routing.json', '{');

    expect((await deliverAgain(ATTEMPTS, message)).batchItemFailures).toHaveLength(1);

    expect(await result('lite1/a.jpg')).toMatchObject({ status: 'failed', error: { code: 'MODEL_INVALID' } });
  });

  it('to look the model up before the deadline leaves the upload in the queue, though the store never answers', async () => {
    const message = await upload('uploads/lite1/a.jpg', photos.red);
    const { store } = serving.repository;
    Object.assign(store, { read: () => new Promise(() => {}) });
    remainingMs = 1_100; // a tenth of a second before the margin

    expect((await deliver(message)).batchItemFailures).toHaveLength(1);

    await expect(serving.data.read('results/lite1/a.jpg.json')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('leaves the answer that another delivery has written', async () => {
    const message = await upload('uploads/colours/b.jpg', photos.red);
    await deliver(message);
    await publishClassifier(serving.repository, COLOURS, 'colours');
    serving.clock.nowMs += 61_000;
    failing('read', 'uploads/colours/b');

    await deliverAgain(ATTEMPTS, message);

    expect(await result('colours/b.jpg')).toMatchObject({ status: 'succeeded', version: 1 });
  });

  it('of the model leaves all of its records in the queue, and writes nothing', async () => {
    const message = await upload('uploads/colours/a.jpg', photos.red);
    await serving.repository.store.remove('models/colours/1/files/model.onnx');

    expect(await deliver(message)).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-0' }] });
    expect(await resultKeys()).toEqual([]);
    expect(serving.observations[0]?.failures).toHaveLength(1);
  });
});
