import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type DeleteMessageBatchCommandOutput,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { ServingError } from '../core/errors.ts';

/** The queue that brought messages. A change that fails is told to the operator; the message then comes again later. */
export interface MessageQueue {
  /** Hides messages for so long; with 0, they come again at once. */
  hide(records: readonly SQSRecord[], seconds: number): Promise<void>;
  delete(records: readonly SQSRecord[]): Promise<void>;
}

/** The most that SQS takes in one call. */
const LARGEST_CALL = 10;
const TIMEOUTS = { connectionTimeout: 1_000, requestTimeout: 2_000, throwOnRequestTimeout: true };
const ATTEMPTS = 2;
/** Longest time of a call. The time-outs above end with the headers of an answer: its body may stall. */
const CALL_MS = 6_000;

/** `arn:aws:sqs:<region>:<account>:<name>` as the address by which SQS knows the queue. */
const toQueueUrl = (arn: string): string => {
  const [, , , region = '', account = '', name = ''] = arn.split(':');
  return `https://sqs.${region}.amazonaws.com/${account}/${name}`;
};

/** Calls for at most ten messages of one queue. */
const inCalls = (records: readonly SQSRecord[]): SQSRecord[][] =>
  [...Map.groupBy(records, ({ eventSourceARN }) => eventSourceARN).values()].flatMap((ofQueue) =>
    Array.from({ length: Math.ceil(ofQueue.length / LARGEST_CALL) }, (_, call) =>
      ofQueue.slice(call * LARGEST_CALL, (call + 1) * LARGEST_CALL),
    ),
  );

const toEntries = (records: readonly SQSRecord[]) =>
  records.map(({ receiptHandle }, index) => ({ Id: String(index), ReceiptHandle: receiptHandle }));

type Send = (
  QueueUrl: string,
  records: readonly SQSRecord[],
  limit: { readonly abortSignal: AbortSignal },
) => Promise<Pick<DeleteMessageBatchCommandOutput, 'Failed'>>;

/** @param onFailure told of each call that SQS refused, in full or in part, or did not answer in time */
export const createMessageQueue = (onFailure: (error: ServingError) => void, callMs = CALL_MS): MessageQueue => {
  // The address of the queue is no endpoint: the SDK's own one may lie in a VPC, or on this machine.
  const client = new SQSClient({ maxAttempts: ATTEMPTS, requestHandler: TIMEOUTS, useQueueUrlAsEndpoint: false });

  const sendAll = async (records: readonly SQSRecord[], send: Send): Promise<void> => {
    const calls = inCalls(records).map(async (call) => {
      try {
        const { Failed: [refused] = [] } = await send(toQueueUrl(call[0]?.eventSourceARN ?? ''), call, {
          abortSignal: AbortSignal.timeout(callMs),
        });
        if (refused) throw new Error(`${refused.Code} ${refused.Message ?? ''}`);
      } catch (cause) {
        onFailure(ServingError.from(cause, 'MODEL_UNAVAILABLE'));
      }
    });
    await Promise.all(calls);
  };

  return {
    hide: (records, seconds) =>
      sendAll(records, (QueueUrl, call, limit) => {
        const Entries = toEntries(call).map((entry) => ({ ...entry, VisibilityTimeout: seconds }));
        return client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }), limit);
      }),
    delete: (records) =>
      sendAll(records, (QueueUrl, call, limit) =>
        client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: toEntries(call) }), limit),
      ),
  };
};
