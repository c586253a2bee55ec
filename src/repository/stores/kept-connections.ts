import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  request as requestByHttp,
} from 'node:http';
import { errorCode } from '../../core/error-code.ts';
import { unlessSilent } from './block-connection.ts';

/** The SDK opens as many. */
const MOST_CONNECTIONS = 50;
/** Codes of the error that the other side has closed the connection. */
const CLOSED = new Set(['ECONNRESET', 'EPIPE']);

/** Sends a request without a body. @throws errors of the connection, and when no head of an answer comes in time */
export type Send = (options: RequestOptions) => Promise<IncomingMessage>;

/** Sends the request, and waits for the head of the answer. @throws errors of the connection, and when no head comes within `silenceMs` */
const ask = (sent: ClientRequest, silenceMs: number): Promise<IncomingMessage> =>
  unlessSilent(
    sent,
    silenceMs,
    () =>
      new Promise((resolve, reject) => {
        sent.once('response', resolve).on('error', reject);
        sent.once('close', () => reject(new Error('the connection was closed'))).end();
      }),
  );

/** Opens what sends requests to one origin, and keeps its connections. */
export const keepConnections = (isSecure: boolean, silenceMs: number): Send => {
  // An import of node:https reads the certificates that Node brings along.
  const https = isSecure ? process.getBuiltinModule('node:https') : undefined;
  const agent = new (https?.Agent ?? Agent)({ keepAlive: true, maxSockets: MOST_CONNECTIONS });
  const send = (options: RequestOptions): ClientRequest => (https?.request ?? requestByHttp)({ ...options, agent });
  const closeIdle = (): void => {
    for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
  };

  return async (options) => {
    const sent = send(options);
    try {
      return await ask(sent, silenceMs);
    } catch (error) {
      if (!sent.reusedSocket) throw error;
      // A server ends a connection that waits, and a frozen process learns of it too late. The others have waited, too.
      closeIdle();
      if (!CLOSED.has(errorCode(error) ?? '')) throw error;
      return ask(send(options), silenceMs);
    }
  };
};
