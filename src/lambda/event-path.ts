/** The places in an event from which the path of a request is read. */
export interface EventPath {
  readonly path: string;
  /** True if the source of the event has decoded the path already. */
  readonly isDecoded: boolean;
  /** The route that API Gateway chose, such as `/{proxy+}`; empty when the event names none. */
  readonly template: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly stage: string;
}

const VARIABLE = /\{([^{}+]+)\+?\}/g;
const PROXY = '/{proxy+}';

const withoutTrailingSlashes = (path: string): string => {
  let end = path.length;
  while (end > 0 && path[end - 1] === '/') end -= 1;
  return path.slice(0, end);
};

/** The path below the API: the template with its variables. Undefined when the event has no value of a variable. */
const fillTemplate = ({ template, parameters }: EventPath): string | undefined => {
  const route = template === '' && 'proxy' in parameters ? PROXY : template;
  if (route === PROXY)
    return typeof parameters.proxy === 'string' ? withoutTrailingSlashes(`/${parameters.proxy}`) : undefined;
  if (!route.startsWith('/')) return undefined;
  let isWhole = true;
  const filled = route.replaceAll(VARIABLE, (_variable, name: string) => {
    const value = parameters[name];
    if (typeof value === 'string') return value;
    isWhole = false;
    return '';
  });
  return isWhole ? withoutTrailingSlashes(filled) : undefined;
};

/** The path without the base path of a custom domain, and without the name of a stage. */
const withoutPrefix = (event: EventPath): string => {
  const { path, stage } = event;
  const filled = fillTemplate(event);
  if (filled && withoutTrailingSlashes(path).endsWith(filled)) return filled;
  const prefix = `/${stage}`;
  return stage !== '' && (path === prefix || path.startsWith(`${prefix}/`)) ? path.slice(prefix.length) : path;
};

/**
 * The path of a request, percent-encoded once. An HTTP API decodes paths; a function URL, a REST API and a load balancer hand them on as they
 * came. A percent sign that an HTTP API left over was encoded twice by the caller: it stays encoded once here.
 */
export const toEncodedPath = (event: EventPath): string => {
  const path = withoutPrefix(event);
  return event.isDecoded ? path.replaceAll('%', '%25') : path;
};
