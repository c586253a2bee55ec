import { ServingError } from '../core/errors.ts';
import { toJsonText } from '../core/json-text.ts';
import { truncatedInputs } from '../core/truncated.ts';
import { parseTaskRequest } from '../protocol/task-api/request.ts';
import { unlessMissing } from '../repository/model-repository.ts';
import { resolveInputs } from '../serving/inputs.ts';
import { predict, type Serving, single } from '../serving/serving.ts';
import { type Application, modelReference, type RouteContext, readBody, route, routingKey } from './request.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

/** API Gateway takes 10 KB of headers. */
const MOST_INDICES = 1_000;

const formatIndices = (indices: readonly number[]): string =>
  [...indices.slice(0, MOST_INDICES), ...(indices.length > MOST_INDICES ? ['...'] : [])].join(', ');

/** `POST /models/{name}[/versions/{version}|/aliases/{alias}]` predicts, in the words of the model's task; `GET /models` lists. */
export const taskRoutes = (application: Application, serving: Serving): void => {
  route(
    application,
    'POST',
    ['/models/:name', '/models/:name/versions/:version', '/models/:name/aliases/:alias'],
    async (context: RouteContext) => {
      const { env, req, var: variables } = context;
      const request = parseTaskRequest(await readBody(context), req.header('content-type'), req.query());
      const prediction = await predict(serving, {
        reference: modelReference(context),
        key: routingKey(context),
        as: 'task',
        payloads: [() => resolveInputs(request, serving.data)],
        deadline: env.deadline,
        observation: variables.observation,
      });
      const answer = single(prediction);
      const text = toJsonText(answer);
      const truncated = truncatedInputs(answer);
      variables.observation.stopwatch.lap('encode');
      const headers = {
        ...JSON_TYPE,
        'x-model-version': String(prediction.bundle.version),
        ...(truncated.length > 0 && { 'x-truncated-inputs': formatIndices(truncated) }),
      };
      return new Response(text, { headers });
    },
  );

  route(application, 'GET', ['/models'], async () => {
    const names = await serving.repository.names();
    const models = await Promise.all(
      names.map(async (name) => {
        try {
          const bundle = await unlessMissing(serving.router.route({ name })); // a first push may be under way
          return bundle && { name, version: bundle.version, task: bundle.task };
        } catch (error) {
          return { name, error: ServingError.from(error).code }; // one broken model hides no other
        }
      }),
    );
    return Response.json({ models: models.filter((model) => model !== undefined) });
  });
};
