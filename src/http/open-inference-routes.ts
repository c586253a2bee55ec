import { within } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import { shorten } from '../core/show.ts';
import { mayHaveLongElement, parseJsonBody } from '../protocol/json.ts';
import { JSON_LENGTH_HEADER, splitBody } from '../protocol/open-inference/binary.ts';
import { modelConfig } from '../protocol/open-inference/config.ts';
import { InferBody } from '../protocol/open-inference/infer-request.ts';
import { formatInferResponse } from '../protocol/open-inference/infer-response.ts';
import { modelMetadata, serverMetadata } from '../protocol/open-inference/metadata.ts';
import { tensorSignature } from '../protocol/open-inference/tensor-names.ts';
import { predict } from '../serving/predict.ts';
import { type Prediction, type Serving, single } from '../serving/serving.ts';
import { type HttpRequest, type HttpResponse, jsonResponse, toJsonResponse } from './message.ts';
import { type Exchange, modelReference, predictionHeaders, type Route, routingKey, versioned } from './route.ts';

/** Clients of the protocol send JSON under many names, or none; media are for the task API. @throws `UNSUPPORTED_MEDIA_TYPE` */
const assertTensors = ({ request, parameters }: Exchange): void => {
  const type = request.headers['content-type'] ?? '';
  if (!/^(image|audio|video)\//.test(type)) return;
  const problem = `content type ${shorten(type)} carries no tensors; send JSON, or the input itself to POST /models/${shorten(parameters.name ?? '')}`;
  throw new ServingError('UNSUPPORTED_MEDIA_TYPE', problem);
};

/** Says of a request to S3 that it has not ended by the deadline. */
const LATE = 'the storage has not answered in time';

const describeModel = async ({ router, repository }: Serving, exchange: Exchange): Promise<HttpResponse> => {
  const { deadline } = exchange.context;
  const { name, graphs, task } = await router.route(modelReference(exchange), undefined, deadline);
  const versions = await within(deadline, repository.versions(name), LATE);
  return toJsonResponse(modelMetadata(name, versions, task, tensorSignature(graphs)));
};

const configureModel = async ({ router }: Serving, exchange: Exchange): Promise<HttpResponse> => {
  const reference = modelReference(exchange);
  const { name, version, graphs, task } = await router.route(reference, undefined, exchange.context.deadline);
  return toJsonResponse(modelConfig(name, version, task, tensorSignature(graphs)));
};

const readInferBody = async ({ headers, readBody }: HttpRequest): Promise<InferBody> => {
  const body = await readBody();
  const length = headers[JSON_LENGTH_HEADER];
  if (length === undefined) return new InferBody(parseJsonBody(body, mayHaveLongElement));
  const { json: document, binary } = splitBody(typeof body === 'string' ? Buffer.from(body) : body, length.trim());
  return new InferBody(document.byteLength === 0 ? undefined : parseJsonBody(document, mayHaveLongElement), binary);
};

/** Tensors as JSON, or as JSON with bytes behind it. */
const toInferResponse = (prediction: Prediction): HttpResponse => {
  const { bundle } = prediction;
  const answer = single(prediction);
  if (answer.kind !== 'tensors') throw new ServingError('INTERNAL', `the tensor task gave ${answer.kind}`);
  const { json: text, bytes } = formatInferResponse(answer, bundle);
  const headers = predictionHeaders(prediction);
  if (answer.binary.size === 0) return jsonResponse(text, { headers });
  const head = Buffer.from(text);
  return {
    status: 200,
    headers: {
      ...headers,
      'content-type': 'application/octet-stream',
      [JSON_LENGTH_HEADER]: String(head.byteLength),
    },
    body: Buffer.concat([head, ...bytes]),
  };
};

const infer = async (serving: Serving, exchange: Exchange): Promise<HttpResponse> => {
  assertTensors(exchange);
  const { request, context, observation } = exchange;
  const inputs = await readInferBody(request);
  const prediction = await predict(serving, {
    reference: modelReference(exchange),
    key: routingKey(exchange),
    as: 'tensors',
    payloads: [async () => ({ inputs, parameters: {} })],
    deadline: context.deadline,
    observation,
  });
  const response = toInferResponse(prediction);
  observation.stopwatch.lap('encode');
  return response;
};

/** The Open Inference Protocol, version 2, in JSON or bytes. https://github.com/kserve/open-inference-protocol */
export const openInferenceRoutes = (serving: Serving): Route[] => [
  { method: 'GET', paths: ['/v2/health/live'], operation: 'none', handle: () => toJsonResponse({ live: true }) },
  {
    method: 'GET',
    paths: ['/v2/health/ready'],
    operation: 'none',
    handle: async ({ context }) => {
      await within(context.deadline, serving.repository.names(), LATE); // ready means that models could be loaded
      return toJsonResponse({ live: true, ready: true });
    },
  },
  { method: 'GET', paths: ['/v2'], operation: 'none', handle: () => toJsonResponse(serverMetadata()) },
  {
    method: 'GET',
    paths: versioned('/config'),
    operation: 'predict',
    handle: (exchange) => configureModel(serving, exchange),
  },
  { method: 'GET', paths: versioned(''), operation: 'predict', handle: (exchange) => describeModel(serving, exchange) },
  { method: 'POST', paths: versioned('/infer'), operation: 'predict', handle: (exchange) => infer(serving, exchange) },
];
