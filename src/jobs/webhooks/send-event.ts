import { createHmac } from 'node:crypto';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { publicLookup, type Resolve } from './address.ts';
import type { SendEvent } from './delivery.ts';
import { isTrusted, parseWebhookUrl, type TrustedHosts, type WebhookEvent } from './webhook.ts';

const TIMEOUT_MS = 15_000;
const SECRET_PREFIX = 'whsec_';

/** Headers that prove the sender. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
export const signatureHeaders = (
  { id, event, body }: Pick<WebhookEvent, 'id' | 'event' | 'body'>,
  secrets: readonly string[],
  now: Date,
): Record<string, string> => {
  const messageId = `msg_${id}_${event}`;
  const timestamp = String(Math.floor(now.getTime() / 1000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${messageId}.${timestamp}.${body}`).digest('base64')}`;
  });
  return {
    'webhook-id': messageId,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
};

export interface SendOptions {
  /** The live secrets of a holder, `whsec_…`. */
  readonly secretsOf: (holder: string) => Promise<readonly string[]>;
  readonly trusted: TrustedHosts;
  readonly resolve?: Resolve;
  readonly timeoutMs?: number;
}

/** Posts without following redirects. Resolves with the status; the body of the answer is not read. */
const post = (
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  { trusted, resolve, timeoutMs = TIMEOUT_MS }: SendOptions,
): Promise<{ readonly status: number }> =>
  new Promise((settle, reject) => {
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const lookup = isTrusted(url, trusted) ? {} : { lookup: publicLookup(resolve) };
    const timer = setTimeout(() => outgoing.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
    const outgoing = send(url, { method: 'POST', headers, agent: false, ...lookup }, (response) => {
      clearTimeout(timer);
      settle({ status: response.statusCode ?? 0 });
      response.destroy();
    });
    outgoing.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    outgoing.end(body);
  });

/**
 * Sends events signed with the secrets of their owners, to public addresses alone.
 * @throws Error without a secret, for a private address, without an answer in time
 */
export const createSendEvent =
  (options: SendOptions): SendEvent =>
  async (event) => {
    const url = parseWebhookUrl(event.url, options.trusted);
    const secrets = await options.secretsOf(event.owner);
    if (secrets.length === 0)
      throw new Error(`${event.owner || 'anonymous'} has no webhook secret to sign with; the operator makes one`);
    const headers = {
      ...signatureHeaders(event, secrets, new Date()),
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(event.body)),
      'user-agent': 'onnx-serverless',
    };
    return post(url, headers, event.body, options);
  };
