import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Context, SQSEvent } from 'aws-lambda';
import { NEVER } from '../../src/core/deadline.ts';
import { ServingError } from '../../src/core/errors.ts';
import type { Tensors } from '../../src/core/tensor.ts';
import type { Session } from '../../src/engine/session.ts';
import { onUploadHandler } from '../../src/lambda/on-upload.ts';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';
import type { LabelScore } from '../../src/tasks/scores.ts';
import { createTestServing, publishSample, SAMPLE_FOLDER, type TestServing } from '../support/serving.ts';

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

let serving: TestServing;
let photos: Record<'coffee' | 'chelsea' | 'rocket', Buffer>;
let sequence = 0x10;

beforeEach(async () => {
  serving = await createTestServing();
  await publishSample(serving.repository, 'lite0');
  const photo = (name: string) => readFile(`${SAMPLE_FOLDER}/samples/${name}.jpg`);
  photos = { coffee: await photo('coffee'), chelsea: await photo('chelsea'), rocket: await photo('rocket') };
});
afterEach(() => serving.remove());

/** As S3 writes it into an event. */
const encodeKey = (key: string) => encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+');

const notification = (key: string, etag: string, sequencer: string, size = 1) => ({
  eventVersion: '2.1',
  eventSource: 'aws:s3',
  eventName: 'ObjectCreated:Put',
  s3: { bucket: { name: 'data' }, object: { key: encodeKey(key), size, eTag: etag.replaceAll('"', ''), sequencer } },
});

/** Puts an object and returns the body of the message that announces it. */
const upload = async (key: string, body: Uint8Array | string): Promise<string> => {
  const etag = await serving.data.write(key, body);
  sequence += 1;
  return JSON.stringify({ Records: [notification(key, etag, sequence.toString(16).toUpperCase().padStart(18, '0'))] });
};

const deliver = (...bodies: string[]) => {
  const Records = bodies.map((body, index) => ({ messageId: `message-${index}`, body }));
  const context = { awsRequestId: 'invocation', getRemainingTimeInMillis: () => 30_000 } as Context;
  return onUploadHandler(serving)({ Records } as SQSEvent, context);
};

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
  await serving.models.use(await serving.router.route({ name: 'lite0' }), NEVER, async (model) => {
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
    const message = await upload('uploads/lite0/folder/coffee.jpg', photos.coffee);

    expect(await deliver(message)).toEqual({ batchItemFailures: [] });

    const document = await result('lite0/folder/coffee.jpg');
    expect(document).toMatchObject({ status: 'succeeded', model: 'lite0', version: 1, batchSize: 1 });
    expect(document.source).toMatchObject({ key: 'uploads/lite0/folder/coffee.jpg', sequencer: expect.any(String) });
    expect(document.result?.[0]?.label).toBe('espresso');
    expect(document.timingsMs.run).toBeGreaterThan(0);
    expect(Date.parse(document.created)).not.toBeNaN();
  });

  it.each(['a b.jpg', 'a+b.jpg', 'ünï/日本 +%20.jpg', "it's & <odd>.jpg"])('may be called %s', async (name) => {
    await deliver(await upload(`uploads/lite0/${name}`, photos.coffee));

    expect((await result(`lite0/${name}`)).result?.[0]?.label).toBe('espresso');
  });

  it('may be a task request in JSON', async () => {
    const request = { inputs: photos.coffee.toString('base64'), parameters: { top_k: 1 } };

    await deliver(await upload('uploads/lite0/request.json', JSON.stringify(request)));

    expect((await result('lite0/request.json')).result).toHaveLength(1);
  });
});

