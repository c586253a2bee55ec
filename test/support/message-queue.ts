import type { CrashNote } from '../../src/lambda/crash-note.ts';
import type { MessageQueue } from '../../src/lambda/message-queue.ts';

export interface RecordedQueue extends MessageQueue {
  /** Each change, by the message's identifier: the seconds for which it was hidden, or its deletion. */
  readonly changes: (readonly [messageId: string, change: number | 'deleted'])[];
}

/** A queue that remembers what becomes of its messages. */
export const createRecordedQueue = (): RecordedQueue => {
  const changes: RecordedQueue['changes'] = [];
  return {
    changes,
    hide: async (records, seconds) => {
      for (const { messageId } of records) changes.push([messageId, seconds]);
    },
    delete: async (records) => {
      for (const { messageId } of records) changes.push([messageId, 'deleted']);
    },
  };
};

/** No process has ended. */
export const NO_CRASH: CrashNote = { names: () => false, begin: () => undefined, end: () => undefined };
