import type { SQSRecord } from 'aws-lambda';
import { createQueue } from '../core/queue.ts';
import { startBeat } from '../core/start-beat.ts';
import type { MessageQueue } from './message-queue.ts';

/**
 * Seconds for which a message stays hidden without a sign of life. When the process ends, messages that waited come back first, and the
 * one that ran alone comes back after them, to another batch.
 */
const WAITING_SECONDS = 20;
const ALONE_SECONDS = 40;
const BEAT_MS = 5_000;

/** The messages of one invocation, hidden for as long as this process lives and works on them. */
export interface MessageHold {
  /** Called before a message is worked on alone. */
  alone(record: SQSRecord): Promise<void>;
  /** Gives messages back, which come again after so many seconds. */
  release(records: readonly SQSRecord[], seconds: number): Promise<void>;
  /** Deletes messages, so that nothing that happens to this process brings them back. */
  delete(records: readonly SQSRecord[]): Promise<void>;
  /** Ends the signs of life. */
  end(): Promise<void>;
}

/** Hides `records` for a short time, and again and again: the timeout of the queue is longer than anybody should wait for a neighbour. */
export const holdMessages = async (queue: MessageQueue, records: readonly SQSRecord[]): Promise<MessageHold> => {
  const held = new Map<SQSRecord, number>(records.map((record) => [record, WAITING_SECONDS]));
  // A sign of life must not overtake a release.
  const inOrder = createQueue();

  const hideHeld = (): Promise<void> =>
    inOrder(async () => {
      const byTime = Map.groupBy(held.keys(), (record) => held.get(record) ?? 0);
      await Promise.all([...byTime].map(([seconds, group]) => queue.hide(group, seconds)));
    });
  const drop = (dropped: readonly SQSRecord[]): void => {
    for (const record of dropped) held.delete(record);
  };

  await hideHeld();
  const stopBeat = startBeat(hideHeld, BEAT_MS);
  return {
    alone: (record) => {
      held.set(record, ALONE_SECONDS);
      return inOrder(() => queue.hide([record], ALONE_SECONDS));
    },
    release: (released, seconds) => {
      drop(released);
      return inOrder(() => queue.hide(released, seconds));
    },
    delete: (deleted) => {
      drop(deleted);
      return inOrder(() => queue.delete(deleted));
    },
    end: () => {
      stopBeat();
      return inOrder(async () => {});
    },
  };
};
