import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import { ServingError } from '../core/errors.ts';
import { isObject } from '../core/is-object.ts';
import { show } from '../core/show.ts';

const isMessage = (record: unknown): record is SQSRecord =>
  isObject(record) && Boolean(record.messageId) && typeof record.body === 'string';

/** @throws `INVALID_REQUEST` for an event of another kind: nobody would hear of what it announces */
export const recordsOf = (event: unknown): readonly SQSRecord[] => {
  const records = isObject(event) ? event.Records : undefined;
  if (Array.isArray(records) && records.every(isMessage)) return records;
  throw new ServingError(
    'INVALID_REQUEST',
    `the event is ${show(event)}, expected messages of SQS that announce objects`,
  );
};

/** 1 for the first reception. */
export const attemptOf = ({ attributes }: SQSRecord): number => {
  const count: unknown = attributes?.ApproximateReceiveCount;
  return typeof count === 'object' ? 1 : Number(count) || 1;
};

/** The answer that keeps these messages in their queue. */
export const failuresOf = (records: readonly SQSRecord[]): SQSBatchResponse => ({
  batchItemFailures: records.map(({ messageId }) => ({ itemIdentifier: messageId })),
});
