import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Context } from 'aws-lambda';
import { type ApplicationOptions, createApplication } from '../http/application.ts';
import { type HttpResponse, isStream } from '../http/message.ts';
import type { Serving } from '../serving/serving.ts';
import type { LambdaBackground } from './background.ts';
import { invocationDeadline, readHttpEvent, refuseEvent } from './http-event.ts';

/** A handler of Lambda that writes its answer while it computes it. */
type StreamingHandler = (event: unknown, response: Writable, context: Context) => Promise<void>;

/** The global that Lambda's runtime for Node gives. https://docs.aws.amazon.com/lambda/latest/dg/config-rs-write-functions.html */
declare const awslambda: {
  streamifyResponse(handler: StreamingHandler): unknown;
  readonly HttpResponseStream: {
    from(
      response: Writable,
      head: { readonly statusCode: number; readonly headers: Readonly<Record<string, string>> },
    ): Writable;
  };
};

const toReadable = (body: HttpResponse['body']): Readable =>
  isStream(body) ? Readable.from(body) : Readable.from([typeof body === 'string' ? Buffer.from(body) : body]);

/**
 * The application behind a function URL with `invokeMode: RESPONSE_STREAM`: each chunk is sent as it comes. A client that goes away ends
 * the stream of the answer.
 */
export const streamHandler = (
  serving: Serving,
  background: LambdaBackground,
  options: ApplicationOptions = {},
): unknown => {
  const application = createApplication(serving, options);
  const handle: StreamingHandler = async (event, response, context) => {
    const httpEvent = readHttpEvent(event);
    const requestId = httpEvent?.requestId || context.awsRequestId;
    const deadline = invocationDeadline(context);
    const answered = httpEvent && (await application(httpEvent.request, { requestId, deadline }));
    const { status: statusCode, headers, body } = answered ?? refuseEvent(event, context);
    await pipeline(toReadable(body), awslambda.HttpResponseStream.from(response, { statusCode, headers }));
  };
  return awslambda.streamifyResponse(background.around(handle));
};
