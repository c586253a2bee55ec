import { refuse, ServingError } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import { ITEMS_FILE, USERS_FILE } from './settings.ts';

/** An item of `items.jsonl`. Answers repeat all of its fields but `popularity`. */
export interface Item {
  readonly id: string;
  readonly [metadata: string]: unknown;
}

/** The items of a recommender, in the order of the graph's scores. */
export interface Catalogue {
  readonly items: readonly Item[];
  readonly indexOf: ReadonlyMap<string, number>;
  /** Ranks items for users without a history; undefined when `items.jsonl` has no `popularity`. */
  readonly popularity: Float64Array | undefined;
}

/** The users of `users.jsonl`, where the line number is the graph's index. */
export interface Users {
  readonly indexOf: ReadonlyMap<string, number>;
  /** Histories by user: indices of items, oldest first; empty without a `history` in `users.jsonl`. */
  readonly histories: readonly (readonly number[])[];
}

/** An id as text, since ids may be numbers in JSON; undefined for another value. */
export const toId = (value: unknown): string | undefined =>
  (typeof value === 'string' && value !== '') || Number.isSafeInteger(value) ? String(value) : undefined;

type Line = Item & { readonly popularity?: unknown; readonly history?: unknown };

/** @throws `MODEL_INVALID` naming the line */
const parseLine = (text: string, place: string): Line => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ServingError('MODEL_INVALID', `${place} is not JSON: ${ServingError.from(error).message}`);
  }
  const fields = isObject(value) ? value : {};
  const id = toId(fields.id) ?? refuse('MODEL_INVALID', `${place} is ${show(value)}, expected {"id": …}`);
  return { ...fields, id };
};

/** @throws `MODEL_INVALID` */
const toText = (bytes: Uint8Array, file: string): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ServingError('MODEL_INVALID', `${file} is not UTF-8; save it in that encoding`, { cause: error });
  }
};

/** Parses a file with a JSON object on each line, which has an `id`. @throws `MODEL_INVALID` naming the line */
const parseLines = (bytes: Uint8Array, file: string): { lines: Line[]; indexOf: Map<string, number> } => {
  const indexOf = new Map<string, number>();
  const texts = toText(bytes, file)
    .split('\n')
    .filter((text) => text.trim() !== '');
  if (texts.length === 0) throw new ServingError('MODEL_INVALID', `${file} is empty`);
  const lines = texts.map((text, index) => {
    const place = `${file}, entry ${index + 1}`;
    const line = parseLine(text, place);
    if (indexOf.has(line.id))
      throw new ServingError('MODEL_INVALID', `${place}: the id ${show(line.id)} is there twice`);
    indexOf.set(line.id, index);
    return line;
  });
  return { lines, indexOf };
};

/** @throws `MODEL_INVALID` when some items have no popularity, or one that is no number */
const readPopularity = (lines: readonly Line[]): Float64Array | undefined => {
  const without = lines.find(({ popularity }) => popularity === undefined);
  if (lines.every(({ popularity }) => popularity === undefined)) return undefined;
  if (without !== undefined)
    throw new ServingError(
      'MODEL_INVALID',
      `${ITEMS_FILE}: item ${show(without.id)} has no "popularity", others have one`,
    );
  return Float64Array.from(lines, ({ id, popularity }) =>
    typeof popularity === 'number' && Number.isFinite(popularity)
      ? popularity
      : refuse(
          'MODEL_INVALID',
          `${ITEMS_FILE}: the popularity of item ${show(id)} is ${show(popularity)}, expected a number`,
        ),
  );
};

/** Parses `items.jsonl`: `{"id": "22423", "popularity": 181, "title": "…"}` a line. @throws `MODEL_INVALID` */
export const parseCatalogue = (bytes: Uint8Array): Catalogue => {
  const { lines, indexOf } = parseLines(bytes, ITEMS_FILE);
  const scored = lines.find((line) => 'score' in line);
  if (scored !== undefined)
    throw new ServingError(
      'MODEL_INVALID',
      `${ITEMS_FILE}: item ${show(scored.id)} has a "score", which answers give it`,
    );
  const items = lines.map(({ popularity: _popularity, ...item }): Item => item);
  return { items, indexOf, popularity: readPopularity(lines) };
};

const readHistory = ({ id, history = [] }: Line, { indexOf }: Catalogue): number[] => {
  if (!Array.isArray(history))
    return refuse('MODEL_INVALID', `${USERS_FILE}: the history of user ${show(id)} is no list of items`);
  return history.map(
    (item: unknown) =>
      indexOf.get(toId(item) ?? '') ??
      refuse('MODEL_INVALID', `${USERS_FILE}: user ${show(id)} has the item ${show(item)}, which ${ITEMS_FILE} lacks`),
  );
};

/** Parses `users.jsonl`: `{"id": "12347", "history": ["22423", …]}` a line. @throws `MODEL_INVALID` naming an unknown item */
export const parseUsers = (bytes: Uint8Array, catalogue: Catalogue): Users => {
  const { lines, indexOf } = parseLines(bytes, USERS_FILE);
  return { indexOf, histories: lines.map((line) => readHistory(line, catalogue)) };
};