describe('a batch', () => {
  it('runs as one, and each record gets its own answer', async () => {
    const batches = await countRuns();
    const names = ['coffee', 'chelsea', 'rocket'] as const;
    const messages = await Promise.all(names.map((name) => upload(`uploads/lite0/${name}.jpg`, photos[name])));

    await deliver(...messages);

    expect(batches).toEqual([3]);
    const labels = await Promise.all(names.map(async (name) => (await result(`lite0/${name}.jpg`)).result?.[0]?.label));
    expect(labels).toEqual(['espresso', expect.stringMatching(/cat|tabby/), 'missile']);
    expect(serving.observations).toHaveLength(1);
    expect(serving.observations[0]).toMatchObject({ operation: 'upload', batchSize: 3, failures: [] });
  });

  it('gives the answers that its records would get alone', async () => {
    await deliver(await upload('uploads/lite0/alone.jpg', photos.rocket));
    await deliver(
      await upload('uploads/lite0/a.jpg', photos.coffee),
      await upload('uploads/lite0/together.jpg', photos.rocket),
    );

    const [alone, together] = [await result('lite0/alone.jpg'), await result('lite0/together.jpg')];
    together.result?.forEach(({ label, score }, rank) => {
      expect(label).toBe(alone.result?.[rank]?.label);
      expect(score).toBeCloseTo(alone.result?.[rank]?.score ?? 0, 5);
    });
  });

  it('writes down the record that can only fail, and answers the others', async () => {
    const response = await deliver(
      await upload('uploads/lite0/good.jpg', photos.coffee),
      await upload('uploads/lite0/bad.jpg', 'no picture'),
      await upload('uploads/nobody/photo.jpg', photos.coffee),
      await upload('uploads/no-model.jpg', photos.coffee),
    );

    expect(response).toEqual({ batchItemFailures: [] });
    expect((await result('lite0/good.jpg')).status).toBe('succeeded');
    expect(await result('lite0/bad.jpg')).toMatchObject({
      status: 'failed',
      model: 'lite0',
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
      await upload('uploads/lite0/1.jpg', photos.coffee),
      await upload('uploads/lite0/2.jpg', photos.rocket),
    );

    expect(response).toEqual({ batchItemFailures: [] });
    expect((await result('lite0/2.jpg')).result?.[0]?.label).toBe('missile');
  });
});

describe('delivery more than once, and out of order', () => {
  it('skips what the same version has answered, before the run', async () => {
    const batches = await countRuns();
    const message = await upload('uploads/lite0/a.jpg', photos.coffee);

    await deliver(message);
    const first = await result('lite0/a.jpg');
    await deliver(message);
    await deliver(message, message);

    expect(batches).toEqual([1]);
    expect(await result('lite0/a.jpg')).toEqual(first);
    expect(serving.observations.map(({ batchSize, skipped }) => [batchSize, skipped])).toEqual([
      [1, 0],
      [0, 1],
      [0, 1],
    ]);
  });

  it('skips an upload by the metadata of its result, and does not read the result', async () => {
    const message = await upload('uploads/lite0/a.jpg', photos.coffee);
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
    const { metadata } = await serving.data.head('results/lite0/a.jpg.json');
    expect(metadata).toEqual({
      'source-etag': expect.any(String),
      'source-sequencer': expect.any(String),
      'model-version': '1',
    });
  });

  it('skips an upload by the document of its result when that has no metadata, as in release 0.1.0', async () => {
    const batches = await countRuns();
    const message = await upload('uploads/lite0/a.jpg', photos.coffee);
    await deliver(message);
    const { body } = await serving.data.read('results/lite0/a.jpg.json');
    await serving.data.write('results/lite0/a.jpg.json', body);

    await deliver(message);

    expect(batches).toEqual([1]);
    expect(serving.observations.at(-1)).toMatchObject({ skipped: 1 });
  });

  it('replaces a document that stands in the place of a result and is none', async () => {
    await serving.data.write('results/lite0/a.jpg.json', '{"source": {"etag": 1}}');

    await deliver(await upload('uploads/lite0/a.jpg', photos.coffee));

    expect((await result('lite0/a.jpg')).status).toBe('succeeded');
  });

  it('answers again when another version is routed to', async () => {
    const message = await upload('uploads/lite0/a.jpg', photos.coffee);
    await deliver(message);
    await publishSample(serving.repository, 'lite0');
    serving.clock.nowMs += 61_000;

    await deliver(message);

    expect((await result('lite0/a.jpg')).version).toBe(2);
  });

  it('replaces the answer to an older upload, and drops an older event that comes late', async () => {
    const older = await upload('uploads/lite0/a.jpg', photos.coffee);
    await deliver(older);
    const newer = await upload('uploads/lite0/a.jpg', photos.rocket);

    await deliver(newer);
    await deliver(older);

    expect((await result('lite0/a.jpg')).result?.[0]?.label).toBe('missile');
  });

  it('answers only the newest when both events are in a batch', async () => {
    const batches = await countRuns();
    const older = await upload('uploads/lite0/a.jpg', photos.coffee);
    const newer = await upload('uploads/lite0/a.jpg', photos.rocket);

    expect(await deliver(newer, older)).toEqual({ batchItemFailures: [] });

    expect(batches).toEqual([1]);
    expect((await result('lite0/a.jpg')).result?.[0]?.label).toBe('missile');
  });

  it('drops an event whose object was replaced since', async () => {
    const older = await upload('uploads/lite0/a.jpg', photos.coffee);
    await upload('uploads/lite0/a.jpg', photos.rocket);

    expect(await deliver(older)).toEqual({ batchItemFailures: [] });

    expect(await resultKeys()).toEqual([]);
  });

  it('leaves one document when two functions answer at the same time', async () => {
    const message = await upload('uploads/lite0/a.jpg', photos.coffee);

    const responses = await Promise.all([deliver(message), deliver(message), deliver(message)]);

    expect(responses.every(({ batchItemFailures }) => batchItemFailures.length === 0)).toBe(true);
    expect((await result('lite0/a.jpg')).status).toBe('succeeded');
    expect(await resultKeys()).toEqual(['results/lite0/a.jpg.json']);
  });

  it('compares sequencers of different length as numbers', async () => {
    const etag = await serving.data.write('uploads/lite0/a.jpg', photos.coffee);
    const event = (sequencer: string) =>
      JSON.stringify({ Records: [notification('uploads/lite0/a.jpg', etag, sequencer)] });
    await deliver(event('0FF'));
    await publishSample(serving.repository, 'lite0');
    serving.clock.nowMs += 61_000;

    await deliver(event('FE'));

    expect((await result('lite0/a.jpg')).version).toBe(1);
  });
});

describe('messages that come again', () => {
  it('are run alone, so that one that ends the process takes no other with it', async () => {
    const batches = await countRuns();
    const names = ['1', '2', '3'];
    const bodies = await Promise.all(names.map((name) => upload(`uploads/lite0/${name}.jpg`, photos.coffee)));
    const Records = bodies.map((body, index) => {
      const attributes = { ApproximateReceiveCount: index === 0 ? '1' : '2' };
      return { messageId: `message-${index}`, body, attributes };
    });
    const context = { awsRequestId: 'invocation', getRemainingTimeInMillis: () => 30_000 } as Context;

    const response = await onUploadHandler(serving)({ Records } as SQSEvent, context);

    expect(response).toEqual({ batchItemFailures: [] });
    expect(batches).toEqual([1, 1, 1]);
    for (const name of names) expect((await result(`lite0/${name}.jpg`)).status).toBe('succeeded');
  });
});

describe('what no upload is', () => {
  it('is left alone: results, folders, removals, the test event of S3', async () => {
    const etag = await serving.data.write('results/lite0/a.jpg.json', '{}');
    const removal = { ...notification('uploads/lite0/a.jpg', etag, '1'), eventName: 'ObjectRemoved:Delete' };

    const response = await deliver(
      JSON.stringify({ Records: [notification('results/lite0/a.jpg.json', etag, '1')] }),
      JSON.stringify({ Records: [notification('uploads/lite0/', etag, '1')] }),
      JSON.stringify({ Records: [removal] }),
      JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'data' }),
    );

    expect(response).toEqual({ batchItemFailures: [] });
    expect(await resultKeys()).toEqual(['results/lite0/a.jpg.json']);
  });

  it('stays in the queue when it is no notification at all', async () => {
    const good = await upload('uploads/lite0/a.jpg', photos.coffee);

    const response = await deliver('not JSON', good, '{"Records": [{}]}');

    expect(response.batchItemFailures).toEqual([{ itemIdentifier: 'message-0' }, { itemIdentifier: 'message-2' }]);
    expect((await result('lite0/a.jpg')).status).toBe('succeeded');
  });
});

