import type { Context, S3Event, SQSBatchItemFailure, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { deadlineAt } from '../core/deadline.ts';
import type { Upload } from '../jobs/results.ts';
import { processUploads } from '../jobs/uploads.ts';
import { UPLOADS_PREFIX } from '../protocol/task-api/request.ts';
import type { Serving } from '../serving/serving.ts';

/** Room to answer before Lambda ends the function. */
const MARGIN_MS = 1_000;

/** S3 writes keys into events as a browser writes a form: `+` for a space, the rest per cent. */
const decodeKey = (key: string): string => decodeURIComponent(key.replaceAll('+', ' '));

/** The uploads that an S3 notification announces; none for S3's test event and for what lies elsewhere. */
export const parseNotification = (body: string): Upload[] => {
  const { Records: records = [] } = JSON.parse(body) as Partial<S3Event>;
  return records
    .filter(({ eventName }) => eventName.startsWith('ObjectCreated:'))
    .map(({ s3: { object } }) => ({
      key: decodeKey(object.key),
      etag: object.eTag,
      sizeBytes: object.size,
      sequencer: object.sequencer,
    }))
    .filter(({ key }) => key.startsWith(UPLOADS_PREFIX) && !key.endsWith('/'));
};

interface Announced {
  readonly record: SQSRecord;
  readonly upload: Upload;
}

/**
 * Uploads that run together: all that come for the first time. A message that comes again may be the one that ended the process: it runs
 * alone. The order of such messages differs each time, so that the others are answered before it.
 */
const inGroups = (announced: readonly Announced[]): Announced[][] => {
  const isAgain = ({ record }: Announced): boolean => Number(record.attributes?.ApproximateReceiveCount ?? 1) > 1;
  const first = announced.filter((each) => !isAgain(each));
  const again = announced.filter(isAgain).map((each) => ({ each, order: Math.random() }));
  again.sort((a, b) => a.order - b.order);
  return [...(first.length > 0 ? [first] : []), ...again.map(({ each }) => [each])];
};

/** Uploads by the message that brought them; a message that is no notification stays in the queue and ends among the dead letters. */
export const onUploadHandler =
  (serving: Serving) =>
  async ({ Records: records }: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const failures = new Map<string, SQSBatchItemFailure>();
    const fail = ({ messageId }: SQSRecord) => failures.set(messageId, { itemIdentifier: messageId });

    const announced: Announced[] = [];
    for (const record of records) {
      try {
        for (const upload of parseNotification(record.body)) announced.push({ record, upload });
      } catch {
        fail(record);
      }
    }
    const deadline = deadlineAt(Date.now() + context.getRemainingTimeInMillis() - MARGIN_MS);
    for (const group of inGroups(announced)) {
      const uploads = group.map(({ upload }) => upload);
      const outcomes = await processUploads(serving, uploads, deadline, context.awsRequestId);
      outcomes.forEach((outcome, index) => {
        const source = group[index];
        if (source && outcome.status === 'retry') fail(source.record);
      });
    }
    return { batchItemFailures: [...failures.values()] };
  };
