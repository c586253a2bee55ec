import { ServingError } from '../core/errors.ts';
import { toJsonText } from '../core/json-text.ts';
import { show } from '../core/show.ts';
import { parseJsonBody } from '../protocol/json.ts';
import { modelMetadata, serverMetadata } from '../protocol/open-inference/metadata.ts';
import { repositoryIndex } from '../serving/repository-index.ts';
import { loadModel, predict, type Serving, single } from '../serving/serving.ts';
import { tensorSignature } from '../serving/tensor-task.ts';
import { type Application, modelReference, type RouteContext, readBody, route, routingKey } from './request.ts';

const versioned = (path: string): string[] => [`/v2/models/:name${path}`, `/v2/models/:name/versions/:version${path}`];

/** Clients of the protocol send JSON under many names, or none; media are for the task API. @throws `UNSUPPORTED_MEDIA_TYPE` */
const assertTensors = ({ req }: RouteContext): void => {
  const type = req.header('content-type') ?? '';
  if (!/^(image|audio|video)\//.test(type)) return;
  const problem = `content type ${type} carries no tensors; send JSON, or the input itself to POST /models/${req.param('name')}`;
  throw new ServingError('UNSUPPORTED_MEDIA_TYPE', problem);
};

/** The Open Inference Protocol, version 2, in JSON. https://github.com/kserve/open-inference-protocol */
export const openInferenceRoutes = (application: Application, serving: Serving): void => {
  route(application, 'GET', ['/v2/health/live'], () => Response.json({ live: true }));

  route(application, 'GET', ['/v2/health/ready'], async () => {
    await serving.repository.names(); // ready means that models could be loaded
    return Response.json({ live: true, ready: true });
  });

  route(application, 'GET', ['/v2'], () => Response.json(serverMetadata()));

  route(application, 'POST', ['/v2/repository/index'], async (context) => {
    const body = await readBody(context);
    const document = body.byteLength === 0 ? undefined : parseJsonBody(body);
    const { ready = false } = (document ?? {}) as { ready?: unknown };
    if (typeof ready !== 'boolean')
      throw new ServingError('INVALID_REQUEST', `"ready" is ${show(ready)}, expected true or false`);
    const entries = await repositoryIndex(serving);
    const listed = ready ? entries.filter(({ state }) => state === 'READY') : entries;
    return Response.json(listed.map((entry) => ({ ...entry, version: String(entry.version) })));
  });

  route(application, 'GET', versioned('/ready'), async (context) => {
    const reference = modelReference(context);
    const bundle = await serving.router.route(reference);
    try {
      await loadModel(serving, bundle, context.env.deadline);
    } catch (error) {
      throw new ServingError('MODEL_UNAVAILABLE', `not ready: ${ServingError.from(error).message}`, { cause: error });
    }
    return Response.json({ name: reference.name, ready: true });
  });

  route(application, 'GET', versioned(''), async (context) => {
    const { name, graphs, task } = await serving.router.route(modelReference(context));
    const signature = tensorSignature(graphs);
    return Response.json(modelMetadata(name, await serving.repository.versions(name), task, signature));
  });

  route(application, 'POST', versioned('/infer'), async (context) => {
    assertTensors(context);
    const body = parseJsonBody(await readBody(context));
    const { observation } = context.var;
    const prediction = await predict(serving, {
      reference: modelReference(context),
      key: routingKey(context),
      as: 'raw',
      payloads: [async () => ({ inputs: body, parameters: {} })],
      deadline: context.env.deadline,
      observation,
    });
    const text = toJsonText(single(prediction));
    observation.stopwatch.lap('encode');
    const headers = { 'content-type': 'application/json', 'x-model-version': String(prediction.bundle.version) };
    return new Response(text, { headers });
  });
};
