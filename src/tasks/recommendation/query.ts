import { ServingError } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import { type Catalogue, toId, type Users } from './catalogue.ts';

/** Of whom a caller wants to know what to recommend: ids as they were sent. */
export interface Query {
  readonly user?: string;
  /** What the user had, oldest first. */
  readonly history?: readonly string[];
  /** What must not be recommended; the history when left out. */
  readonly exclude?: readonly string[];
  /** How messages name it, such as `inputs[3]`. */
  readonly place: string;
}

/** A query in indices of the catalogue. */
export interface ResolvedQuery {
  readonly user: number;
  readonly history: readonly number[];
  readonly excluded: ReadonlySet<number>;
  /** Why the graph can say nothing about this user; undefined when it can. */
  readonly coldReason: string | undefined;
}

/** What a graph wants to be told. */
export interface Takes {
  readonly user: boolean;
  readonly history: boolean;
}

/** As many as one user is likely to have, and some more. */
const MAX_IDS = 10_000;
const FIELDS = ['user', 'history', 'exclude'];

const fail = (problem: string): never => {
  throw new ServingError('INVALID_INPUT', problem);
};

const readId = (value: unknown, place: string): string =>
  toId(value) ?? fail(`${place} is ${show(value)}, expected an id: a string, or an integer`);

const readIds = (value: unknown, place: string): string[] => {
  if (!Array.isArray(value)) return fail(`${place} is ${show(value)}, expected a list of item ids`);
  if (value.length > MAX_IDS) return fail(`${place} has ${value.length} items, at most ${MAX_IDS} are taken`);
  return value.map((id: unknown, index) => readId(id, `${place}[${index}]`));
};

/** @throws `INVALID_INPUT` naming the field */
export const readQuery = (value: unknown, place: string): Query => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fail(`${place} is ${show(value)}, expected {"history": ["id", …]} or {"user": "id"}`);
  const unknown = Object.keys(value).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) fail(`${place}: ${show(unknown)} is unknown, expected ${FIELDS.join(', ')}`);
  const { user, history, exclude } = value as Readonly<Record<string, unknown>>;
  if (user === undefined && history === undefined) fail(`${place} has neither "history" nor "user"`);
  return {
    place,
    ...(user !== undefined && { user: readId(user, `${place}.user`) }),
    ...(history !== undefined && { history: readIds(history, `${place}.history`) }),
    ...(exclude !== undefined && { exclude: readIds(exclude, `${place}.exclude`) }),
  };
};

const toIndices = (ids: readonly string[], place: string, { indexOf }: Catalogue): number[] =>
  ids.map((id, position) => indexOf.get(id) ?? fail(`${place}[${position}]: ${show(id)} is not in the catalogue`));

/**
 * Looks the ids up. A user whom nobody knows, or who has no history where the graph needs one, is cold.
 * @throws `INVALID_INPUT` naming an item that is not in the catalogue, or what the model needs and was not sent
 */
export const resolveQuery = (
  query: Query,
  takes: Takes,
  catalogue: Catalogue,
  users: Users | undefined,
): ResolvedQuery => {
  const { place } = query;
  if (takes.user && query.user === undefined) fail(`${place} has no "user", and this model knows users by their ids`);
  if (users === undefined && query.history === undefined)
    fail(`${place} has no "history", and this model has no users.jsonl that says what user ${show(query.user)} had`);
  const user = query.user === undefined ? undefined : users?.indexOf.get(query.user);
  const history = query.history
    ? toIndices(query.history, `${place}.history`, catalogue)
    : (users?.histories[user ?? -1] ?? []);
  const exclude = query.exclude ? toIndices(query.exclude, `${place}.exclude`, catalogue) : history;
  const isUnknown = user === undefined && (takes.user || query.history === undefined);
  const hasNothing = takes.history && history.length === 0;
  return {
    user: user ?? 0,
    history,
    excluded: new Set(exclude),
    coldReason: isUnknown ? `user ${show(query.user)} is unknown` : hasNothing ? 'the history is empty' : undefined,
  };
};
