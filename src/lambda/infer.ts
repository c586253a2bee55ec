import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { deadlineAt, earliest } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import { createApplication } from '../http/application.ts';
import { errorResponse } from '../http/errors.ts';
import type { HttpRequest, HttpResponse } from '../http/message.ts';
import type { Serving } from '../serving/serving.ts';

/** An HTTP API gives up after 30 s, which no setting extends. */
const GATEWAY_TIMEOUT_MS = 29_000;
/** Room to answer before Lambda ends the function. */
const MARGIN_MS = 500;

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

/** What Lambda carries, less the envelope around the body. */
const MAX_ANSWER_BYTES = 5_900_000;

/** Every answer of the application is JSON text, so that none needs base64. */
const toResult = (response: HttpResponse, requestId: string, path: string): APIGatewayProxyStructuredResultV2 => {
  const { status: statusCode, headers, body } = response;
  // In the event, the body is a JSON string, in which a character takes six bytes at most.
  const sizeBytes = body.length * 6 > MAX_ANSWER_BYTES ? Buffer.byteLength(JSON.stringify(body)) : 0;
  if (sizeBytes > MAX_ANSWER_BYTES) {
    const problem = `the answer has ${sizeBytes} bytes, Lambda carries at most ${MAX_ANSWER_BYTES}; ask for fewer outputs, or send fewer rows`;
    return toResult(errorResponse(new ServingError('PAYLOAD_TOO_LARGE', problem), requestId, path), requestId, path);
  }
  return { statusCode, headers: { ...headers }, body, isBase64Encoded: false };
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
    return toResult(await application(toRequest(event), { requestId, deadline }), requestId, event.rawPath);
  };
};
