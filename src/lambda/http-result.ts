import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { LAMBDA_PAYLOAD_BYTES } from '../core/aws-limits.ts';
import { ServingError } from '../core/errors.ts';
import { errorResponse } from '../http/errors.ts';
import { type HttpResponse, isStream } from '../http/message.ts';
import type { HttpEvent } from './http-event.ts';
import { jsonStringBytes } from './json-string-size.ts';

/** A result for payload format 2.0, and for 1.0, which takes headers as lists too. */
export interface HttpResult extends APIGatewayProxyStructuredResultV2 {
  readonly headers: Record<string, string>;
  readonly multiValueHeaders?: Record<string, string[]>;
}

/** Room for the envelope around the body. */
const ENVELOPE_BYTES = 391_556;
const MAX_BODY_BYTES = LAMBDA_PAYLOAD_BYTES - ENVELOPE_BYTES;

/** In a result, the body is a JSON string, in which a character takes six bytes at most. */
const sizeInResult = (body: string): number => (body.length * 6 > MAX_BODY_BYTES ? jsonStringBytes(body) : 0);

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

/** A buffer over the same memory. */
const toBuffer = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

/** Text as it is, bytes as base64. @throws `PAYLOAD_TOO_LARGE` */
const toBody = (
  body: string | Uint8Array,
  { 'content-type': contentType = '', 'content-encoding': coding }: HttpResponse['headers'],
): Pick<HttpResult, 'body' | 'isBase64Encoded'> => {
  const isText = typeof body === 'string' || (TEXT_TYPE.test(contentType) && coding === undefined);
  const text = typeof body === 'string' ? body : toBuffer(body).toString(isText ? 'utf8' : 'base64');
  assertFits(isText ? sizeInResult(text) : text.length);
  return { body: text, isBase64Encoded: !isText };
};

/** A load balancer may have been told to read lists of headers alone. */
const toHeaders = (
  headers: HttpResponse['headers'],
  format: HttpEvent['format'],
): Pick<HttpResult, 'headers' | 'multiValueHeaders'> => {
  if (format === '2.0') return { headers: { ...headers } };
  const lists = Object.entries(headers).map(([name, value]) => [name, [value]]);
  return { headers: { ...headers }, multiValueHeaders: Object.fromEntries(lists) };
};

/** A response as its gateway takes it. A body that Lambda cannot carry becomes an error. */
export const toResult = async (
  { status: statusCode, headers, body }: HttpResponse,
  path: string,
  format: HttpEvent['format'],
): Promise<HttpResult> => {
  try {
    const whole = isStream(body) ? await collect(body) : body;
    return { statusCode, ...toHeaders(headers, format), ...toBody(whole, headers) };
  } catch (error) {
    const requestId = headers['x-request-id'] ?? '';
    const refusal = errorResponse(ServingError.from(error), requestId, path);
    return toResult({ ...refusal, headers: { ...refusal.headers, 'x-request-id': requestId } }, path, format);
  }
};
