import type { Damaged } from '../../capture/read-captures.ts';
import { ServingError } from '../../core/errors.ts';
import { messageOf } from '../../core/message-of.ts';
import type { ListedObject, ObjectStore } from '../../repository/stores/object-store.ts';
import { type Feedback, parseFeedback } from './parse-feedback.ts';
import { labelsPrefix } from './store-feedback.ts';

const MAX_BYTES = 64 * 1024 * 1024;
const LANES = 4;

/** A word on an input, without its id: a day may have many. */
export interface Word extends Pick<Feedback, 'label' | 'value' | 'correct'> {
  readonly atMs: number;
  /** The place of its object among all: the younger one has the last word of two with the same time. */
  readonly object: number;
}

/** The last word on each input of a day's predictions. */
export interface Labels {
  /** By id and row: `<id> <row>`. */
  readonly last: ReadonlyMap<string, Word>;
  /** Words that a later one has replaced. */
  readonly replaced: number;
  /** Objects and lines that are damaged: they are left out. */
  readonly damaged: readonly Damaged[];
}

/** The key of a word in `Labels.last`. */
export const wordKey = ({ id, row }: Pick<Feedback, 'id' | 'row'>): string => `${id} ${row}`;

/** The id in the key of a word. */
export const idOf = (key: string): string => key.slice(0, key.lastIndexOf(' '));

/** Objects with feedback on the predictions of a day, the oldest first. */
export const listLabels = async (data: ObjectStore, model: string, day: string): Promise<ListedObject[]> => {
  const objects: ListedObject[] = [];
  for await (const object of data.list(labelsPrefix(model, day))) objects.push(object);
  return objects.sort((one, other) => (one.key < other.key ? -1 : 1));
};

/** The lines of a text, one after another: all of them at once would be a second copy. */
function* linesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf('\n', start);
    const end = found < 0 ? text.length : found;
    if (end > start) yield text.slice(start, end);
    start = end + 1;
  }
}

/**
 * Reads the feedback of objects.
 * @param wants tells whether a word is kept, by its key
 * @throws `MODEL_UNAVAILABLE`
 */
export const readLabels = async (
  data: ObjectStore,
  objects: readonly ListedObject[],
  wants: (key: string) => boolean,
): Promise<Labels> => {
  const last = new Map<string, Word>();
  const texts = new Map<string, string>();
  const damaged: Damaged[] = [];
  let words = 0;
  const take = (line: string, object: number): void => {
    const { id, row, time, label, value, correct } = parseFeedback(JSON.parse(line), Date.now());
    const key = wordKey({ id, row });
    if (!wants(key)) return;
    words += 1;
    const atMs = Date.parse(time);
    const known = last.get(key);
    if (known !== undefined && (known.atMs > atMs || (known.atMs === atMs && known.object > object))) return;
    if (label !== undefined && !texts.has(label)) texts.set(label, label);
    last.set(key, {
      ...(label !== undefined && { label: texts.get(label) ?? label }),
      ...(value !== undefined && { value }),
      ...(correct !== undefined && { correct }),
      ...{ atMs, object },
    });
  };
  /** Takes every line that can be read. @returns the fault of the first line that cannot; undefined without one */
  const takeAll = (text: string, object: number): string | undefined => {
    let problem: string | undefined;
    for (const line of linesOf(text))
      try {
        take(line, object);
      } catch (error) {
        problem ??= messageOf(error);
      }
    return problem;
  };
  const next = objects.entries();
  const lane = async (): Promise<void> => {
    for (const [object, { key }] of next)
      try {
        const { body } = await data.read(key, MAX_BYTES);
        const problem = takeAll(Buffer.from(body).toString('utf8'), object);
        if (problem !== undefined) damaged.push({ key, problem });
      } catch (error) {
        const { code, message } = ServingError.from(error);
        if (code === 'MODEL_UNAVAILABLE') throw error;
        if (code !== 'NOT_FOUND') damaged.push({ key, problem: message }); // deleted meanwhile
      }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return { last, replaced: words - last.size, damaged };
};
