import { within } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import { isObject } from '../core/is-object.ts';
import { shorten, show } from '../core/show.ts';
import { mayHaveLongElement, parseJsonBody } from '../protocol/json.ts';
import { modelMetadata, serverMetadata } from '../protocol/open-inference/metadata.ts';
import { tensorSignature } from '../protocol/open-inference/tensor-names.ts';
import { toJsonText } from '../protocol/task-api/encode.ts';
import { predict } from '../serving/predict.ts';
import { repositoryIndex } from '../serving/repository-index.ts';
import { loadModel, type Serving, single } from '../serving/serving.ts';
import { type HttpResponse, jsonResponse } from './message.ts';
import { type Exchange, modelReference, type Route, routingKey } from './route.ts';

const versioned = (path: string): string[] => [`/v2/models/:name${path}`, `/v2/models/:name/versions/:version${path}`];

const json = (value: unknown): HttpResponse => jsonResponse(JSON.stringify(value));

/** Clients of the protocol send JSON under many names, or none; media are for the task API. @throws `UNSUPPORTED_MEDIA_TYPE` */
const assertTensors = ({ request, parameters }: Exchange): void => {
  const type = request.headers['content-type'] ?? '';
  if (!/^(image|audio|video)\//.test(type)) return;
  const problem = `content type ${shorten(type)} carries no tensors; send JSON, or the input itself to POST /models/${shorten(parameters.name ?? '')}`;
  throw new ServingError('UNSUPPORTED_MEDIA_TYPE', problem);
};

/** Says of a request to S3 that it has not ended by the deadline. */
const LATE = 'the storage has not answered in time';

const listVersions = async (serving: Serving, { request, context }: Exchange): Promise<HttpResponse> => {
  const body = await request.readBody();
  const document = body.length === 0 ? {} : parseJsonBody(body);
  const { ready = false } = isObject(document) ? document : {};
  if (typeof ready !== 'boolean')
    throw new ServingError('INVALID_REQUEST', `"ready" is ${show(ready)}, expected true or false`);
  const entries = await within(context.deadline, repositoryIndex(serving), LATE);
  const listed = ready ? entries.filter(({ state }) => state === 'READY') : entries;
  return json(listed.map(({ version, ...entry }) => ({ ...entry, version: version?.toString() })));
};

const assertReady = async (serving: Serving, exchange: Exchange): Promise<HttpResponse> => {
  const reference = modelReference(exchange);
  const { deadline } = exchange.context;
  const bundle = await serving.router.route(reference, undefined, deadline);
  try {
    await loadModel(serving, bundle, deadline);
  } catch (error) {
    throw new ServingError('MODEL_UNAVAILABLE', `not ready: ${ServingError.from(error).message}`, { cause: error });
  }
  return json({ name: reference.name, ready: true });
};

const describeModel = async ({ router, repository }: Serving, exchange: Exchange): Promise<HttpResponse> => {
  const { deadline } = exchange.context;
  const { name, graphs, task } = await router.route(modelReference(exchange), undefined, deadline);
  const versions = await within(deadline, repository.versions(name), LATE);
  return json(modelMetadata(name, versions, task, tensorSignature(graphs)));
};

const infer = async (serving: Serving, exchange: Exchange): Promise<HttpResponse> => {
  assertTensors(exchange);
  const { request, context, observation } = exchange;
  const inputs = parseJsonBody(await request.readBody(), mayHaveLongElement);
  const prediction = await predict(serving, {
    reference: modelReference(exchange),
    key: routingKey(exchange),
    as: 'tensors',
    payloads: [async () => ({ inputs, parameters: {} })],
    deadline: context.deadline,
    observation,
  });
  const text = toJsonText(single(prediction), prediction.bundle);
  observation.stopwatch.lap('encode');
  return jsonResponse(text, { headers: { 'x-model-version': String(prediction.bundle.version) } });
};

/** The Open Inference Protocol, version 2, in JSON. https://github.com/kserve/open-inference-protocol */
export const openInferenceRoutes = (serving: Serving): Route[] => [
  { method: 'GET', paths: ['/v2/health/live'], handle: () => json({ live: true }) },
  {
    method: 'GET',
    paths: ['/v2/health/ready'],
    handle: async ({ context }) => {
      await within(context.deadline, serving.repository.names(), LATE); // ready means that models could be loaded
      return json({ live: true, ready: true });
    },
  },
  { method: 'GET', paths: ['/v2'], handle: () => json(serverMetadata()) },
  { method: 'POST', paths: ['/v2/repository/index'], handle: (exchange) => listVersions(serving, exchange) },
  { method: 'GET', paths: versioned('/ready'), handle: (exchange) => assertReady(serving, exchange) },
  { method: 'GET', paths: versioned(''), handle: (exchange) => describeModel(serving, exchange) },
  { method: 'POST', paths: versioned('/infer'), handle: (exchange) => infer(serving, exchange) },
];
