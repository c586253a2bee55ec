import { whoami } from '../../src/authoring/whoami.ts';
import { dayOf } from '../../src/capture/prediction-id.ts';
import { eachCapture, listCaptures } from '../../src/capture/read-captures.ts';
import type { CaptureRecord } from '../../src/capture/record.ts';
import { createRandom } from '../../src/core/random.ts';
import { makeBaseline, writeBaseline } from '../../src/monitoring/drift/baseline.ts';
import type { Report } from '../command.ts';
import type { Terminal } from '../output/terminal.ts';
import { describeSamples } from '../targets/describe-samples.ts';
import type { Target } from '../targets/target.ts';

const DAY_MS = 86_400_000;
/** A number of days, in which captures are taken: `7d`. */
const DAYS = /^([1-9]\d?)d$/;

/** Answers of which a baseline is made at most: a random part of more, which fits into memory. */
const MOST_RECORDS = 100_000;

/** The captured answers of a version in the last days, those of its time as a shadow among them, and how many there are. */
const readDays = async (
  { data }: Target,
  name: string,
  version: number,
  days: number,
): Promise<{ readonly records: CaptureRecord[]; readonly found: number }> => {
  const random = createRandom(days);
  const records: CaptureRecord[] = [];
  let found = 0;
  const add = (record: CaptureRecord): void => {
    if (record.version !== version || record.status !== 'ok') return;
    found += 1;
    const place = found <= MOST_RECORDS ? records.length : Math.floor(random() * found);
    if (place < MOST_RECORDS) records[place] = record;
  };
  for (let back = 0; back < days; back += 1) {
    const keys = await listCaptures(data, name, dayOf(Date.now() - back * DAY_MS));
    await eachCapture(data, keys, (read) => read.forEach(add));
  }
  return { records, found };
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
  const { records, found } =
    days === undefined
      ? { records: await describeSamples(target, { name, version }, source, terminal), found: 0 }
      : await readDays(target, name, version, Number(days));
  const facts = { model: name, version, task, source: days === undefined ? 'a file' : source, by: whoami() };
  const baseline = makeBaseline(records, facts);
  await writeBaseline(repository.store, baseline);
  const features = Object.keys(baseline.features);
  const part = found > records.length ? `, a random part of ${found}` : '';
  return {
    text: `${name} version ${version} has a baseline of ${baseline.samples} samples${part}: ${features.join(', ')}`,
    json: { name, version, samples: baseline.samples, features },
  };
};
