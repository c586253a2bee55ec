import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { deadlineAt, earliest } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import { createApplication } from '../http/application.ts';
import { errorResponse } from '../http/errors.ts';
import type { Serving } from '../serving/serving.ts';

/** An HTTP API gives up after 30 s, which no setting extends. */
const GATEWAY_TIMEOUT_MS = 29_000;
/** Room to answer before Lambda ends the function. */
const MARGIN_MS = 500;

const BODYLESS = new Set(['GET', 'HEAD']);

/** The Request that an event of API Gateway (payload format 2.0) describes. */
export const toRequest = (event: APIGatewayProxyEventV2): Request => {
  const { method } = event.requestContext.http;
  const url = new URL(`https://${event.requestContext.domainName}`);
  url.pathname = event.rawPath;
  url.search = event.rawQueryString;
  const headers = new Headers();
  for (const [name, value] of Object.entries(event.headers)) if (value !== undefined) headers.set(name, value);
  // A Buffer decodes base64 natively.
  const body = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  headers.set('content-length', String(body.byteLength));
  return new Request(url, { method, headers, ...(BODYLESS.has(method) ? {} : { body }) });
};

/** What Lambda carries, less the envelope around the body. */
const MAX_ANSWER_BYTES = 5_900_000;

/** Every answer of the application is JSON text, so that none needs base64. */
const toResult = async (
  response: Response,
  requestId: string,
  path: string,
): Promise<APIGatewayProxyStructuredResultV2> => {
  const body = await response.text();
  // In the event, the body is a JSON string, in which a character takes six bytes at most.
  const sizeBytes = body.length * 6 > MAX_ANSWER_BYTES ? Buffer.byteLength(JSON.stringify(body)) : 0;
  if (sizeBytes > MAX_ANSWER_BYTES) {
    const problem = `the answer has ${sizeBytes} bytes, Lambda carries at most ${MAX_ANSWER_BYTES}; ask for fewer outputs, or send fewer rows`;
    return toResult(errorResponse(new ServingError('PAYLOAD_TOO_LARGE', problem), requestId, path), requestId, path);
  }
  return { statusCode: response.status, headers: Object.fromEntries(response.headers), body, isBase64Encoded: false };
};

/** The application behind API Gateway. */
export const inferHandler = (serving: Serving) => {
  const application = createApplication(serving);
  return async (event: APIGatewayProxyEventV2, context: Context): Promise<APIGatewayProxyStructuredResultV2> => {
    const deadline = earliest(
      deadlineAt(Date.now() + context.getRemainingTimeInMillis() - MARGIN_MS),
      // An event that was written by hand was requested now.
      deadlineAt((event.requestContext.timeEpoch ?? Date.now()) + GATEWAY_TIMEOUT_MS),
    );
    const { requestId } = event.requestContext;
    return toResult(await application.fetch(toRequest(event), { requestId, deadline }), requestId, event.rawPath);
  };
};
