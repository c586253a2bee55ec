import { truncatedInputsOf } from '../core/answer.ts';
import { refuse } from '../core/errors.ts';
import { mapStream } from '../core/stream.ts';
import type { TrustedHosts } from '../jobs/webhooks/webhook.ts';
import { encodeAnswer } from '../protocol/task-api/encode.ts';
import { acceptsEvents, EVENT_STREAM_TYPE, toEvent } from '../protocol/task-api/event-stream.ts';
import { parseTaskRequest } from '../protocol/task-api/request.ts';
import { resolveInputs, withoutContent } from '../serving/inputs.ts';
import { listModels } from '../serving/list-models.ts';
import { predict } from '../serving/predict.ts';
import { type Call, type Prediction, type Serving, single } from '../serving/serving.ts';
import { openStream } from '../serving/stream.ts';
import { type HttpResponse, toJsonResponse } from './message.ts';
import { type Preference, parsePrefer } from './prefer.ts';
import { type Exchange, modelReference, predictionHeaders, type Route, routingKey } from './route.ts';

/** API Gateway takes 10 KB of headers. */
const MOST_INDICES = 1_000;

const formatIndices = (indices: readonly number[]): string =>
  [...indices.slice(0, MOST_INDICES), ...(indices.length > MOST_INDICES ? ['...'] : [])].join(', ');

const toResponse = (prediction: Prediction): HttpResponse => {
  const outcome = single(prediction);
  const { body, contentType } = encodeAnswer(outcome, prediction.bundle);
  const truncated = truncatedInputsOf(outcome);
  return {
    status: 200,
    headers: {
      'content-type': contentType,
      ...predictionHeaders(prediction),
      ...(truncated.length > 0 && { 'x-truncated-inputs': formatIndices(truncated) }),
    },
    body,
  };
};

const streamTask = async (serving: Serving, call: Call): Promise<HttpResponse | undefined> => {
  const streamed = await openStream(serving, call);
  if (streamed === undefined) return undefined;
  const headers = {
    'content-type': EVENT_STREAM_TYPE,
    'cache-control': 'no-store',
    ...predictionHeaders({ bundle: streamed.bundle, ids: [streamed.id] }),
  };
  return { status: 200, headers, body: mapStream(streamed.chunks, toEvent) };
};

/** The requests that become jobs, besides those that ask for it. */
export interface JobSettings {
  /** Bytes of a body above which a request becomes a job; 0 for none. */
  readonly bodyBytes: number;
  /** Names of the models whose requests become jobs. */
  readonly models: readonly string[];
  readonly webhookHosts: TrustedHosts;
}

const becomesJob = (
  body: Uint8Array | string,
  model: string,
  { isAsync }: Preference,
  settings: JobSettings,
): boolean =>
  isAsync ||
  settings.models.includes(model) ||
  (settings.bodyBytes > 0 && Buffer.byteLength(body) > settings.bodyBytes);

const predictTask =
  (serving: Serving, jobs: JobSettings | undefined): Route['handle'] =>
  async (exchange) => {
    const { request, context, observation } = exchange;
    const preference = parsePrefer(request.headers.prefer);
    const body = await request.readBody();
    const taskRequest = parseTaskRequest(body, request.headers['content-type'], request.query);
    const reference = modelReference(exchange);
    const { output } = taskRequest;
    if (output) (await import('./stored-answer.ts')).assertOutputReachable(output, reference.name);
    if (jobs && becomesJob(body, reference.name, preference, jobs)) {
      const { submitRequest } = await import('./submit-request.ts');
      return submitRequest(serving, jobs.webhookHosts, exchange, { body, taskRequest, preference });
    }
    const call: Call = {
      reference,
      key: routingKey(exchange),
      as: 'task',
      payloads: [() => resolveInputs(taskRequest, reference.name, serving, exchange.assertAllowed)],
      deadline: context.deadline,
      caller: context.identity?.holder,
      observation,
    };
    try {
      const isStreamed = taskRequest.isStreamed === true || acceptsEvents(request.headers.accept);
      if (isStreamed && output) refuse('INVALID_REQUEST', 'an answer in chunks is not stored; leave out "output"');
      const streamed = isStreamed ? await streamTask(serving, call) : undefined;
      if (streamed) return streamed;
      const response = toResponse(await predict(serving, call));
      observation.stopwatch.lap('encode');
      if (output === undefined) return response;
      return await (await import('./stored-answer.ts')).storeAnswer(serving.data, output, response);
    } catch (error) {
      throw withoutContent(error, taskRequest);
    }
  };

const listTasks = async (serving: Serving, { context }: Exchange): Promise<HttpResponse> => {
  const models = (await listModels(serving, context.deadline)).map((model) => {
    if ('error' in model) return { name: model.name, error: model.error.code };
    const { name, version, task } = model.bundle;
    return { name, version, task };
  });
  return toJsonResponse({ models });
};

/** `POST /models/{name}[/versions/{version}|/aliases/{alias}]` predicts, in the words of the model's task; `GET /models` lists. */
export const taskRoutes = (serving: Serving, jobs?: JobSettings): Route[] => [
  {
    method: 'POST',
    paths: ['/models/:name', '/models/:name/versions/:version', '/models/:name/aliases/:alias'],
    operation: 'predict',
    handle: predictTask(serving, jobs),
  },
  { method: 'GET', paths: ['/models'], operation: 'predict', handle: (exchange) => listTasks(serving, exchange) },
];
