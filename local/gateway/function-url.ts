import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { DEFAULT_REGION } from '../../src/core/aws-defaults.ts';
import { LAMBDA_PAYLOAD_BYTES } from '../../src/core/aws-limits.ts';
import type { FunctionAnswer } from '../functions/function-answer.ts';
import { FunctionError, THROTTLED } from '../functions/function-error.ts';
import type { FunctionProcess } from '../functions/function-process.ts';
import { PRELUDE_CONTENT_TYPE } from '../functions/response-stream.ts';
import { createLocalServer, type Listening, listenLocally } from '../listen-locally.ts';
import type { CorsSettings } from '../service/service.ts';
import { createCors } from './cors.ts';
import {
  type HttpAnswer,
  type HttpHead,
  joinHeaders,
  refusal,
  sendAnswer,
  toHttpAnswer,
  toHttpHead,
  untilLeft,
  writeHead,
} from './http-answer.ts';
import { toHttpEvent } from './http-event.ts';
import { readPrelude } from './prelude.ts';
import { readBody } from './read-body.ts';

export interface FunctionUrlOptions {
  /** 0 takes any free one. */
  readonly port: number;
  readonly isStreaming: boolean;
  /** The pages of other origins that may call; none otherwise. */
  readonly cors?: CorsSettings | undefined;
  readonly invoke: FunctionProcess['invoke'];
  readonly invokeStreaming: FunctionProcess['invokeStreaming'];
}

const TARGET = {
  apiId: 'local',
  domainName: `local.lambda-url.${DEFAULT_REGION}.on.aws`,
  routeKey: '$default',
  pathParameters: {},
  decodesPath: false,
};
const BAD_REQUEST = refusal(400, 'Bad Request');
const TOO_LARGE = refusal(413, 'Request must be smaller than 6291556 bytes for the InvokeFunction operation');
const THROTTLED_ANSWER = refusal(429, 'Rate Exceeded.');
const FUNCTION_FAILED = refusal(502, 'Internal Server Error');

const answerToError = (error: unknown): HttpAnswer => {
  if (error instanceof URIError) return BAD_REQUEST;
  return error instanceof FunctionError && error.name === THROTTLED ? THROTTLED_ANSWER : FUNCTION_FAILED;
};

/** @throws URIError when the path cannot be decoded */
const readEvent = async (request: IncomingMessage): Promise<APIGatewayProxyEventV2 | undefined> => {
  const body = await readBody(request, LAMBDA_PAYLOAD_BYTES);
  const event = body && toHttpEvent(request, body, TARGET);
  return event && Buffer.byteLength(JSON.stringify(event)) <= LAMBDA_PAYLOAD_BYTES ? event : undefined;
};

type Send = (answer: HttpAnswer) => void;
type Stream = Extract<FunctionAnswer, { kind: 'stream' }>;

const headOf = async ({ contentType, body }: Stream): Promise<HttpHead> =>
  contentType === PRELUDE_CONTENT_TYPE
    ? toHttpHead(await readPrelude(body), 'application/octet-stream')
    : { status: 200, headers: new Map([['content-type', contentType]]) };

/** Hands each chunk to the client as it comes. An error on the way ends the connection, which is all that HTTP can say then. */
const sendStream = async (response: ServerResponse, answer: Stream, more: HttpHead['headers']): Promise<void> => {
  const { body } = answer;
  try {
    const { status, headers } = await headOf(answer);
    writeHead(response, { status, headers: joinHeaders(headers, more) });
    response.flushHeaders();
  } catch (error) {
    body.destroy();
    throw error;
  }
  // A client that goes away ends the reading. One that ends its half before the head still reads, as `nc -N` does.
  const { socket } = response.req;
  const onEnd = (): unknown => body.destroy();
  socket.once('end', onEnd);
  await pipeline(body, response).catch(() => undefined);
  socket.off('end', onEnd);
};

/** A function as its URL puts it on the network. Every caller on this machine is let in. */
export const startFunctionUrl = ({
  port,
  isStreaming,
  cors,
  invoke,
  invokeStreaming,
}: FunctionUrlOptions): Promise<Listening> => {
  const { preflight, headersOf, origins } = createCors(cors);
  const handle = async (request: IncomingMessage, response: ServerResponse, send: Send): Promise<void> => {
    const left = untilLeft(response);
    const event = await readEvent(request);
    if (!event) return send(TOO_LARGE);
    if (!isStreaming) return send(toHttpAnswer(await invoke(event, left)));
    const answer = await invokeStreaming(event, left);
    if (answer.kind === 'stream') return sendStream(response, answer, headersOf(request));
    send(toHttpAnswer(JSON.parse(answer.payload)));
  };

  const server = createLocalServer(
    (request, response) => {
      const asked = preflight(request);
      if (asked) return sendAnswer(request, response, { ...asked, body: '' });
      const send: Send = (answer) =>
        sendAnswer(request, response, { ...answer, headers: joinHeaders(answer.headers, headersOf(request)) });
      handle(request, response, send).catch((error: unknown) => send(answerToError(error)));
    },
    () => origins,
  );
  return listenLocally(server, port);
};
