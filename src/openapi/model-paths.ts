import { isObject } from '../core/is-object.ts';
import { withDefaults } from '../tasks/client-defaults.ts';
import { parametersOf } from '../tasks/parameter-tables.ts';
import type { ParameterSchema, ParameterTable } from '../tasks/parameters.ts';
import type { DescribedModel } from './described-model.ts';
import { JOB } from './job-paths.ts';
import { arrayOf, type JsonSchema, OBJECT, objectOf, reference, STRING } from './json-schema.ts';
import { jsonContent, type Operation, prediction, withAnswer } from './operations.ts';
import { answerOf, labelsOf } from './task-answers.ts';
import { INFER_RESPONSE, inferRequest, tensorInputsExample } from './tensors.ts';
import { STORED } from './upload-paths.ts';

const parameterTable = ({ task, settings, clients }: DescribedModel): ParameterTable | undefined => {
  const table = parametersOf(task, settings);
  return table && withDefaults(table, task, clients);
};

const schemaOf = ({ description, ...schema }: ParameterSchema): JsonSchema => ({ description, ...schema });

/** An object of parameters. Tasks of extensions check their own. */
const parametersSchema = (table: ParameterTable | undefined): JsonSchema =>
  table === undefined
    ? OBJECT
    : {
        ...objectOf({}, Object.fromEntries(Object.entries(table).map(([name, each]) => [name, schemaOf(each)]))),
        additionalProperties: false,
      };

/** Longer lists belong into the body: a gateway takes 10 KB of path, query and headers. */
const MOST_IN_A_QUERY = 10;

const inQuery = (schema: unknown): unknown =>
  isObject(schema) && schema.type === 'array' ? { ...schema, maxItems: MOST_IN_A_QUERY } : schema;

/** A value in a query is JSON, or text. */
const queryParameter = ([name, schema]: readonly [string, ParameterSchema]) => {
  const { description, ...rest } = schema;
  const common = { name, in: 'query', required: false, description };
  return 'anyOf' in rest
    ? { ...common, content: jsonContent({ ...rest, anyOf: rest.anyOf.map(inQuery) }) }
    : { ...common, schema: rest };
};

const describe = (model: DescribedModel): string => {
  const { task, version, maxBatch, created, signature } = model;
  const labels = labelsOf(model);
  const tensors = (specs: DescribedModel['signature']['inputs']): string =>
    specs
      .map(({ name, dtype, shape }) => `\`${name}\` ${dtype}[${shape.map((size) => size || '?').join(', ')}]`)
      .join(', ');
  return [
    `Version ${version} of ${created.slice(0, 10)}, task ${task}.`,
    `Up to ${maxBatch} rows run together.`,
    ...(labels.length > 0
      ? [`Labels: ${labels.slice(0, 20).join(', ')}${labels.length > 20 ? `, … (${labels.length})` : ''}.`]
      : []),
    `Tensors: ${tensors(signature.inputs)} → ${tensors(signature.outputs)}.`,
  ].join('\n\n');
};

const UPLOAD = (name: string): JsonSchema =>
  objectOf({
    s3: {
      type: 'string',
      pattern: `^(uploads|inputs)/${name}/.`,
      description: 'The key of an object, of POST /uploads.',
    },
  });

const OUTPUT = (name: string): JsonSchema => ({
  ...objectOf({ s3: { type: 'string', pattern: `^outputs/${name}/.*[^/]$` } }),
  description: 'The place that the answer is written to. No answer replaces another object.',
});

/** The body of `POST /models/{name}`. */
const taskBody = (model: DescribedModel) => {
  const { schema, example, media, csv } = model.inputs;
  const parameters = parametersSchema(parameterTable(model));
  const isTable = model.task.startsWith('tabular-');
  const output = OUTPUT(model.name);
  const document = objectOf({ inputs: { anyOf: [schema, UPLOAD(model.name)] } }, { parameters, output });
  const table = objectOf({ table: { type: 'object', additionalProperties: arrayOf({}) } }, { parameters });
  const json = example === undefined ? undefined : { inputs: example };
  const examples: Readonly<Record<string, unknown>> = {
    ...{ 'application/json': json, 'text/csv': csv },
    ...model.examples,
  };
  return {
    required: true,
    content: {
      ...jsonContent(isTable ? { anyOf: [document, table] } : document, examples['application/json']),
      'application/jsonl': { schema: { type: 'string', description: 'An input on each line.' } },
      ...Object.fromEntries(
        media.map((type) => [
          type,
          {
            schema: { type: 'string', minLength: 1 },
            ...(examples[type] !== undefined && { example: examples[type] }),
          },
        ]),
      ),
    },
  };
};

