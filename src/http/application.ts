import { Hono } from 'hono';
import { ServingError } from '../core/errors.ts';
import { startStopwatch } from '../core/stopwatch.ts';
import type { Serving } from '../serving/serving.ts';
import { errorResponse } from './errors.ts';
import { openInferenceRoutes } from './open-inference-routes.ts';
import type { Application, Environment, RouteContext } from './request.ts';
import { taskRoutes } from './task-routes.ts';

/** The HTTP application: the task API below `/models`, the Open Inference Protocol below `/v2`. It runs on any server that speaks `fetch`. */
export const createApplication = (serving: Serving): Application => {
  const application: Application = new Hono<Environment>();

  application.use(async (context, next) => {
    const { requestId } = context.env;
    const observation = {
      requestId,
      operation: 'none',
      stopwatch: startStopwatch<never>(),
      batchSize: 0,
      failures: [],
    };
    context.set('observation', observation);
    await next();
    context.res.headers.set('x-request-id', requestId);
    serving.telemetry.observed(observation);
  });

  taskRoutes(application, serving);
  openInferenceRoutes(application, serving);

  const refuse = (failure: ServingError, context: RouteContext): Response => {
    context.var.observation.failures.push(failure);
    return errorResponse(failure, context.env.requestId, context.req.path);
  };
  application.onError((error, context) => refuse(ServingError.from(error), context));
  application.notFound((context) => {
    const problem = `no route ${context.req.path}; there are /models, /models/{name} and /v2`;
    return refuse(new ServingError('NOT_FOUND', problem), context);
  });

  return application;
};
