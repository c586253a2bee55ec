import { TrieRouter } from 'hono/router/trie-router';
import { ServingError } from '../core/errors.ts';
import { shorten } from '../core/show.ts';
import type { Route } from './route.ts';

/** Routes are found by path alone, so that a wrong method can be told apart. */
const ANY = 'ALL';
/** Paths whose routes are kept: those of a model's callers are few. */
const MOST_KNOWN = 100;
/** Longer paths are not kept: a caller with the right to invoke the function may send some of megabytes. */
const LONGEST_KNOWN = 500;

/** KServe's first protocol puts a colon before its operation; the route has a slash there. */
const COLON_PREDICT = /^(\/v1\/models\/[^/]+)(?::|%3A)predict$/i;
const ROUTED_PREDICT = /^(\/v1\/models\/[^/]+)\/predict$/;

/** Once: a name that was encoded twice keeps its percent signs, and no model has such a name. */
const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // no model has such a name, and the error can quote it
  }
};

/** Finds the routes of a path, one for each of its methods. @throws `NOT_FOUND` */
export const createFindRoutes = (routes: readonly Route[]) => {
  const byPath = Map.groupBy(
    routes.flatMap((route) => route.paths.map((path) => ({ path, route }))),
    ({ path }) => path,
  );
  const router = new TrieRouter<readonly [Route, ...Route[]]>();
  for (const [path, [first, ...others]] of byPath)
    if (first) router.add(ANY, path, [first.route, ...others.map(({ route }) => route)]);
  /** The paths that begin as one does, or the beginnings of all, as callers write them. */
  const besides = (path: string): readonly string[] => {
    const all = [...byPath.keys()].map((each) =>
      each.replaceAll(/:(\w+)/g, '{$1}').replace(ROUTED_PREDICT, '$1:predict'),
    );
    const beginning = path.split('/', 2).join('/');
    const near = all.filter((each) => each.split('/', 2).join('/') === beginning);
    return near.length > 0 ? near : [...new Set(all.map((each) => each.split('/', 2).join('/')))];
  };
  const match = (path: string) => {
    const [[[found, encoded = {}] = []] = []] = router.match(ANY, path);
    if (found === undefined)
      throw new ServingError('NOT_FOUND', `no route ${shorten(path)}; there are ${besides(path).join(', ')}`);
    const parameters = Object.fromEntries(Object.entries(encoded).map(([name, text]) => [name, decode(String(text))]));
    return { found, parameters };
  };
  const known = new Map<string, ReturnType<typeof match>>();
  return (path: string) => {
    const kept = known.get(path);
    if (kept) return kept;
    const matched = match(path);
    if (known.size >= MOST_KNOWN) known.clear();
    if (path.length <= LONGEST_KNOWN) known.set(path, matched);
    return matched;
  };
};

/** A base URL of OpenAI's clients that names the model, as their bodies do: by it, a request finds the function of the model. */
const MODEL_BASE = /^\/models\/([^/]+)(\/v1\/(?:chat\/completions|completions|embeddings|audio\/[a-z]+|models))$/;

/** The path without slashes at its end, which clients add, and the model that its base names. */
export const toRouted = (path: string): { readonly path: string; readonly base: Readonly<Record<string, string>> } => {
  let end = path.length;
  while (end > 1 && path[end - 1] === '/') end -= 1;
  const whole = path.slice(0, end);
  if (!whole.includes('/v1/')) return { path: whole, base: {} };
  const [, name, rest] = MODEL_BASE.exec(whole) ?? [];
  if (name !== undefined && rest !== undefined) return { path: rest, base: { name: decode(name) } };
  return { path: whole.replace(COLON_PREDICT, '$1/predict'), base: {} };
};
