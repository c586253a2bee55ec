import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import { type Catalogue, toId, type Users } from './catalogue.ts';

/** A query for recommendations, with ids as the caller sent them. */
export interface Query {
  readonly user?: string;
  /** Items of the user, oldest first. */
  readonly history?: readonly string[];
  /** Items that must not be recommended; the history when left out. */
  readonly exclude?: readonly string[];
  /** The name of the query in messages, such as `inputs[3]`. */
  readonly place: string;
}

/** A query in indices of the catalogue. */
export interface ResolvedQuery {
  readonly user: number;
  readonly history: readonly number[];
  readonly excluded: ReadonlySet<number>;
  /** The reason for which the graph cannot rank for this user; undefined when it can. */
  readonly coldReason: string | undefined;
}

/** The inputs of a graph. */
export interface Takes {
  readonly user: boolean;
  readonly history: boolean;
}

/** Most ids of a list: more than a user is likely to have. */
const MAX_IDS = 10_000;
const FIELDS = ['user', 'history', 'exclude'];

const refuseInput = (problem: string): never => refuse('INVALID_INPUT', problem);

const readId = (value: unknown, place: string): string =>
  toId(value) ?? refuseInput(`${place} is ${show(value)}, expected an id: a string, or an integer`);

const readIds = (value: unknown, place: string): string[] => {
  if (!Array.isArray(value)) return refuseInput(`${place} is ${show(value)}, expected a list of item ids`);
  if (value.length > MAX_IDS) return refuseInput(`${place} has ${value.length} items, at most ${MAX_IDS} are taken`);
  return value.map((id: unknown, index) => readId(id, `${place}[${index}]`));
};

/** @throws `INVALID_INPUT` naming the field */
export const readQuery = (value: unknown, place: string): Query => {
  if (!isObject(value))
    return refuseInput(`${place} is ${show(value)}, expected {"history": ["id", …]} or {"user": "id"}`);
  const unknown = Object.keys(value).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) refuseInput(`${place}: ${show(unknown)} is unknown, expected ${FIELDS.join(', ')}`);
  const { user, history, exclude } = value;
  if (user === undefined && history === undefined) refuseInput(`${place} has neither "history" nor "user"`);
  return {
    place,
    ...(user !== undefined && { user: readId(user, `${place}.user`) }),
    ...(history !== undefined && { history: readIds(history, `${place}.history`) }),
    ...(exclude !== undefined && { exclude: readIds(exclude, `${place}.exclude`) }),
  };
};

const toIndices = (ids: readonly string[], place: string, { indexOf }: Catalogue): number[] =>
  ids.map(
    (id, position) => indexOf.get(id) ?? refuseInput(`${place}[${position}]: ${show(id)} is not in the catalogue`),
  );

/**
 * Looks ids up in the catalogue. A user is cold when nobody knows the user, or when the graph needs a history and there is none.
 * @throws `INVALID_INPUT` naming an item that is not in the catalogue, or a field that the model needs
 */
export const resolveQuery = (
  query: Query,
  takes: Takes,
  catalogue: Catalogue,
  users: Users | undefined,
): ResolvedQuery => {
  const { place } = query;
  if (takes.user && query.user === undefined)
    refuseInput(`${place} has no "user", and this model knows users by their ids`);
  if (users === undefined && query.history === undefined)
    refuseInput(
      `${place} has no "history", and this model has no users.jsonl with the history of user ${show(query.user)}`,
    );
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
