import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { type Deadline, deadlineAt } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import { JOB_REQUESTS_PREFIX, jobIdOf } from '../jobs/job-document.ts';
import { runJob } from '../jobs/run-job.ts';
import type { Serving } from '../serving/serving.ts';
import { holdMessages, type MessageHold } from './message-hold.ts';
import type { MessageQueue } from './message-queue.ts';
import { failuresOf, recordsOf } from './queue-event.ts';
import { createNotificationParser } from './s3-notifications.ts';

export interface OnJobOptions {
  /** The bucket that holds the jobs. */
  readonly bucket: string;
  readonly queue: MessageQueue;
}

/** Room to write the state of a job before Lambda ends the function. */
const MARGIN_MS = 15_000;
/** Seconds until a message comes again whose job could not be read. */
const UNKNOWN_SECONDS = 30;

/** Runs jobs by the messages that announce them, each alone. A message that is not understood ends among the dead letters. */
export const onJobHandler = (serving: Serving, { bucket, queue }: OnJobOptions) => {
  const parseBody = createNotificationParser(bucket, JOB_REQUESTS_PREFIX);

  /** The seconds until the message has to come again; undefined when it is done. */
  const runMessage = async (record: SQSRecord, deadline: Deadline, requestId: string): Promise<number | undefined> => {
    const { uploads: objects, problems } = parseBody(record.body);
    for (const problem of problems) serving.telemetry.warned('a message of the job queue is not understood', problem);
    const pauses = problems.map(() => 0);
    for (const id of objects.flatMap(({ key }) => jobIdOf(key) ?? [])) {
      const end = await runJob(serving, id, { deadline, requestId });
      if (end !== undefined) pauses.push(end.againSeconds);
    }
    return pauses.length === 0 ? undefined : Math.min(...pauses);
  };

  const handle = async (record: SQSRecord, hold: MessageHold, context: Context): Promise<boolean> => {
    const deadline = deadlineAt(Date.now() + context.getRemainingTimeInMillis() - MARGIN_MS);
    await hold.alone(record);
    const againSeconds = await runMessage(record, deadline, context.awsRequestId).catch((error: unknown) => {
      serving.telemetry.warned('a job could not be read or written: it is tried again', ServingError.from(error));
      return UNKNOWN_SECONDS;
    });
    if (againSeconds === undefined) return true;
    await hold.release([record], againSeconds);
    return false;
  };

  return async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const records = recordsOf(event);
    const hold = await holdMessages(queue, records);
    const failed: SQSRecord[] = [];
    try {
      for (const record of records) if (!(await handle(record, hold, context))) failed.push(record);
    } finally {
      await hold.end();
    }
    return failuresOf(failed);
  };
};
