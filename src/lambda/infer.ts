import type { Context } from 'aws-lambda';
import { HTTP_API_TIMEOUT_MS } from '../core/aws-limits.ts';
import { type Deadline, deadlineAt, earliest } from '../core/deadline.ts';
import { createApplication } from '../http/application.ts';
import type { JobSettings } from '../http/task-routes.ts';
import type { Serving } from '../serving/serving.ts';
import { type AccessSettings, applicationOptions } from './access.ts';
import type { Auth } from './configuration.ts';
import { type HttpEvent, invocationDeadline, readHttpEvent, refuseEvent } from './http-event.ts';
import { type HttpResult, toResult } from './http-result.ts';

/** Room to answer before the HTTP API gives up. */
const GATEWAY_MARGIN_MS = 1_000;

/** The deadline of the gateway, which counts from its own clock. An event of another time was replayed, or written by hand: it is new. */
const gatewayDeadline = ({ receivedMs }: HttpEvent): Deadline => {
  const nowMs = Date.now();
  const ageMs = receivedMs === undefined ? 0 : nowMs - receivedMs;
  const waitedMs = ageMs > 0 && ageMs < HTTP_API_TIMEOUT_MS ? ageMs : 0;
  return deadlineAt(nowMs - waitedMs + HTTP_API_TIMEOUT_MS - GATEWAY_MARGIN_MS);
};

/** The application behind API Gateway, a function URL or a load balancer. */
export const inferHandler = (
  serving: Serving,
  auth: Auth = 'aws_iam',
  jobs?: JobSettings,
  settings?: AccessSettings,
) => {
  const options = applicationOptions(auth, serving, settings);
  const application = createApplication(serving, { ...options, ...(jobs && { jobs }) });
  const isOpen = auth === 'none';
  return async (event: unknown, context: Context): Promise<HttpResult> => {
    const httpEvent = readHttpEvent(event, settings?.jwtScopePrefix);
    if (httpEvent === undefined) return toResult(refuseEvent(event, context), '', '2.0');
    const { request, format, identity } = httpEvent;
    const requestId = httpEvent.requestId || context.awsRequestId;
    const deadline = earliest(invocationDeadline(context), gatewayDeadline(httpEvent));
    return toResult(await application(request, { requestId, deadline, identity, isOpen }), request.path, format);
  };
};
