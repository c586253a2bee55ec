import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import {
  COMMAND_PATIENCE,
  FUNCTION_PATIENCE,
  operationSignal,
  receive,
} from '../../../../src/repository/stores/s3-patience.ts';

it.each([COMMAND_PATIENCE, FUNCTION_PATIENCE])('An object of any size has its time: %j', async (patience) => {
  const signals = [3e9, 5e12, 1e15].map((bytes) => operationSignal(patience, bytes));

  await sleep(20); // timers that were too long would have ended after 1 ms

  expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, false]);
});

it('A request for the rest of an object ends with the time of the operation, also when that is over before it is sent', async () => {
  const operation = new AbortController();
  const asked: AbortSignal[] = [];
  const open = (_position: number, signal: AbortSignal): Promise<never> => {
    asked.push(signal);
    if (asked.length === 1) {
      setImmediate(() => operation.abort()); // within the pause that follows
      return Promise.reject(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
    }
    return new Promise((_resolve, reject) => {
      if (signal.aborted) reject(new Error('aborted'));
      signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
  };

  await expect(receive(COMMAND_PATIENCE, operation.signal, [0, 10], open).next()).rejects.toThrow('aborted');
  expect(asked.map(({ aborted }) => aborted)).toEqual([false, true]);
});
