import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { DEFAULT_REGION, LOCAL_ACCOUNT, LOCAL_CREDENTIALS } from '../../../src/core/aws-defaults.ts';
import { toFigure, toRatio } from '../figures.ts';
import type { Results } from '../measures.ts';
import { SAMPLE, type Sample } from '../sample.ts';
import type { BatchInput, BatchTimes } from '../scripts/batch.ts';
import { projectRoot, UPLOAD_QUEUE, type Workbench } from '../workbench.ts';

/** The first turn, which does not count, need not be a long one. */
const WARM_UP_PHOTOS = 8;

/** The most messages of one call to SQS. */
const CALL = 10;

/** Uploads every photo below `folder`, and receives the messages that S3 and SQS make of that, in the order of the photos. */
const uploadAll = async ({ storage }: Workbench, photos: readonly Buffer[], folder: string): Promise<SQSEvent> => {
  const sample = JSON.parse(await readFile(path.join(projectRoot, 'events/on-upload.json'), 'utf8')) as SQSEvent;
  const [record] = sample.Records as [SQSRecord];
  const { endpoint, dataBucket, client } = storage;
  const eventSourceARN = `arn:aws:sqs:${DEFAULT_REGION}:${LOCAL_ACCOUNT}:${UPLOAD_QUEUE}`;
  const toKey = (index: number): string => `uploads/${SAMPLE}/${folder}/${index}.jpg`;
  await Promise.all(
    photos.map((Body, index) => client.send(new PutObjectCommand({ Bucket: dataBucket, Key: toKey(index), Body }))),
  );

  const queue = new SQSClient({ endpoint, region: DEFAULT_REGION, credentials: LOCAL_CREDENTIALS });
  const QueueUrl = `${endpoint}/${LOCAL_ACCOUNT}/${UPLOAD_QUEUE}`;
  const received = new Map<string, SQSRecord>();
  while (received.size < photos.length) {
    const receive = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: CALL, WaitTimeSeconds: 1 });
    for (const { Body: body = '', ReceiptHandle: receiptHandle = '' } of (await queue.send(receive)).Messages ?? []) {
      const { key } = JSON.parse(body).Records[0].s3.object;
      received.set(key, { ...record, messageId: key, receiptHandle, body, eventSourceARN });
    }
  }
  queue.destroy();
  return { Records: photos.flatMap((_photo, index) => received.get(toKey(index)) ?? []) };
};

/** 64 photos at once through the packaged on-upload. */
export const measureBatch = async (workbench: Workbench, sample: Sample, rounds: number): Promise<Results> => {
  const { graphPath, id2label, photoPaths } = sample;
  const { storage, directory } = workbench;
  const photos = await Promise.all(photoPaths.map((file) => readFile(file)));
  const events: SQSEvent[] = [];
  for (let turn = 0; turn <= rounds; turn += 1) {
    const batch = turn === 0 ? photos.slice(0, WARM_UP_PHOTOS) : photos;
    events.push(await uploadAll(workbench, batch, String(turn)));
  }

  const { floor, upload } = await workbench.run<BatchTimes>('batch', {
    handlerPath: path.join(directory, 'on-upload/handler.mjs'),
    graphPath,
    id2label,
    photoPaths,
    events,
    resultUrls: photos.map(
      (_, index) => `${storage.endpoint}/${storage.dataBucket}/results/${SAMPLE}/${rounds}/${index}.jpg.json`,
    ),
    rounds,
  } satisfies BatchInput);
  return {
    // As much as the raw loop does in the same time.
    figures: { 'batch.throughput_ratio': toRatio(floor, upload) },
    times: { '64 JPEGs, raw loop and one run': toFigure(floor), '64 JPEGs, on-upload': toFigure(upload) },
  };
};