describe('a name that is too long for its result', () => {
  it('is told to telemetry, and not tried again', async () => {
    const key = `uploads/lite0/${'x'.repeat(1000)}`;
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
    ['reading the upload', 'read', 'uploads/lite0/b'],
    ['finding the result', 'head', 'results/lite0/b'],
    ['writing the result', 'write', 'results/lite0/b'],
  ] as const)(
    'while %s leaves that record in the queue, and the next delivery answers it',
    async (_what, method, part) => {
      const [a, b] = [
        await upload('uploads/lite0/a.jpg', photos.coffee),
        await upload('uploads/lite0/b.jpg', photos.rocket),
      ];
      const heal = failing(method, part);

      expect(await deliver(a, b)).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-1' }] });
      expect(serving.observations[0]?.failures).toEqual([expect.objectContaining({ code: 'MODEL_UNAVAILABLE' })]);
      expect(await resultKeys()).toEqual(['results/lite0/a.jpg.json']);
      heal();
      expect(await deliver(b)).toEqual({ batchItemFailures: [] });
      expect((await result('lite0/b.jpg')).status).toBe('succeeded');
    },
  );

  it('of the model leaves all of its records in the queue, and writes nothing', async () => {
    const message = await upload('uploads/lite0/a.jpg', photos.coffee);
    await serving.repository.store.remove('models/lite0/1/files/model.onnx');

    expect(await deliver(message)).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-0' }] });
    expect(await resultKeys()).toEqual([]);
    expect(serving.observations[0]?.failures).toHaveLength(1);
  });
});
