import { ServingError } from '../../core/errors.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import { type Feedback, parseFeedback } from './parse-feedback.ts';
import { labelsPrefix } from './store-feedback.ts';

const MAX_BYTES = 64 * 1024 * 1024;
const LANES = 8;

/** The last word on each input of a day's predictions. */
export interface Labels {
  /** By id and row: `<id> <row>`. */
  readonly last: ReadonlyMap<string, Feedback>;
  /** Words that a later one has replaced. */
  readonly replaced: number;
  /** Objects that were read, by which a later look finds out that there are more. */
  readonly objects: readonly string[];
  /** Objects and lines that are damaged: they are left out. */
  readonly damaged: readonly { readonly key: string; readonly problem: string }[];
}

/** The key of a word in `Labels.last`. */
export const wordKey = ({ id, row }: Pick<Feedback, 'id' | 'row'>): string => `${id} ${row}`;

/** Reads the feedback on the predictions of a day. @throws `MODEL_UNAVAILABLE` */
export const readLabels = async (data: ObjectStore, model: string, day: string): Promise<Labels> => {
  const keys: string[] = [];
  for await (const { key } of data.list(labelsPrefix(model, day))) keys.push(key);
  keys.sort();
  const wordsOf = new Map(keys.map((key): [string, Feedback[]] => [key, []]));
  const damaged: { key: string; problem: string }[] = [];
  const next = keys.values();
  const lane = async (): Promise<void> => {
    for (const key of next)
      try {
        const { body } = await data.read(key, MAX_BYTES);
        const lines = Buffer.from(body).toString('utf8').split('\n');
        for (const line of lines) if (line !== '') wordsOf.get(key)?.push(parseFeedback(JSON.parse(line), Date.now()));
      } catch (error) {
        const { code, message } = ServingError.from(error);
        if (code === 'MODEL_UNAVAILABLE') throw error;
        damaged.push({ key, problem: message });
      }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  // In the order of the keys, by which the younger object has the last word of two with the same time.
  const words = [...wordsOf.values()].flat();
  const last = new Map<string, Feedback>();
  for (const word of words) {
    const known = last.get(wordKey(word));
    if (known === undefined || known.time <= word.time) last.set(wordKey(word), word);
  }
  return { last, replaced: words.length - last.size, objects: keys, damaged };
};
