import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { toFigure, toRatio } from '../figures.ts';
import type { Results } from '../measures.ts';
import { SAMPLE, type Sample } from '../sample.ts';
import type { BatchInput, BatchTimes } from '../scripts/batch.ts';
import { projectRoot, type Workbench } from '../workbench.ts';

/** The first turn, which does not count, need not be a long one. */
const WARM_UP_PHOTOS = 8;

/** Uploads every photo below `folder`. The messages that S3 and SQS would make of that, after the sample event. */
const uploadAll = async ({ storage }: Workbench, photos: readonly Buffer[], folder: string): Promise<SQSEvent> => {
  const sample = JSON.parse(await readFile(path.join(projectRoot, 'events/on-upload.json'), 'utf8')) as SQSEvent;
  const [record] = sample.Records as [SQSRecord];
  const [notification] = JSON.parse(record.body).Records;
  const bucket = { ...notification.s3.bucket, name: storage.dataBucket };
  const upload = async (photo: Buffer, index: number): Promise<SQSRecord> => {
    const key = `uploads/${SAMPLE}/${folder}/${index}.jpg`;
    const put = new PutObjectCommand({ Bucket: storage.dataBucket, Key: key, Body: photo });
    const { ETag: eTag = '' } = await storage.client.send(put);
    const object = { key, eTag: eTag.replaceAll('"', ''), size: photo.byteLength, sequencer: '01' };
    const body = JSON.stringify({ Records: [{ ...notification, s3: { ...notification.s3, bucket, object } }] });
    return { ...record, messageId: String(index), body };
  };
  return { Records: await Promise.all(photos.map(upload)) };
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
