import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { type Deadline, deadlineAt } from '../core/deadline.ts';
import type { Upload } from '../jobs/upload.ts';
import { processUploads } from '../jobs/uploads.ts';
import type { Serving } from '../serving/serving.ts';
import type { CrashNote } from './crash-note.ts';
import { holdMessages, type MessageHold } from './message-hold.ts';
import type { MessageQueue } from './message-queue.ts';
import { attemptOf, failuresOf, recordsOf } from './queue-event.ts';
import { createNotificationParser } from './s3-notifications.ts';

export interface OnUploadOptions {
  /** The bucket whose uploads are answered. */
  readonly bucket: string;
  /** Receptions after which the queue moves a message to the dead letters. */
  readonly attempts: number;
  readonly queue: MessageQueue;
  readonly crashNote: CrashNote;
}

/** Room to answer before Lambda ends the function. */
const MARGIN_MS = 1_000;

/** Seconds until a failure that may pass is tried again: 30 s, 2 minutes, then 8. */
const FIRST_PAUSE_SECONDS = 30;
const LONGEST_PAUSE_SECONDS = 480;
const pauseSeconds = (attempt: number): number =>
  Math.min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 4 ** (attempt - 1));

/** A message with its uploads. */
interface Message {
  readonly record: SQSRecord;
  /** 1 for the first reception. */
  readonly attempt: number;
  readonly uploads: readonly Upload[];
  /** A part of the message is no event of an upload: no attempt can answer it. */
  readonly isRefused: boolean;
}

/** Above each number of attempts. */
const LAST = 1_000_000;

/** Items by their rank, those of the same rank in another order each time: each is at some time before the one that ends the process. */
const shuffled = <Item>(items: readonly Item[], rankOf: (item: Item) => number): Item[] =>
  items
    .map((item) => ({ item, order: rankOf(item) + Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);

/**
 * Messages that run together: all that come for the first time. A message that comes again may be the one that ended the process: it runs
 * alone, after the others. A message that is known to have done so runs last.
 */
const inGroups = (messages: readonly Message[], { names }: CrashNote): Message[][] => {
  const first = messages.filter(({ attempt }) => attempt <= 1);
  const again = messages.filter(({ attempt }) => attempt > 1);
  const order = ({ attempt, record }: Message): number => (names(record.messageId) ? LAST : attempt);
  return [...(first.length > 0 ? [first] : []), ...shuffled(again, order).map((each) => [each])];
};

/** Answers the uploads of a group. Returns the messages that have to come again. */
const answerGroup = async (
  serving: Serving,
  group: readonly Message[],
  deadline: Deadline,
  requestId: string,
): Promise<Set<Message>> => {
  const announced = group.flatMap((message) => message.uploads.map((upload) => ({ message, upload })));
  const isAgain = group.some(({ attempt }) => attempt > 1);
  const runs = isAgain ? shuffled(announced, () => 0).map((each) => [each]) : [announced];
  const retried = new Set<Message>();
  for (const run of runs) {
    const uploads = run.map(({ upload }) => upload);
    const outcomes = await processUploads(serving, uploads, deadline, requestId);
    run.forEach(({ message }, index) => {
      if (outcomes[index]?.status === 'retry') retried.add(message);
    });
  }
  return retried;
};

/** Gives each message of a group the time at which it comes again. Returns the failed ones. */
const settle = async (
  hold: MessageHold,
  group: readonly Message[],
  retried: ReadonlySet<Message>,
  attempts: number,
): Promise<Message[]> => {
  const failed = group.filter((message) => message.isRefused || retried.has(message));
  const isLater = (message: Message): boolean => retried.has(message) && message.attempt < attempts;
  const byPause = Map.groupBy(failed, (message) => (isLater(message) ? pauseSeconds(message.attempt) : 0));
  for (const [seconds, messages] of byPause)
    await hold.release(
      messages.map(({ record }) => record),
      seconds,
    );
  return failed;
};

/** Answers uploads by the messages that announce them. A message that is not understood fails alone and ends among the dead letters. */
export const onUploadHandler = (serving: Serving, { bucket, attempts, queue, crashNote }: OnUploadOptions) => {
  const parseBody = createNotificationParser(bucket);

  const toMessage = (record: SQSRecord): Message => {
    const attempt = attemptOf(record);
    const { uploads, problems } = parseBody(record.body);
    for (const problem of problems)
      serving.telemetry.warned('a message of the upload queue is not understood', problem);
    const isLastAttempt = attempt >= attempts;
    return {
      record,
      attempt,
      uploads: uploads.map((upload) => ({ ...upload, isLastAttempt })),
      isRefused: problems.length > 0,
    };
  };

  return async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const messages = recordsOf(event).map(toMessage);
    const deadline = deadlineAt(Date.now() + context.getRemainingTimeInMillis() - MARGIN_MS);
    const hold = await holdMessages(
      queue,
      messages.map(({ record }) => record),
    );
    const failed: Message[] = [];
    try {
      for (const group of inGroups(messages, crashNote)) {
        const [first] = group;
        const isAlone = first !== undefined && first.attempt > 1;
        if (isAlone) {
          await hold.alone(first.record);
          crashNote.begin(first.record.messageId);
        }
        const retried = await answerGroup(serving, group, deadline, context.awsRequestId);
        if (isAlone) crashNote.end();
        const failedNow = await settle(hold, group, retried, attempts);
        failed.push(...failedNow);
        const done = group.filter((message) => !failedNow.includes(message)).map(({ record }) => record);
        if (group.length < messages.length) await hold.delete(done);
      }
    } finally {
      await hold.end();
    }
    return failuresOf(failed.map(({ record }) => record));
  };
};
