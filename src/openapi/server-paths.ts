import { arrayOf, BOOLEAN, INTEGER, type JsonSchema, NUMBER, OBJECT, objectOf, STRING } from './json-schema.ts';
import { jsonContent, type Operation, question } from './operations.ts';

const TAG = 'Server';

const DURATION = objectOf({ count: INTEGER, ns: INTEGER });
const MODEL_STATISTICS = objectOf({
  name: STRING,
  version: STRING,
  last_inference: INTEGER,
  inference_count: INTEGER,
  execution_count: INTEGER,
  inference_stats: { type: 'object', additionalProperties: DURATION },
  batch_stats: arrayOf({}),
});
const STATISTICS = objectOf({ model_stats: arrayOf(MODEL_STATISTICS) });

const INDEX = arrayOf(
  objectOf({ name: STRING, state: { enum: ['READY', 'LOADING', 'UNAVAILABLE'] }, reason: STRING }, { version: STRING }),
);

const METADATA = objectOf({
  ...{ name: STRING, versions: arrayOf(STRING), platform: STRING },
  inputs: arrayOf(objectOf({ name: STRING, datatype: STRING, shape: arrayOf(INTEGER) })),
  outputs: arrayOf(objectOf({ name: STRING, datatype: STRING, shape: arrayOf(INTEGER) })),
  properties: objectOf({ task: STRING }),
});

const READY = objectOf({ name: STRING, ready: BOOLEAN });

/** A model in the form of OpenAI's API. */
const OPENAI_MODEL = objectOf({ id: STRING, object: { const: 'model' }, created: INTEGER, owned_by: STRING });

const TENSOR_CONFIG = objectOf({ name: STRING, data_type: STRING, dims: arrayOf(INTEGER) });
const CONFIG = objectOf({
  ...{ name: STRING, platform: STRING, backend: STRING, max_batch_size: INTEGER },
  ...{ input: arrayOf(TENSOR_CONFIG), output: arrayOf(TENSOR_CONFIG) },
});

const MODELS = objectOf({
  models: arrayOf(objectOf({ name: STRING }, { version: NUMBER, task: STRING, error: STRING })),
});

const withBody = (operation: Operation, schema: JsonSchema): Operation => ({
  ...operation,
  requestBody: { required: false, content: jsonContent(schema) },
});

/** Paths that name no model. */
export const SERVER_PATHS: Readonly<Record<string, Operation>> = {
  '/models': { get: question('The models, with their tasks and versions', TAG, 'listModels', MODELS) },
  '/v2': {
    get: question(
      'The name, version and extensions of the server',
      TAG,
      'describeServer',
      objectOf({ name: STRING, version: STRING, extensions: arrayOf(STRING) }),
    ),
  },
  '/v2/health/live': { get: question('Whether the server runs', TAG, 'isLive', objectOf({ live: BOOLEAN })) },
  '/v2/health/ready': {
    get: question('Whether models could be loaded', TAG, 'isReady', objectOf({ live: BOOLEAN, ready: BOOLEAN })),
  },
  '/v2/repository/index': {
    post: withBody(
      question('Every version of every model, with its state', TAG, 'indexRepository', INDEX),
      objectOf({}, { ready: { ...BOOLEAN, description: 'Only versions that are ready.' } }),
    ),
  },
  '/v2/models/stats': { get: question('Figures of this process', TAG, 'allStatistics', STATISTICS) },
  '/v1/models': {
    get: question(
      'The names of the models',
      TAG,
      'listNamesV1',
      objectOf({ models: arrayOf(STRING), object: { const: 'list' }, data: arrayOf(OPENAI_MODEL) }),
    ),
  },
};

/** Paths of any model that ask for something, by what stands behind its name, for the model in the path and for one of its versions. */
const QUESTIONS: readonly (readonly [path: string, summary: string, operationId: string, schema: JsonSchema])[] = [
  ['', 'Names, types and shapes of the tensors', 'describe', METADATA],
  ['/ready', 'Whether the model is loaded; loads it', 'isReady', READY],
  ['/config', 'The configuration of the model', 'configuration', CONFIG],
  ['/stats', 'Figures of the model in this process', 'statistics', STATISTICS],
];

const NAME = { $ref: '#/components/parameters/Model' };
const VERSION = { $ref: '#/components/parameters/Version' };

export const PATH_PARAMETERS = (names: readonly string[]) => ({
  Model: {
    ...{ name: 'name', in: 'path', required: true },
    schema: names.length > 0 ? { enum: names } : STRING,
  },
  Version: { name: 'version', in: 'path', required: true, schema: { type: 'integer', minimum: 1 } },
  Alias: {
    name: 'alias',
    in: 'path',
    required: true,
    schema: { type: 'string', pattern: '^[A-Za-z][A-Za-z0-9._-]{0,99}$' },
  },
});

/** Paths of any model that ask for something, or change what this process has in memory. */
export const MODEL_QUESTIONS: Readonly<Record<string, Operation>> = Object.fromEntries([
  ...QUESTIONS.flatMap(([path, summary, id, schema]): [string, Operation][] => [
    [`/v2/models/{name}${path}`, { parameters: [NAME], get: question(summary, TAG, `${id}Model`, schema) }],
    [
      `/v2/models/{name}/versions/{version}${path}`,
      { parameters: [NAME, VERSION], get: question(summary, TAG, `${id}Version`, schema) },
    ],
  ]),
  ...(['load', 'unload'] as const).map((action): [string, Operation] => [
    `/v2/repository/models/{name}/${action}`,
    {
      parameters: [NAME],
      post: withBody(
        question(
          `${action === 'load' ? 'Loads the model into' : 'Drops the model from'} this process`,
          TAG,
          `${action}Model`,
          OBJECT,
        ),
        objectOf({}, { parameters: OBJECT }),
      ),
    },
  ]),
  [
    '/v1/models/{name}',
    { parameters: [NAME], get: question('Whether the model is loaded; loads it', TAG, 'isReadyV1', READY) },
  ],
  [
    '/v1/models/{name}/{version}',
    {
      parameters: [NAME, VERSION],
      get: question('Whether the version is loaded; loads it', TAG, 'isReadyV1Version', READY),
    },
  ],
]);
