/** A route of an HTTP API. */
export interface Route {
  /** The name of the route in events: `GET /models/{name}`, or `$default`. */
  readonly routeKey: string;
  /** `ANY` is every method. */
  readonly method: string;
  /** Undefined for `$default`, which takes every path. */
  readonly segments: readonly Segment[] | undefined;
}

interface Segment {
  readonly kind: 'literal' | 'variable' | 'greedy';
  /** The text of a literal, the name of a variable. */
  readonly text: string;
}

export interface MatchedRoute<R extends Route> {
  readonly route: R;
  /** Decoded. */
  readonly pathParameters: Readonly<Record<string, string>>;
}

const METHODS = ['ANY', 'GET', 'POST', 'PUT', 'PATCH', 'OPTIONS', 'HEAD', 'DELETE'];
/** The more particular kind of segment goes first. */
const ORDER = { literal: 0, variable: 1, greedy: 2 };

const parseSegment = (text: string, index: number, all: readonly string[]): Segment => {
  const [, name, greedy] = /^\{([\w.:-]+)(\+?)\}$/.exec(text) ?? [];
  if (name === undefined) {
    if (/[{}]/.test(text)) throw new Error(`${text} is neither text nor {name} nor {name+}`);
    return { kind: 'literal', text };
  }
  if (greedy === '') return { kind: 'variable', text: name };
  if (index !== all.length - 1) throw new Error(`{${name}+} must be the last segment of its path`);
  return { kind: 'greedy', text: name };
};

/** @throws Error saying what is wrong with the method or the path */
export const parseRoute = ({ method, path }: { readonly method: string; readonly path: string }): Route => {
  if (path === '*') {
    if (method !== '*') throw new Error(`the path * takes every method, so it cannot have the method ${method}`);
    return { routeKey: '$default', method: 'ANY', segments: undefined };
  }
  const name = method === '*' ? 'ANY' : method.toUpperCase();
  if (!METHODS.includes(name)) throw new Error(`the method ${method} is none of *, ${METHODS.join(', ')}`);
  if (!/^\/\S*$/.test(path)) throw new Error(`the path ${path} does not begin with /`);
  return { routeKey: `${name} ${path}`, method: name, segments: path.slice(1).split('/').map(parseSegment) };
};

/** Two routes with the same identity are the same to API Gateway: names of variables do not matter. */
const identityOf = ({ method, segments }: Route): string =>
  segments === undefined
    ? '$default'
    : `${method} ${segments.map(({ kind, text }) => (kind === 'literal' ? text : `{${kind}}`)).join('/')}`;

/** Negative when `a` is the more particular of two routes. */
const compare = (a: Route, b: Route): number => {
  if (a.segments === undefined || b.segments === undefined) return Number(!a.segments) - Number(!b.segments);
  for (const [index, { kind }] of a.segments.entries()) {
    const difference = ORDER[kind] - ORDER[b.segments[index]?.kind ?? kind];
    if (difference !== 0) return difference;
  }
  if (a.segments.length !== b.segments.length) return b.segments.length - a.segments.length;
  return Number(a.method === 'ANY') - Number(b.method === 'ANY');
};

/** Values of variables by name, still encoded; undefined when the path is not of the route. */
const matchPath = (segments: readonly Segment[], path: readonly string[]): [string, string][] | undefined => {
  const values: [string, string][] = [];
  for (const [index, { kind, text }] of segments.entries()) {
    const rest = path.slice(index).join('/');
    if (kind === 'greedy') return rest === '' ? undefined : [...values, [text, rest]];
    const segment = path[index];
    if (segment === undefined || (kind === 'literal' ? segment !== text : segment === '')) return undefined;
    if (kind === 'variable') values.push([text, segment]);
  }
  return segments.length === path.length ? values : undefined;
};

/**
 * Returns a function that finds the route of a request as API Gateway does: the most particular path, then the exact method, then
 * `$default`. It throws a URIError when a variable cannot be decoded.
 * @throws Error when two routes are the same
 */
export const createRouter = <R extends Route & { readonly functionName: string }>(
  routes: readonly R[],
): ((method: string, path: string) => MatchedRoute<R> | undefined) => {
  const known = new Map<string, R>();
  for (const route of routes) {
    const { functionName, routeKey } = route;
    const other = known.get(identityOf(route));
    if (other)
      throw new Error(`functions.${functionName}: httpApi: ${routeKey} is a route of ${other.functionName} already`);
    known.set(identityOf(route), route);
  }
  const ordered = routes.toSorted(compare);

  return (method, path) => {
    const parts = path.replace(/^\//, '').split('/');
    for (const route of ordered) {
      if (route.method !== 'ANY' && route.method !== method) continue;
      const values = route.segments === undefined ? [] : matchPath(route.segments, parts);
      if (values === undefined) continue;
      const decoded = values.map(([name, value]) => [name, decodeURIComponent(value)] as const);
      return { route, pathParameters: Object.fromEntries(decoded) };
    }
    return undefined;
  };
};
