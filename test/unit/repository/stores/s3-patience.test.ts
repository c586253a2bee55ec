import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { COMMAND_PATIENCE, FUNCTION_PATIENCE, operationSignal } from '../../../../src/repository/stores/s3-patience.ts';

it.each([COMMAND_PATIENCE, FUNCTION_PATIENCE])('An object of any size has its time: %j', async (patience) => {
  const signals = [3e9, 5e12, 1e15].map((bytes) => operationSignal(patience, bytes));

  await sleep(20); // timers that were too long would have ended after 1 ms

  expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, false]);
});
