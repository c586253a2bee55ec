import { within } from '../core/deadline.ts';
import { refuse, ServingError } from '../core/errors.ts';
import { isObject } from '../core/is-object.ts';
import { show } from '../core/show.ts';
import { parseJsonBody } from '../protocol/json.ts';
import { formatStatistics } from '../protocol/open-inference/statistics.ts';
import { repositoryIndex } from '../serving/repository-index.ts';
import type { Serving } from '../serving/serving.ts';
import { noStatistics } from '../serving/statistics.ts';
import { type HttpRequest, type HttpResponse, toJsonResponse } from './message.ts';
import { assertReady } from './readiness.ts';
import { type Exchange, modelReference, type Route, versioned } from './route.ts';

/** The value of the one field that a body may have. The body may be empty, and the field null. @throws `INVALID_REQUEST` */
const readField = async ({ readBody }: HttpRequest, name: string): Promise<unknown> => {
  const body = await readBody();
  const document = body.length === 0 ? {} : parseJsonBody(body);
  if (!isObject(document))
    return refuse('INVALID_REQUEST', `the body is ${show(document)}, expected nothing or {"${name}": …}`);
  const other = Object.keys(document).find((each) => each !== name);
  if (other !== undefined) refuse('INVALID_REQUEST', `${show(other)} is not supported, there is "${name}"`);
  return document[name] ?? undefined;
};

const listVersions = async (serving: Serving, { request, context }: Exchange): Promise<HttpResponse> => {
  const ready = (await readField(request, 'ready')) ?? false;
  if (typeof ready !== 'boolean')
    throw new ServingError('INVALID_REQUEST', `"ready" is ${show(ready)}, expected true or false`);
  const entries = await within(context.deadline, repositoryIndex(serving), 'the storage has not answered in time');
  const listed = ready ? entries.filter(({ state }) => state === 'READY') : entries;
  return toJsonResponse(listed.map(({ version, ...entry }) => ({ ...entry, version: version?.toString() })));
};

const isReady = async (serving: Serving, exchange: Exchange): Promise<HttpResponse> => {
  await assertReady(serving, modelReference(exchange), exchange);
  return toJsonResponse({ name: modelReference(exchange).name, ready: true });
};

/** @throws `INVALID_REQUEST` naming a parameter that is not in `known` */
const assertParameters = async (request: HttpRequest, known: readonly string[]): Promise<void> => {
  const parameters = (await readField(request, 'parameters')) ?? {};
  if (!isObject(parameters))
    return refuse('INVALID_REQUEST', `"parameters" is ${show(parameters)}, expected an object`);
  const unknown = Object.keys(parameters).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new ServingError(
      'INVALID_REQUEST',
      `parameter ${show(unknown)} is not supported: files and settings of a model come with its push`,
    );
};

const loadVersion = async (serving: Serving, exchange: Exchange): Promise<HttpResponse> => {
  await assertParameters(exchange.request, []);
  await assertReady(serving, modelReference(exchange), exchange);
  return toJsonResponse({});
};

const unloadModel = async ({ router, models }: Serving, exchange: Exchange): Promise<HttpResponse> => {
  await assertParameters(exchange.request, ['unload_dependents']); // no model has others that depend on it
  const { deadline } = exchange.context;
  const { name } = await router.route(modelReference(exchange), undefined, deadline);
  await models.drop(name, deadline);
  return toJsonResponse({});
};

/** Figures of a version, or of every version of a model that was asked for. */
const modelStatistics = async ({ router, statistics }: Serving, exchange: Exchange): Promise<HttpResponse> => {
  const reference = modelReference(exchange);
  const { name, version } = await router.route(reference, undefined, exchange.context.deadline);
  const figures = statistics.of(name).filter((each) => reference.version === undefined || each.version === version);
  const listed = figures.length > 0 ? figures : [noStatistics(version)];
  return toJsonResponse({ model_stats: listed.map((each) => formatStatistics(name, each)) });
};

const allStatistics = ({ statistics }: Serving): HttpResponse => {
  const figures = statistics
    .models()
    .flatMap((name) => statistics.of(name).map((each) => formatStatistics(name, each)));
  return toJsonResponse({ model_stats: figures });
};

/** The models in the repository and in the memory of this process. */
export const repositoryRoutes = (serving: Serving): Route[] => [
  {
    method: 'POST',
    paths: ['/v2/repository/index'],
    operation: 'predict',
    handle: (exchange) => listVersions(serving, exchange),
  },
  {
    method: 'POST',
    paths: ['/v2/repository/models/:name/load'],
    operation: 'admin',
    handle: (exchange) => loadVersion(serving, exchange),
  },
  {
    method: 'POST',
    paths: ['/v2/repository/models/:name/unload'],
    operation: 'admin',
    handle: (exchange) => unloadModel(serving, exchange),
  },
  { method: 'GET', paths: ['/v2/models/stats'], operation: 'predict', handle: () => allStatistics(serving) },
  {
    method: 'GET',
    paths: versioned('/stats'),
    operation: 'predict',
    handle: (exchange) => modelStatistics(serving, exchange),
  },
  { method: 'GET', paths: versioned('/ready'), operation: 'predict', handle: (exchange) => isReady(serving, exchange) },
];
