import packageJson from '../../package.json' with { type: 'json' };
import { isObject } from '../core/is-object.ts';
import type { DescribedModel } from './described-model.ts';
import { ERROR_RESPONSES, ERROR_SCHEMAS } from './errors.ts';
import { FEEDBACK_PATHS, MODEL_FEEDBACK_PATHS } from './feedback-paths.ts';
import { JOB_PATHS } from './job-paths.ts';
import { modelComponents, modelPaths } from './model-paths.ts';
import { openAiPaths } from './openai-paths.ts';
import { HEADERS, mayStream, type Operation } from './operations.ts';
import { MODEL_QUESTIONS, PATH_PARAMETERS, SERVER_PATHS } from './server-paths.ts';
import { UPLOAD_PATHS } from './upload-paths.ts';

/** The means by which callers are let in, by the stage parameter `auth`. */
const SECURITY: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  aws_iam: {
    ...{ type: 'apiKey', in: 'header', name: 'authorization', 'x-amazon-apigateway-authtype': 'awsSigv4' },
    description: 'Requests signed by Signature Version 4 for the service execute-api.',
  },
  key: { type: 'http', scheme: 'bearer', description: 'A key that `onnx-serverless key create` made.' },
  jwt: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
  key_or_jwt: { type: 'http', scheme: 'bearer', description: 'A key of `onnx-serverless key create`, or a JWT.' },
};

const SERVER_TAG = { name: 'Server', description: 'What the server has, and how it is.' };

/** The operations that stream, each with both of its addresses. */
const withStreams = (
  paths: Readonly<Record<string, Operation>>,
  streamEndpoint: string,
): Readonly<Record<string, Operation>> => {
  if (streamEndpoint === '') return paths;
  const url = streamEndpoint.replace(/\/$/, '');
  const servers = [{ url: '/' }, { url, description: 'Answers chunk by chunk, for up to 15 minutes.' }];
  return Object.fromEntries(
    Object.entries(paths).map(([path, item]) => [
      path,
      isObject(item.post) && mayStream(item.post) ? { ...item, post: { ...item.post, servers } } : item,
    ]),
  );
};

/** True for a model that takes a conversation. */
const chats = ({ settings }: DescribedModel): boolean => isObject(settings) && settings.chat === true;

/**
 * The API of a stage as OpenAPI 3.1.
 * @param auth the stage parameter of that name
 * @param streamEndpoint the URL that answers chunk by chunk; empty where these callers cannot use it
 */
export const createDocument = (models: readonly DescribedModel[], auth: string, streamEndpoint = '') => {
  const scheme = SECURITY[auth];
  const components = models.map(modelComponents);
  return {
    openapi: '3.1.0',
    info: {
      title: 'onnx-serverless',
      version: packageJson.version,
      description: 'Models in the ONNX format: by the words of their tasks below /models, as tensors below /v2.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: scheme === undefined ? [{}] : [{ [auth]: [] }],
    tags: [
      SERVER_TAG,
      ...models.map((model) => {
        const { name, task, version } = model;
        const description = `${task}, version ${version}`;
        return { name, description, 'x-model': { task, version, ...(chats(model) && { chat: true }) } };
      }),
    ],
    paths: {
      ...withStreams(Object.assign({}, ...models.map(modelPaths)), streamEndpoint),
      ...SERVER_PATHS,
      ...UPLOAD_PATHS,
      ...JOB_PATHS,
      ...FEEDBACK_PATHS,
      ...withStreams(openAiPaths(models), streamEndpoint),
      ...(models.length > 0 && { ...MODEL_QUESTIONS, ...MODEL_FEEDBACK_PATHS }),
    },
    components: {
      ...(scheme !== undefined && { securitySchemes: { [auth]: scheme } }),
      schemas: { ...ERROR_SCHEMAS, ...Object.assign({}, ...components.map(({ schemas }) => schemas)) },
      requestBodies: Object.assign({}, ...components.map(({ requestBodies }) => requestBodies)),
      parameters: PATH_PARAMETERS(models.map(({ name }) => name)),
      responses: ERROR_RESPONSES,
      headers: HEADERS,
    },
  };
};
