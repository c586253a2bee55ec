import type { Context, S3Event, SQSBatchItemFailure, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { deadlineAt } from '../core/deadline.ts';
import { UPLOADS_PREFIX } from '../protocol/task-api/request.ts';
import type { Serving } from '../serving/serving.ts';
import type { Upload } from '../serving/upload-results.ts';
import { processUploads } from '../serving/uploads.ts';

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

/** Uploads by the message that brought them; a message that is no notification stays in the queue and ends among the dead letters. */
export const onUploadHandler =
  (serving: Serving) =>
  async ({ Records: records }: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const failures = new Map<string, SQSBatchItemFailure>();
    const fail = ({ messageId }: SQSRecord) => failures.set(messageId, { itemIdentifier: messageId });

    const announced: { record: SQSRecord; upload: Upload }[] = [];
    for (const record of records) {
      try {
        for (const upload of parseNotification(record.body)) announced.push({ record, upload });
      } catch {
        fail(record);
      }
    }
    const outcomes = await processUploads(
      serving,
      announced.map(({ upload }) => upload),
      deadlineAt(Date.now() + context.getRemainingTimeInMillis() - MARGIN_MS),
      context.awsRequestId,
    );
    outcomes.forEach((outcome, index) => {
      const source = announced[index];
      if (source && outcome.status === 'retry') fail(source.record);
    });
    return { batchItemFailures: [...failures.values()] };
  };
