import { hash } from 'node:crypto';
import { type Damaged, eachCapture, listCaptures } from '../../capture/read-captures.ts';
import type { CaptureRecord } from '../../capture/record.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import { type Accuracy, type ArmTally, createArmTally } from './arm-tally.ts';
import { idOf, listLabels, readLabels, type Word, wordKey } from './read-labels.ts';

/** The quality of a day's answers. */
export interface DayAccuracy {
  readonly formatVersion: 1;
  readonly model: string;
  readonly day: string;
  readonly versions: readonly Accuracy[];
  /** Feedback on predictions of which there is no record, and some of their ids. */
  readonly unknown: { readonly count: number; readonly ids: readonly string[] };
  /** Words that a later one has replaced. */
  readonly replaced: number;
  readonly damaged: readonly Damaged[];
  /** Objects that were read. */
  readonly objects: { readonly labels: number; readonly captures: number };
}

const MOST_NAMED = 20;
/** Feedback is joined in parts of about this size, so that any day of it fits into memory. */
const PART_BYTES = 32 * 1024 * 1024;

/** Tells which words and records a part has: those whose key has this remainder. */
const isInPart =
  (part: number, parts: number) =>
  (key: string): boolean =>
    parts === 1 || Number.parseInt(hash('sha256', key).slice(0, 8), 16) % parts === part;

/** The counts of all versions and arms. */
const createArms = () => {
  const tallies = new Map<string, { readonly version: number; readonly arm: string; readonly tally: ArmTally }>();
  return {
    add(record: CaptureRecord, word: Word | undefined): void {
      const { version, arm } = record;
      const known = tallies.get(`${version} ${arm}`) ?? { version, arm, tally: createArmTally(version, arm) };
      tallies.set(`${version} ${arm}`, known);
      known.tally.add(record, word);
    },
    figures: (): Accuracy[] =>
      [...tallies.values()]
        .sort((one, other) => one.version - other.version || (one.arm < other.arm ? -1 : 1))
        .map(({ tally }) => tally.figures()),
  };
};

/**
 * Joins the answers of a day with the feedback on them, which may be much younger.
 * @param partBytes feedback that is held in memory at once
 * @throws `MODEL_UNAVAILABLE`
 */
export const scoreDay = async (
  data: ObjectStore,
  model: string,
  day: string,
  partBytes = PART_BYTES,
): Promise<DayAccuracy> => {
  const [keys, objects] = [await listCaptures(data, model, day), await listLabels(data, model, day)];
  const parts = Math.max(1, Math.ceil(objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / partBytes));
  const arms = createArms();
  const unknown = { count: 0, ids: [] as string[] };
  let replaced = 0;
  let damaged: readonly Damaged[] = [];
  for (let part = 0; part < parts; part += 1) {
    const isOwn = isInPart(part, parts);
    const labels = await readLabels(data, objects, isOwn);
    const joined = new Set<Word>();
    const damagedCaptures = await eachCapture(data, keys, (records) => {
      for (const record of records) {
        const key = wordKey(record);
        if (!isOwn(key)) continue;
        const word = labels.last.get(key);
        if (word !== undefined) joined.add(word);
        if (record.status === 'ok') arms.add(record, word);
      }
    });
    const left = [...labels.last].flatMap(([key, word]) => (joined.has(word) ? [] : [idOf(key)]));
    unknown.count += left.length;
    unknown.ids.push(...left.slice(0, MOST_NAMED - unknown.ids.length));
    replaced += labels.replaced;
    damaged = [...labels.damaged, ...damagedCaptures]; // the same ones for each part
  }
  return {
    ...{ formatVersion: 1, model, day, versions: arms.figures(), unknown, replaced, damaged },
    objects: { labels: objects.length, captures: keys.length },
  };
};
