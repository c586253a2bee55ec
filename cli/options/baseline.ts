import { whoami } from '../../src/authoring/whoami.ts';
import { dayOf } from '../../src/capture/prediction-id.ts';
import { listCaptures, readCaptures } from '../../src/capture/read-captures.ts';
import type { CaptureRecord } from '../../src/capture/record.ts';
import { makeBaseline, writeBaseline } from '../../src/monitoring/drift/baseline.ts';
import type { Report } from '../command.ts';
import type { Terminal } from '../output/terminal.ts';
import { describeSamples } from '../targets/describe-samples.ts';
import type { Target } from '../targets/target.ts';

const DAY_MS = 86_400_000;
/** A number of days, in which captures are taken: `7d`. */
const DAYS = /^([1-9]\d?)d$/;

/** The captured answers of a version in the last days, those of its time as a shadow among them. */
const readDays = async ({ data }: Target, name: string, version: number, days: number): Promise<CaptureRecord[]> => {
  const records: CaptureRecord[] = [];
  for (let back = 0; back < days; back += 1) {
    const keys = await listCaptures(data, name, dayOf(Date.now() - back * DAY_MS));
    for (const record of (await readCaptures(data, keys)).records) if (record.version === version) records.push(record);
  }
  return records;
};

/** Makes the baseline of the stable version: of a file of samples, which it answers, or of its captures. */
export const changeBaseline = async (
  target: Target,
  name: string,
  source: string,
  terminal: Terminal,
): Promise<Report> => {
  const { repository } = target;
  const { routing } = await repository.routing(name);
  const version = routing.stable;
  const { task } = await repository.bundle(name, version);
  const days = DAYS.exec(source)?.[1];
  const records =
    days === undefined
      ? await describeSamples(target, { name, version }, source, terminal)
      : await readDays(target, name, version, Number(days));
  const facts = { model: name, version, task, source: days === undefined ? 'a file' : source, by: whoami() };
  const baseline = makeBaseline(records, facts);
  await writeBaseline(repository.store, baseline);
  const features = Object.keys(baseline.features);
  return {
    text: `${name} version ${version} has a baseline of ${baseline.samples} samples: ${features.join(', ')}`,
    json: { name, version, samples: baseline.samples, features },
  };
};
