import type { Context, Hono } from 'hono';
import type { Deadline } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import { parseVersion } from '../repository/keys.ts';
import type { ModelReference } from '../serving/router.ts';
import type { Observation } from '../serving/telemetry.ts';

/** What the server that runs the application knows of a request. */
export interface RequestContext {
  readonly requestId: string;
  readonly deadline: Deadline;
}

export interface Environment {
  readonly Bindings: RequestContext;
  readonly Variables: { readonly observation: Observation };
}

export type Application = Hono<Environment>;
export type RouteContext = Context<Environment>;
type Handler = (context: RouteContext) => Promise<Response> | Response;

/** More than Lambda accepts: this bounds servers that have no such limit. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;

const assertFits = (sizeBytes: number): void => {
  if (sizeBytes <= MAX_BODY_BYTES) return;
  throw new ServingError(
    'PAYLOAD_TOO_LARGE',
    `the body has ${sizeBytes} bytes or more, at most ${MAX_BODY_BYTES} are read; upload what is larger and refer to it: {"inputs": {"s3": "uploads/…"}}`,
  );
};

/** The whole body. @throws `PAYLOAD_TOO_LARGE` before more than the limit is in memory */
export const readBody = async ({ req }: RouteContext): Promise<Uint8Array> => {
  const announced = req.header('content-length');
  if (announced !== undefined) {
    assertFits(Number(announced));
    return new Uint8Array(await req.arrayBuffer());
  }
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of req.raw.body ?? []) {
    sizeBytes += chunk.byteLength;
    assertFits(sizeBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

/** The model that a path with `:name`, and perhaps `:version` or `:alias`, names. @throws `NOT_FOUND` for what is no version */
export const modelReference = ({ req }: RouteContext): ModelReference => {
  const { name = '', version, alias } = req.param() as { name?: string; version?: string; alias?: string };
  if (alias !== undefined) return { name, alias };
  return version === undefined ? { name } : { name, version: parseVersion(version) };
};

/** What decides whether a canary answers: the caller's own key, or id, which a retry can repeat, before that of the gateway. */
export const routingKey = ({ req, env }: RouteContext): string =>
  req.header('x-routing-key') ?? req.header('x-request-id') ?? env.requestId;

/** Registers `handler` for one method on each of `paths`, names the operation in the observation, and refuses every other method. */
export const route = (
  application: Application,
  method: 'GET' | 'POST',
  paths: readonly string[],
  handler: Handler,
): void => {
  for (const path of paths) {
    application.on(method, path, (context) => {
      context.var.observation.operation = `${method} ${paths[0]}`;
      return handler(context);
    });
    application.all(path, ({ req }) => {
      throw new ServingError('METHOD_NOT_ALLOWED', `${req.method} is not allowed on ${req.path}, use ${method}`);
    });
  }
};
