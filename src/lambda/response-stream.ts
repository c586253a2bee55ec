import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Context } from 'aws-lambda';
import type { Identify } from '../access/identify.ts';
import { ServingError } from '../core/errors.ts';
import { once } from '../core/once.ts';
import type { Stream } from '../core/stream.ts';
import { createApplication } from '../http/application.ts';
import { errorResponse } from '../http/errors.ts';
import { type HttpResponse, isStream } from '../http/message.ts';
import type { Serving } from '../serving/serving.ts';
import { type AccessSettings, applicationOptions, identifiesItself, identifyCaller } from './access.ts';
import type { LambdaBackground } from './background.ts';
import type { Auth } from './configuration.ts';
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

export interface StreamOptions {
  /** `aws_iam` when left out. */
  readonly auth?: Auth;
  /** Finds the holder of a key or a token, by the settings of the stage when left out: a function URL has no authorizer in front of it. */
  readonly identify?: Identify;
  /** No limit when left out. */
  readonly settings?: AccessSettings;
}

/** The values of `source`, whose error is noted. A reader that stops early stops `source`, also one that has read none. */
const noting = <T>(source: AsyncIterable<T>, note: (error: unknown) => void): Stream<T> => ({
  [Symbol.asyncIterator]: () => {
    const iterator = source[Symbol.asyncIterator]();
    return {
      async next() {
        try {
          const { done, value } = await iterator.next();
          return done ? { done: true, value: undefined } : { done: false, value };
        } catch (error) {
          note(error);
          throw error;
        }
      },
      async return() {
        await iterator.return?.();
        return { done: true, value: undefined };
      },
    };
  },
});

/** Sends a body to its end, or until nobody reads it any more. @throws errors of the body itself */
const send = async (body: HttpResponse['body'], response: Writable): Promise<void> => {
  let fault: unknown;
  const chunks = isStream(body)
    ? noting(body, (error) => {
        fault = error;
      })
    : [typeof body === 'string' ? Buffer.from(body) : body];
  const readable = Readable.from(chunks);
  try {
    await pipeline(readable, response);
  } catch (error) {
    if (error === fault || !response.destroyed) throw error;
  } finally {
    readable.destroy(); // `pipeline` leaves it open for a reader that has gone before
  }
};

/** Identifies by keys and tokens. The AWS SDK is started when the first credential comes. */
const identifyAsStage = (): Identify => {
  const open = once(async () => (await import('./authorise.ts')).connectIdentify());
  return async (credential) => (await open())(credential);
};

/** Answers an event. Every failure is an answer. */
const createAnswer = (serving: Serving, options: StreamOptions) => {
  const { auth = 'aws_iam', identify = identifyAsStage(), settings } = options;
  const application = createApplication(serving, applicationOptions(auth, serving, settings));
  return async (event: unknown, context: Context): Promise<HttpResponse> => {
    const httpEvent = readHttpEvent(event);
    if (httpEvent === undefined) return refuseEvent(event, context);
    const { request } = httpEvent;
    const requestId = httpEvent.requestId || context.awsRequestId;
    const deadline = invocationDeadline(context);
    try {
      const identity = identifiesItself(auth) ? await identifyCaller(identify, request.headers) : httpEvent.identity;
      return await application(request, { requestId, deadline, identity, isOpen: auth === 'none' });
    } catch (error) {
      return errorResponse(ServingError.from(error), requestId, request.path);
    }
  };
};

/**
 * The application behind a function URL with `invokeMode: RESPONSE_STREAM`: each chunk is sent as it comes. A client that goes away ends
 * the stream of the answer, as far as Lambda tells.
 */
export const streamHandler = (serving: Serving, background: LambdaBackground, options: StreamOptions = {}): unknown => {
  const answer = createAnswer(serving, options);
  const handle: StreamingHandler = async (event, response, context) => {
    const { status: statusCode, headers, body } = await answer(event, context);
    await send(body, awslambda.HttpResponseStream.from(response, { statusCode, headers }));
  };
  return awslambda.streamifyResponse(background.around(handle));
};
