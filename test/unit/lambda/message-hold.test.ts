import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { SQSRecord } from 'aws-lambda';
import { holdMessages } from '../../../src/lambda/message-hold.ts';
import { createRecordedQueue, type RecordedQueue } from '../../support/message-queue.ts';

const record = (messageId: string) => ({ messageId }) as SQSRecord;
const [A, B] = [record('a'), record('b')];

let queue: RecordedQueue;
/** The changes since the last look. */
const newChanges = () => queue.changes.splice(0);
/** Longer than from one sign of life to the next. */
const letTimePass = () => jest.advanceTimersByTimeAsync(6_000);

beforeEach(() => {
  jest.useFakeTimers();
  queue = createRecordedQueue();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('messages under way', () => {
  it('are hidden for seconds before any work, and again for as long as the work lasts', async () => {
    const hold = await holdMessages(queue, [A, B]);
    const hidden = [
      ['a', 20],
      ['b', 20],
    ];
    expect(newChanges()).toEqual(hidden);

    await letTimePass();
    expect(newChanges()).toEqual(hidden);

    await hold.end();
    await letTimePass();
    expect(newChanges()).toEqual([]);
  });

  it('are hidden for longer when they run alone, so that those that wait come back first', async () => {
    const hold = await holdMessages(queue, [A, B]);
    newChanges();

    await hold.alone(A);
    expect(newChanges()).toEqual([['a', 40]]);
    await letTimePass();
    expect(newChanges()).toEqual([
      ['a', 40],
      ['b', 20],
    ]);
    await hold.end();
  });

  it('wait for one sign of life at their end, however many a queue has not answered', async () => {
    let isSlow = false;
    const slow: RecordedQueue = {
      ...queue,
      hide: async (...parameters) => {
        if (isSlow) await new Promise((answer) => setTimeout(answer, 30_000));
        return queue.hide(...parameters);
      },
    };
    const hold = await holdMessages(slow, [A]);
    newChanges();
    isSlow = true;
    await jest.advanceTimersByTimeAsync(29_000);
    isSlow = false;
    let hasEnded = false;
    void hold.end().then(() => {
      hasEnded = true;
    });
    await jest.advanceTimersByTimeAsync(10_000);

    expect([hasEnded, newChanges()]).toEqual([true, [['a', 20]]]);
  });

  it('keep the time that they were given at their end', async () => {
    const hold = await holdMessages(queue, [A, B]);
    newChanges();

    await hold.release([A], 120);
    await hold.delete([B]);
    await letTimePass();

    expect(newChanges()).toEqual([
      ['a', 120],
      ['b', 'deleted'],
    ]);
    await hold.end();
  });

  it('do not get the time of a sign of life after the time of their end', async () => {
    let answer = (): void => {};
    const order: number[] = [];
    const slow = {
      ...queue,
      hide: async (_records: readonly SQSRecord[], seconds: number) => {
        if (order.length > 0) await new Promise<void>((resolve) => (answer = resolve));
        order.push(seconds);
      },
    };
    const hold = await holdMessages(slow, [A]);
    await letTimePass(); // a sign of life is on its way

    const released = hold.release([A], 120);
    answer();
    await jest.advanceTimersByTimeAsync(0);
    answer();
    await released;

    expect(order.at(-1)).toBe(120);
    await hold.end();
  });
});
