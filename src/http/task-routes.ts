import { truncatedInputsOf } from '../core/answer.ts';
import { ServingError } from '../core/errors.ts';
import { toJsonText } from '../protocol/task-api/encode.ts';
import { parseTaskRequest } from '../protocol/task-api/request.ts';
import { unlessMissing } from '../repository/model-repository.ts';
import { resolveInputs } from '../serving/inputs.ts';
import { predict, type Serving, single } from '../serving/serving.ts';
import { type HttpResponse, jsonResponse } from './message.ts';
import { type Exchange, modelReference, type Route, routingKey } from './route.ts';

/** API Gateway takes 10 KB of headers. */
const MOST_INDICES = 1_000;

const formatIndices = (indices: readonly number[]): string =>
  [...indices.slice(0, MOST_INDICES), ...(indices.length > MOST_INDICES ? ['...'] : [])].join(', ');

/** Names and values of a query, decoded; the first value of a name counts. */
const parseQuery = (query: string): Record<string, string> => {
  const values: Record<string, string> = Object.create(null);
  if (query !== '') for (const [name, value] of new URLSearchParams(query)) values[name] ??= value;
  return values;
};

const predictTask = async (serving: Serving, exchange: Exchange): Promise<HttpResponse> => {
  const { request, context, observation } = exchange;
  const body = await request.readBody();
  const taskRequest = parseTaskRequest(body, request.headers['content-type'], parseQuery(request.query));
  const prediction = await predict(serving, {
    reference: modelReference(exchange),
    key: routingKey(exchange),
    as: 'task',
    payloads: [() => resolveInputs(taskRequest, serving.data)],
    deadline: context.deadline,
    observation,
  });
  const answer = single(prediction);
  const text = toJsonText(answer, prediction.bundle);
  const truncated = truncatedInputsOf(answer);
  observation.stopwatch.lap('encode');
  return jsonResponse(text, {
    headers: {
      'x-model-version': String(prediction.bundle.version),
      ...(truncated.length > 0 && { 'x-truncated-inputs': formatIndices(truncated) }),
    },
  });
};

const listModels = async ({ repository, router }: Serving): Promise<HttpResponse> => {
  const models = await Promise.all(
    (await repository.names()).map(async (name) => {
      try {
        const bundle = await unlessMissing(router.route({ name })); // a first push may be under way
        return bundle && { name, version: bundle.version, task: bundle.task };
      } catch (error) {
        return { name, error: ServingError.from(error).code }; // one broken model hides no other
      }
    }),
  );
  return jsonResponse(JSON.stringify({ models: models.filter((model) => model !== undefined) }));
};

/** `POST /models/{name}[/versions/{version}|/aliases/{alias}]` predicts, in the words of the model's task; `GET /models` lists. */
export const taskRoutes = (serving: Serving): Route[] => [
  {
    method: 'POST',
    paths: ['/models/:name', '/models/:name/versions/:version', '/models/:name/aliases/:alias'],
    handle: (exchange) => predictTask(serving, exchange),
  },
  { method: 'GET', paths: ['/models'], handle: () => listModels(serving) },
];