/** The answer to `Prefer: respond-async`, and to requests of models that only jobs answer. */
const ACCEPTED = {
  description: 'The request has become a job.',
  headers: {
    location: { description: 'The path of the job.', schema: STRING },
    'preference-applied': { description: 'The preferences of the request that were kept.', schema: STRING },
  },
  content: jsonContent(JOB),
};

const PREFER = {
  ...{ name: 'prefer', in: 'header', required: false, schema: STRING },
  description: '`respond-async` makes a job of the request.',
};

/** Tensors as bytes: those behind a document whose length a header has, or the bytes of the only tensor. */
const TENSOR_BYTES = { 'application/octet-stream': { schema: {} } };
const DOCUMENT_BYTES = {
  name: 'inference-header-content-length',
  ...{ in: 'header', required: false, schema: { type: 'integer', minimum: 0 } },
  description: 'Bytes of the JSON document, behind which the tensors stand.',
};

/** The operations that run one model. Ids of operations are names in programs that are generated from the document. */
export const modelPaths = (model: DescribedModel): Readonly<Record<string, Operation>> => {
  const { name } = model;
  const table = parameterTable(model);
  const answer = jsonContent(reference('schemas', `Answer.${name}`));
  const mayStream = table === undefined || model.task === 'text-generation'; // tasks of extensions may
  const streamed = mayStream && { 'text/event-stream': { schema: STRING } };
  const predict = (summary: string, operationId: string): Operation => ({
    ...withAnswer(
      withAnswer(prediction(summary, name, operationId, { ...answer, ...streamed }), 202, ACCEPTED),
      201,
      STORED,
    ),
    description: describe(model),
    parameters: [...Object.entries(table ?? {}).map(queryParameter), PREFER],
    requestBody: reference('requestBodies', `Task.${name}`),
  });
  const tensors = tensorInputsExample(model.blanks);
  const infer: Operation = {
    ...prediction(`Tensors through ${name}`, name, `infer_${name}`, {
      ...jsonContent(INFER_RESPONSE),
      ...TENSOR_BYTES,
    }),
    parameters: [DOCUMENT_BYTES],
    requestBody: {
      required: true,
      content: {
        ...jsonContent(reference('schemas', `Tensors.${name}`), tensors && { inputs: tensors }),
        ...TENSOR_BYTES,
      },
    },
  };
  const instances = objectOf({ instances: arrayOf({}, { minItems: 1 }) }, { parameters: OBJECT });
  return {
    [`/models/${name}`]: { post: predict(`Answers by the task of ${name}`, `predict_${name}`) },
    [`/models/${name}/versions/{version}`]: {
      parameters: [reference('parameters', 'Version')],
      post: predict(`Answers by one version of ${name}`, `predict_version_${name}`),
    },
    [`/models/${name}/aliases/{alias}`]: {
      parameters: [reference('parameters', 'Alias')],
      post: predict(`Answers by an alias of ${name}`, `predict_alias_${name}`),
    },
    [`/v2/models/${name}/infer`]: { post: infer },
    [`/v2/models/${name}/versions/{version}/infer`]: {
      parameters: [reference('parameters', 'Version')],
      post: { ...infer, operationId: `infer_version_${name}` },
    },
    [`/v1/models/${name}:predict`]: {
      post: {
        ...prediction(
          `Instances through ${name}`,
          name,
          `predict_v1_${name}`,
          jsonContent(objectOf({ predictions: arrayOf({}) })),
        ),
        requestBody: { required: true, content: jsonContent(instances) },
      },
    },
  };
};

/** The components that the paths of a model refer to. */
export const modelComponents = (model: DescribedModel) => ({
  schemas: { [`Answer.${model.name}`]: answerOf(model), [`Tensors.${model.name}`]: inferRequest(model.signature) },
  requestBodies: { [`Task.${model.name}`]: taskBody(model) },
});
