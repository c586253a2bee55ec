import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { liveSecrets, readSecrets } from '../access/webhook-secrets.ts';
import { ServingError } from '../core/errors.ts';
import { JOB_EVENTS_PREFIX } from '../jobs/job-document.ts';
import { deliverEvent, PAUSES_SECONDS, type SendEvent } from '../jobs/webhooks/delivery.ts';
import { createSendEvent } from '../jobs/webhooks/send-event.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import { createS3Client, createS3Store } from '../repository/stores/s3-store.ts';
import type { Telemetry } from '../serving/telemetry.ts';
import { readWebhookConfig } from './configuration.ts';
import { createMessageQueue, type MessageQueue } from './message-queue.ts';
import { failuresOf, recordsOf } from './queue-event.ts';
import { createNotificationParser } from './s3-notifications.ts';
import { createWarned } from './telemetry/describe-failure.ts';

export interface OnWebhookOptions {
  readonly data: ObjectStore;
  readonly bucket: string;
  readonly queue: MessageQueue;
  readonly send: SendEvent;
  readonly warned: Telemetry['warned'];
}

/** Attempts at an event, the last of which has no pause behind it. */
const ATTEMPTS = PAUSES_SECONDS.length + 1;
/** Seconds until a message comes again whose event could not be read. */
const UNKNOWN_SECONDS = 60;

/** Delivers the events of jobs by the messages that announce them. An event that fails comes again, later each time. */
export const onWebhookHandler = ({ data, bucket, queue, send, warned }: OnWebhookOptions) => {
  const parseBody = createNotificationParser(bucket, JOB_EVENTS_PREFIX);

  /** The seconds until the message has to come again; undefined when it is done. */
  const deliver = async (record: SQSRecord): Promise<number | undefined> => {
    const { uploads: objects, problems } = parseBody(record.body);
    for (const problem of problems) warned('a message of the webhook queue is not understood', problem);
    const pauses = problems.map(() => 0);
    for (const { key } of objects)
      try {
        const { outcome, pauseSeconds } = await deliverEvent(data, key, { send, attempts: ATTEMPTS });
        if (pauseSeconds !== undefined) pauses.push(pauseSeconds);
        if (outcome === 'failed') warned('a webhook has not taken its event', new ServingError('CONFLICT', key));
      } catch (cause) {
        const error = ServingError.from(cause);
        warned('an event for a webhook could not be read or written', error);
        if (error.code === 'MODEL_UNAVAILABLE') pauses.push(UNKNOWN_SECONDS);
      }
    return pauses.length === 0 ? undefined : Math.min(...pauses);
  };

  return async (event: SQSEvent, _context: Context): Promise<SQSBatchResponse> => {
    const records = recordsOf(event);
    const ends = await Promise.all(records.map(async (record) => ({ record, pause: await deliver(record) })));
    const failed = ends.flatMap(({ record, pause }) => (pause === undefined ? [] : [{ record, pause }]));
    await Promise.all(failed.map(({ record, pause }) => queue.hide([record], pause)));
    return failuresOf(failed.map(({ record }) => record));
  };
};

/** Connects the events in the data bucket, and the secrets in the bucket of the models. */
export const webhooksOfBuckets = (): OnWebhookOptions => {
  const { modelsBucket, dataBucket: bucket, webhookHosts: trusted } = readWebhookConfig();
  const client = createS3Client();
  const models = createS3Store(client, modelsBucket);
  const secretsOf = async (holder: string) => liveSecrets(await readSecrets(models), holder);
  const warned = createWarned();
  const queue = createMessageQueue((error) => warned('a message of the webhook queue cannot be hidden', error));
  return { data: createS3Store(client, bucket), bucket, queue, send: createSendEvent({ secretsOf, trusted }), warned };
};
