import { setTimeout as wait } from 'node:timers/promises';
import { type CaptureChange, changeCaptureSettings } from '../../../src/capture/capture-settings.ts';
import { dayOf } from '../../../src/capture/prediction-id.ts';
import { listCaptures, readCaptures } from '../../../src/capture/read-captures.ts';
import type { CaptureRecord } from '../../../src/capture/record.ts';
import type { TestServing } from '../serving.ts';

/** Has everything of a model captured, or what `change` says. */
export const startCapture = async (
  { repository, clock }: TestServing,
  model: string,
  change: CaptureChange = {},
): Promise<void> => {
  await changeCaptureSettings(repository, model, 'a test', { share: 1, ...change });
  clock.nowMs += 100_000; // the routing is read again
};

/** All records of a model of today, once the work behind the answers has ended. */
export const capturesOf = async ({ capture, data }: TestServing, model: string): Promise<CaptureRecord[]> => {
  await wait(50);
  await capture.flush();
  const { records } = await readCaptures(data, await listCaptures(data, model, dayOf(Date.now())));
  return records.toSorted((one, other) => one.time.localeCompare(other.time) || one.row - other.row);
};
