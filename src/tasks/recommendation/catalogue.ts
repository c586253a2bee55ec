import { ServingError } from '../../core/errors.ts';
import { show } from '../../core/show.ts';

/** An item as the bundle's `items.jsonl` describes it: what stands beside `id` and `popularity` goes into answers as it is. */
export interface Item {
  readonly id: string;
  readonly [metadata: string]: unknown;
}

/** What can be recommended, in the order of the graph's scores. */
export interface Catalogue {
  readonly items: readonly Item[];
  readonly indexOf: ReadonlyMap<string, number>;
  /** How popular each item is, for users of whom nothing is known; undefined when the bundle does not say. */
  readonly popularity: Float64Array | undefined;
}

/** Users whom the graph, or the bundle, knows: their place in `users.jsonl` is the graph's index. */
export interface Users {
  readonly indexOf: ReadonlyMap<string, number>;
  /** Items by index, oldest first; empty when the bundle does not say. */
  readonly histories: readonly (readonly number[])[];
}

/** Ids may be numbers in JSON; they are compared as text. */
export const toId = (value: unknown): string | undefined =>
  (typeof value === 'string' && value !== '') || Number.isSafeInteger(value) ? String(value) : undefined;

const refuse = (problem: string): never => {
  throw new ServingError('MODEL_INVALID', problem);
};

type Line = Readonly<Record<string, unknown>> & { readonly id: string };

/** One JSON object with an `id` on each line. @throws `MODEL_INVALID` naming the line */
const parseLines = (bytes: Uint8Array, file: string): { lines: Line[]; indexOf: Map<string, number> } => {
  const indexOf = new Map<string, number>();
  const lines = new TextDecoder()
    .decode(bytes)
    .split('\n')
    .filter((text) => text.trim() !== '')
    .map((text, index) => {
      const place = `${file}, entry ${index + 1}`;
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch (error) {
        return refuse(`${place} is not JSON: ${(error as Error).message}`);
      }
      const id =
        toId((value as { id?: unknown } | null)?.id) ?? refuse(`${place} is ${show(value)}, expected {"id": …}`);
      if (indexOf.has(id)) refuse(`${place}: the id ${show(id)} is there twice`);
      indexOf.set(id, index);
      return { ...(value as object), id };
    });
  if (lines.length === 0) refuse(`${file} is empty`);
  return { lines, indexOf };
};

const readPopularity = (lines: readonly Line[]): Float64Array | undefined => {
  const without = lines.find(({ popularity }) => popularity === undefined);
  if (lines.every(({ popularity }) => popularity === undefined)) return undefined;
  if (without !== undefined)
    return refuse(`items.jsonl: item ${show(without.id)} has no "popularity", others have one`);
  return Float64Array.from(lines, ({ id, popularity }) =>
    typeof popularity === 'number' && Number.isFinite(popularity)
      ? popularity
      : refuse(`items.jsonl: the popularity of item ${show(id)} is ${show(popularity)}, expected a number`),
  );
};

/** Parses `items.jsonl`: `{"id": "22423", "popularity": 181, "title": "…"}` a line. @throws `MODEL_INVALID` */
export const parseCatalogue = (bytes: Uint8Array): Catalogue => {
  const { lines, indexOf } = parseLines(bytes, 'items.jsonl');
  const scored = lines.find((line) => 'score' in line);
  if (scored !== undefined) refuse(`items.jsonl: item ${show(scored.id)} has a "score", which answers give it`);
  const items = lines.map(({ popularity: _popularity, ...item }) => item as Item);
  return { items, indexOf, popularity: readPopularity(lines) };
};

/** Parses `users.jsonl`: `{"id": "12347", "history": ["22423", …]}` a line. @throws `MODEL_INVALID` naming an item that is not in the catalogue */
export const parseUsers = (bytes: Uint8Array, catalogue: Catalogue): Users => {
  const { lines, indexOf } = parseLines(bytes, 'users.jsonl');
  const histories = lines.map(({ id, history = [] }) => {
    if (!Array.isArray(history)) return refuse(`users.jsonl: the history of user ${show(id)} is no list of items`);
    return history.map(
      (item: unknown) =>
        catalogue.indexOf.get(toId(item) ?? '') ??
        refuse(`users.jsonl: user ${show(id)} has the item ${show(item)}, which items.jsonl lacks`),
    );
  });
  return { indexOf, histories };
};
