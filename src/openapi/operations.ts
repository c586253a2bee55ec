import { isObject } from '../core/is-object.ts';
import { errorsOf } from './errors.ts';
import { type JsonSchema, reference } from './json-schema.ts';

/** An operation of OpenAPI, or a part of it. */
export type Operation = Readonly<Record<string, unknown>>;

const JSON_TYPE = 'application/json';

const OF_ANSWERS = {
  'x-request-id': reference('headers', 'RequestId'),
  ratelimit: reference('headers', 'RateLimit'),
  'ratelimit-policy': reference('headers', 'RateLimitPolicy'),
};
const OF_PREDICTIONS = {
  'x-prediction-id': reference('headers', 'PredictionId'),
  'x-truncated-inputs': reference('headers', 'TruncatedInputs'),
  'x-model-version': reference('headers', 'ModelVersion'),
  'server-timing': reference('headers', 'ServerTiming'),
};

export const HEADERS = {
  RequestId: {
    description: "The caller's own x-request-id, or one of the gateway.",
    schema: { type: 'string' },
  },
  RateLimit: {
    description:
      'What is left of the limits of the key, and the seconds until it is renewed; for a key that has limits.',
    schema: { type: 'string' },
  },
  RateLimitPolicy: { description: 'The limits of the key.', schema: { type: 'string' } },
  PredictionId: {
    description: 'The id by which feedback names the prediction, where predictions are captured.',
    schema: { type: 'string' },
  },
  TruncatedInputs: {
    description: 'The places of the inputs that were longer than the model takes.',
    schema: { type: 'string' },
  },
  ServerTiming: { description: 'Milliseconds of the steps up to the answer.', schema: { type: 'string' } },
  ModelVersion: { description: 'The version that answered.', schema: { type: 'string', pattern: '^[1-9][0-9]*$' } },
};

export const jsonContent = (schema: JsonSchema, example?: unknown) => ({
  [JSON_TYPE]: { schema, ...(example !== undefined && { example }) },
});

/** An operation that asks for something, and is answered with JSON. */
export const question = (summary: string, tag: string, operationId: string, schema: JsonSchema): Operation => ({
  ...{ operationId, summary, tags: [tag] },
  responses: {
    200: { description: 'OK', headers: OF_ANSWERS, content: jsonContent(schema) },
    ...errorsOf('question'),
  },
});

/** The operation with an answer of another status. */
export const withAnswer = (operation: Operation, status: number, answer: JsonSchema): Operation => ({
  ...operation,
  responses: { ...(isObject(operation.responses) && operation.responses), [status]: answer },
});

/** True for an operation that may answer with events. */
export const mayStream = ({ responses }: Operation): boolean => {
  const ok = isObject(responses) ? responses[200] : undefined;
  return isObject(ok) && isObject(ok.content) && 'text/event-stream' in ok.content;
};

type Content = Readonly<Record<string, unknown>>;

const predictionWith =
  (api: 'Error' | 'OpenAiError') =>
  (summary: string, tag: string, operationId: string, content: Content): Operation => ({
    ...{ operationId, summary, tags: [tag] },
    responses: {
      200: { description: 'OK', headers: { ...OF_ANSWERS, ...OF_PREDICTIONS }, content },
      ...errorsOf('prediction', api),
    },
  });

/** An operation that runs a model. `content` is that of the answer, by media type. */
export const prediction = predictionWith('Error');

/** An operation of OpenAI's API that runs a model. */
export const openAiPrediction = predictionWith('OpenAiError');
