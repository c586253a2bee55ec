import { gunzipSync } from 'node:zlib';
import { type CaptureChange, changeCaptureSettings } from '../../../src/capture/capture-settings.ts';
import { dayOf } from '../../../src/capture/prediction-id.ts';
import { listCaptures } from '../../../src/capture/read-captures.ts';
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

/** Writes the captures of all answers so far. */
export const flushCaptures = async ({ idle, capture }: TestServing): Promise<void> => {
  await idle();
  await capture.flush();
};

/** All lines of a model's captures of today. */
export const capturesOf = async (serving: TestServing, model: string): Promise<CaptureRecord[]> => {
  await flushCaptures(serving);
  const { data } = serving;
  const records: CaptureRecord[] = [];
  for (const key of await listCaptures(data, model, dayOf(Date.now())))
    for (const line of gunzipSync((await data.read(key)).body)
      .toString('utf8')
      .trim()
      .split('\n'))
      records.push(JSON.parse(line));
  return records.toSorted((one, other) => one.time.localeCompare(other.time) || one.row - other.row);
};
