import type { APIGatewayProxyEventV2, Context, APIGatewayProxyStructuredResultV2 as Result } from 'aws-lambda';
import { HTTP_API_TIMEOUT_MS, LAMBDA_PAYLOAD_BYTES } from '../core/aws-limits.ts';
import { deadlineAt, earliest } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import { type ApplicationOptions, createApplication } from '../http/application.ts';
import { errorResponse } from '../http/errors.ts';
import { type HttpRequest, type HttpResponse, isStream } from '../http/message.ts';
import type { Serving } from '../serving/serving.ts';

/** Room to answer before the HTTP API gives up, and before Lambda ends the function. */
const GATEWAY_MARGIN_MS = 1_000;
const LAMBDA_MARGIN_MS = 500;

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

/** Room for the envelope around the body. */
const ENVELOPE_BYTES = 391_556;
const MAX_BODY_BYTES = LAMBDA_PAYLOAD_BYTES - ENVELOPE_BYTES;

/** In a result, the body is a JSON string, in which a character takes six bytes at most. */
const sizeInResult = (body: string): number =>
  body.length * 6 > MAX_BODY_BYTES ? Buffer.byteLength(JSON.stringify(body)) : 0;

const assertFits = (sizeBytes: number): void => {
  if (sizeBytes <= MAX_BODY_BYTES) return;
  throw new ServingError(
    'PAYLOAD_TOO_LARGE',
    `the answer has ${sizeBytes} bytes, Lambda carries at most ${MAX_BODY_BYTES}; ask for fewer outputs, or send fewer rows`,
  );
};

/** A stream as one piece: an HTTP API hands on nothing before its function has ended. @throws `PAYLOAD_TOO_LARGE`; errors of the stream */
const collect = async (stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of stream) {
    sizeBytes += chunk.byteLength;
    assertFits(sizeBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

const TEXT_TYPE = /^text\/|^application\/json\b/;

/** Text as it is, bytes as base64. @throws `PAYLOAD_TOO_LARGE` */
const toBody = (body: string | Uint8Array, contentType = ''): Pick<Result, 'body' | 'isBase64Encoded'> => {
  const isText = typeof body === 'string' || TEXT_TYPE.test(contentType);
  const text = typeof body === 'string' ? body : Buffer.from(body).toString(isText ? 'utf8' : 'base64');
  assertFits(isText ? sizeInResult(text) : text.length);
  return { body: text, isBase64Encoded: !isText };
};

const toResult = async (
  { status: statusCode, headers, body }: HttpResponse,
  requestId: string,
  path: string,
): Promise<Result> => {
  try {
    const whole = isStream(body) ? await collect(body) : body;
    return { statusCode, headers: { ...headers }, ...toBody(whole, headers['content-type']) };
  } catch (error) {
    return toResult(errorResponse(ServingError.from(error), requestId, path), requestId, path);
  }
};

/** The application behind API Gateway. */
export const inferHandler = (serving: Serving, options: ApplicationOptions = {}) => {
  const application = createApplication(serving, options);
  return async (event: APIGatewayProxyEventV2, context: Context): Promise<Result> => {
    const deadline = earliest(
      deadlineAt(Date.now() + context.getRemainingTimeInMillis() - LAMBDA_MARGIN_MS),
      // An event that was written by hand was requested now.
      deadlineAt((event.requestContext.timeEpoch ?? Date.now()) + HTTP_API_TIMEOUT_MS - GATEWAY_MARGIN_MS),
    );
    const { requestId } = event.requestContext;
    return toResult(await application(toRequest(event), { requestId, deadline }), requestId, event.rawPath);
  };
};
