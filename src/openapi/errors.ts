import { ERROR_KINDS } from '../core/errors.ts';
import { type JsonSchema, objectOf, reference, STRING } from './json-schema.ts';

const ERROR = {
  ...objectOf({
    error: { type: 'string', description: 'What came, what was expected and what to do.' },
    code: { enum: Object.keys(ERROR_KINDS) },
    requestId: { type: 'string', description: 'The id under which the log has the request.' },
  }),
  description: 'An error of this project.',
};

const GATEWAY_ERROR = { ...objectOf({ message: STRING }), description: 'An answer of API Gateway itself.' };

const REASONS = {
  400: 'The request has a wrong form or a wrong parameter; on /v1 and /v2, also a wrong input.',
  401: 'The key or the token is missing or not valid.',
  403: 'The caller may not use this operation or this model.',
  404: 'There is no such model, version or alias.',
  409: 'Another writer came first.',
  413: 'The request or its answer is too large.',
  415: 'The content type or coding is not taken.',
  422: 'The input is wrong.',
  431: 'The path, the query or the headers are too long.',
  429: 'There are too many requests, or the quota of the key, or the limit of the month, is used up.',
  500: 'The server, or the model, failed.',
  503: 'The model is not available now.',
  504: 'The time is over; the message says how far the request came.',
  507: 'The model does not fit into the function.',
} as const;

type Status = keyof typeof REASONS;

/** Statuses of every operation. */
const COMMON: readonly Status[] = [400, 401, 403, 404, 413, 429, 431, 500, 503, 504];
/** Statuses of operations that take a body and run a model. */
const OF_PREDICTIONS: readonly Status[] = [409, 415, 422, 507];

/** `api` names the form of the errors, for which the gateway may answer in its own. */
type Api = 'Error' | 'OpenAiError';

const nameOf = (api: Api, status: Status): string => `${api}${status}`;

const OPENAI_ERROR = {
  ...objectOf({
    error: objectOf({ message: STRING, type: STRING, param: { type: 'null' }, code: STRING }),
  }),
  description: "An error as OpenAI's clients read it.",
};

export const ERROR_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Error: ERROR,
  OpenAiError: OPENAI_ERROR,
  GatewayError: GATEWAY_ERROR,
};

const responseOf = (api: Api, status: Status) => ({
  description: REASONS[status],
  ...([429, 503].includes(status) && {
    headers: {
      'retry-after': { description: 'Seconds to wait.', schema: { type: 'integer' } },
      ...(status === 429 && {
        ratelimit: reference('headers', 'RateLimit'),
        'ratelimit-policy': reference('headers', 'RateLimitPolicy'),
      }),
    },
  }),
  content: {
    'application/json': { schema: { anyOf: [reference('schemas', api), reference('schemas', 'GatewayError')] } },
  },
});

export const ERROR_RESPONSES = Object.fromEntries(
  (['Error', 'OpenAiError'] as const).flatMap((api) =>
    [...COMMON, ...OF_PREDICTIONS].map((status) => [nameOf(api, status), responseOf(api, status)]),
  ),
);

/** The errors of an operation, by their status. */
export const errorsOf = (kind: 'question' | 'prediction', api: Api = 'Error') =>
  Object.fromEntries(
    [...COMMON, ...(kind === 'prediction' ? OF_PREDICTIONS : [])].map((status) => [
      String(status),
      reference('responses', nameOf(api, status)),
    ]),
  );
