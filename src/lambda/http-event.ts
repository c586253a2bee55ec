import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { type Deadline, deadlineAt } from '../core/deadline.ts';
import type { HttpRequest } from '../http/message.ts';

/** Room to answer before Lambda ends the function. */
const MARGIN_MS = 500;

/** The deadline of an invocation. */
export const invocationDeadline = (context: Context): Deadline =>
  deadlineAt(Date.now() + context.getRemainingTimeInMillis() - MARGIN_MS);

const BODYLESS = new Set(['GET', 'HEAD']);

/** The request that an event of API Gateway (payload format 2.0) describes. Text that is not base64 stays the string that it is. */
export const toRequest = (event: APIGatewayProxyEventV2): HttpRequest => {
  const { method } = event.requestContext.http;
  const { rawPath: path, rawQueryString: query = '', body = '', isBase64Encoded } = event;
  const headers = Object.fromEntries(Object.entries(event.headers).map(([name, value]) => [name.toLowerCase(), value]));
  const readBody = (): Uint8Array | string => {
    if (BODYLESS.has(method)) return '';
    return isBase64Encoded ? Buffer.from(body, 'base64') : body;
  };
  return { method, path, query, headers, readBody };
};
