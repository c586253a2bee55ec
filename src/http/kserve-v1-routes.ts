import type { Answer } from '../core/answer.ts';
import { refuse } from '../core/errors.ts';
import { show } from '../core/show.ts';
import { parseJsonBody } from '../protocol/json.ts';
import {
  type PredictRequest,
  parsePredictRequest,
  toInferInputs,
  toPredictions,
  toTaskInput,
} from '../protocol/kserve-v1.ts';
import { tensorSignature } from '../protocol/open-inference/tensor-names.ts';
import { toJsonText } from '../protocol/task-api/encode.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { listModels } from '../serving/list-models.ts';
import { predict } from '../serving/predict.ts';
import { type Call, type Prediction, routeCall, type Serving, single } from '../serving/serving.ts';
import { type HttpResponse, jsonResponse, toJsonResponse } from './message.ts';
import { namedModel } from './openai/named-model.ts';
import { assertReady } from './readiness.ts';
import { type Exchange, modelReference, predictionHeaders, type Route, routingKey } from './route.ts';

/** The models whose task is tensors take the instances as rows of one request; any other task takes each as an input. */
const payloadsOf = (
  { instances, parameters }: PredictRequest,
  { task, graphs }: PublishedBundle,
): Pick<Call, 'as' | 'payloads'> => {
  if (task !== 'tensor')
    return {
      as: 'task',
      payloads: instances.map((instance) => async () => ({ inputs: toTaskInput(instance), parameters })),
    };
  const [parameter] = Object.keys(parameters);
  if (parameter !== undefined)
    refuse('INVALID_REQUEST', `parameter ${show(parameter)} is not known: a model of tensors takes none`);
  const inputs = toInferInputs(instances, tensorSignature(graphs));
  return { as: 'tensors', payloads: [async () => ({ inputs, parameters: {} })] };
};

/** @throws the reason of the first instance without an answer */
const predictionsOf = (prediction: Prediction, instances: number): string[] => {
  const answers: Answer[] = prediction.outcomes.map((outcome) => single({ ...prediction, outcomes: [outcome] }));
  return answers.flatMap((answer) =>
    answer.kind === 'tensors' ? toPredictions(answer.outputs, instances) : [toJsonText(answer, prediction.bundle)],
  );
};

const predictInstances = async (serving: Serving, exchange: Exchange): Promise<HttpResponse> => {
  const { request, context, observation } = exchange;
  const document = parsePredictRequest(parseJsonBody(await request.readBody()));
  const call: Omit<Call, 'as' | 'payloads'> = {
    reference: modelReference(exchange),
    key: routingKey(exchange),
    deadline: context.deadline,
    observation,
  };
  const routed = await routeCall(serving, { ...call, as: 'task', payloads: [] });
  const prediction = await predict(serving, { ...call, routed, ...payloadsOf(document, routed) });
  const predictions = predictionsOf(prediction, document.instances.length);
  const headers = predictionHeaders(prediction);
  const response = jsonResponse(`{"predictions":[${predictions.join(',')}]}`, { headers });
  observation.stopwatch.lap('encode');
  return response;
};

/** A model as OpenAI's clients read it; `created` in seconds since 1970. */
const toOpenAiModel = (id: string, { created }: PublishedBundle) => ({
  ...{ id, object: 'model', created: Math.floor(Date.parse(created) / 1000), owned_by: 'onnx-serverless' },
});

/**
 * The names that KServe's clients read, and the same models as OpenAI's clients read them: all, or the one that the base of the path names.
 */
const list = async (serving: Serving, { context, parameters }: Exchange): Promise<HttpResponse> => {
  const all = await listModels(serving, context.deadline);
  const models = parameters.name === undefined ? all : all.filter(({ name }) => name === parameters.name);
  const data = models.flatMap((model) => ('bundle' in model ? [toOpenAiModel(model.name, model.bundle)] : []));
  return toJsonResponse({ models: models.map(({ name }) => name), object: 'list', data });
};

const isReady = async (serving: Serving, exchange: Exchange): Promise<HttpResponse> => {
  const { name = '', version } = exchange.parameters;
  const id = version === undefined ? name : `${name}/${version}`;
  const reference = await namedModel(exchange, id);
  const bundle = await assertReady(serving, reference, exchange);
  return toJsonResponse({ name: id, ready: true, ...toOpenAiModel(id, bundle) });
};

/** KServe's first protocol. Its colon before `predict` is a slash by now. https://github.com/kserve/open-inference-protocol */
export const kserveV1Routes = (serving: Serving): Route[] => [
  { method: 'GET', paths: ['/v1/models'], operation: 'predict', handle: (exchange) => list(serving, exchange) },
  {
    method: 'POST',
    paths: ['/v1/models/:name/predict'],
    operation: 'predict',
    handle: (exchange) => predictInstances(serving, exchange),
  },
  {
    method: 'GET',
    paths: ['/v1/models/:name', '/v1/models/:name/:version'],
    operation: 'predict',
    findsModel: true, // `name@alias` and `name/version`, whose slash some of OpenAI's clients encode
    handle: (exchange) => isReady(serving, exchange),
  },
];
