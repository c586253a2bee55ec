import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { HTTP_API_TIMEOUT_MS } from '../core/aws-limits.ts';
import { deadlineAt, earliest } from '../core/deadline.ts';
import { type ApplicationOptions, createApplication } from '../http/application.ts';
import type { Serving } from '../serving/serving.ts';
import { invocationDeadline, toRequest } from './http-event.ts';
import { toResult } from './http-result.ts';

/** Room to answer before the HTTP API gives up. */
const GATEWAY_MARGIN_MS = 1_000;

/** The application behind API Gateway. */
export const inferHandler = (serving: Serving, options: ApplicationOptions = {}) => {
  const application = createApplication(serving, options);
  return async (event: APIGatewayProxyEventV2, context: Context): Promise<APIGatewayProxyStructuredResultV2> => {
    const { requestId, timeEpoch = Date.now() } = event.requestContext; // an event that was written by hand is new
    const gatewayDeadline = deadlineAt(timeEpoch + HTTP_API_TIMEOUT_MS - GATEWAY_MARGIN_MS);
    const deadline = earliest(invocationDeadline(context), gatewayDeadline);
    return toResult(await application(toRequest(event), { requestId, deadline }), requestId, event.rawPath);
  };
};
