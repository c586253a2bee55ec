import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteMessageBatchCommand, type Message, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { DEFAULT_REGION, LOCAL_ACCOUNT, LOCAL_CREDENTIALS } from '../../src/core/aws-defaults.ts';
import type { EmbeddedAws } from '../aws/embedded-aws.ts';

export interface EventSourceOptions {
  readonly aws: EmbeddedAws;
  readonly queue: string;
  readonly batchSize: number;
  /** The time that a batch waits to become full. */
  readonly windowSeconds: number;
  /** The function answers with the messages that failed. Otherwise its answer is ignored. */
  readonly reportsFailures: boolean;
  /** Invokes the function that the messages go to. */
  readonly invoke: (event: SQSEvent) => Promise<unknown>;
  /** Told when the function fails as a whole: its messages come back after the queue's visibility timeout. */
  readonly onFailure: (error: unknown) => void;
}

export interface EventSource {
  /** Waits for the batch under way, which ends early when its function is stopped. */
  stop(): Promise<void>;
}

/** The most that SQS gives in one call, and the longest that it waits for a message. */
const LARGEST_RECEIVE = 10;
const LONG_POLL_SECONDS = 20;
const PAUSE_AFTER_FAILURE_MS = 1_000;

const toRecord = (message: Message, queue: string): SQSRecord => ({
  messageId: message.MessageId ?? '',
  receiptHandle: message.ReceiptHandle ?? '',
  body: message.Body ?? '',
  attributes: {
    ApproximateReceiveCount: '',
    SentTimestamp: '',
    SenderId: '',
    ApproximateFirstReceiveTimestamp: '',
    ...message.Attributes,
  },
  messageAttributes: {},
  md5OfBody: message.MD5OfBody ?? '',
  eventSource: 'aws:sqs',
  eventSourceARN: `arn:aws:sqs:${DEFAULT_REGION}:${LOCAL_ACCOUNT}:${queue}`,
  awsRegion: DEFAULT_REGION,
});

const isBatchResponse = (response: unknown): response is SQSBatchResponse =>
  typeof response === 'object' &&
  response !== null &&
  'batchItemFailures' in response &&
  Array.isArray(response.batchItemFailures);

/** The messages to keep: all of them when the function names one that it was not given, as on Lambda. */
const failedIds = (response: unknown, records: readonly SQSRecord[]): ReadonlySet<string> => {
  const batchItemFailures = isBatchResponse(response) ? response.batchItemFailures : [];
  const given = new Set(records.map(({ messageId }) => messageId));
  const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  return [...failed].every((id) => given.has(id)) ? failed : given;
};

/** Lambda's event source mapping for a queue, with partial batch responses and one batch at a time. */
export const startEventSource = (options: EventSourceOptions): EventSource => {
  const { aws, queue, batchSize, windowSeconds, reportsFailures, invoke, onFailure } = options;
  const sqs = new SQSClient({ endpoint: aws.endpoint, region: DEFAULT_REGION, credentials: LOCAL_CREDENTIALS });
  const QueueUrl = aws.queueUrl(queue);
  const stopping = new AbortController();

  const receive = async (atMost: number, WaitTimeSeconds: number): Promise<Message[]> => {
    const MaxNumberOfMessages = Math.min(atMost, LARGEST_RECEIVE);
    const command = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages, WaitTimeSeconds });
    return (await sqs.send(command, { abortSignal: stopping.signal })).Messages ?? [];
  };

  /** Waits for the first message, and then as long as the window for those that follow it. */
  const receiveBatch = async (): Promise<Message[]> => {
    const messages = await receive(batchSize, LONG_POLL_SECONDS);
    const endMs = Date.now() + windowSeconds * 1000;
    while (messages.length > 0 && messages.length < batchSize && Date.now() < endMs)
      messages.push(...(await receive(batchSize - messages.length, Math.ceil((endMs - Date.now()) / 1000))));
    return messages;
  };

  const handleBatch = async (): Promise<void> => {
    const records = (await receiveBatch()).map((message) => toRecord(message, queue));
    if (records.length === 0) return;
    const response = await invoke({ Records: records });
    const failed = reportsFailures ? failedIds(response, records) : new Set();
    const done = records.filter(({ messageId }) => !failed.has(messageId));
    for (let at = 0; at < done.length; at += LARGEST_RECEIVE) {
      const Entries = done.slice(at, at + LARGEST_RECEIVE).map(({ messageId, receiptHandle }) => ({
        Id: messageId,
        ReceiptHandle: receiptHandle,
      }));
      await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    }
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await handleBatch();
      } catch (error) {
        if (stopping.signal.aborted) return;
        onFailure(error);
        await sleep(PAUSE_AFTER_FAILURE_MS);
      }
    }
  };

  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      await running;
      sqs.destroy();
    },
  };
};
