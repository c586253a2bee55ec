import type { Operation } from '../access/scope.ts';
import { parseVersion } from '../repository/keys.ts';
import type { ModelReference } from '../serving/router.ts';
import type { Prediction } from '../serving/serving.ts';
import type { Observation } from '../serving/telemetry.ts';
import type { HttpRequest, HttpResponse, RequestContext } from './message.ts';

/** A request on its way through the application. */
export interface Exchange {
  readonly request: HttpRequest;
  /** Values of `:name`, `:version` and `:alias` in the path, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly context: RequestContext;
  readonly observation: Observation;
  /** Asks for the same access to another model, of which the request wants something. @throws `UNAUTHORIZED`, `FORBIDDEN` */
  assertAllowed(model: string): Promise<void>;
}

/** A request that a route is about to answer. */
export interface Access {
  readonly request: HttpRequest;
  readonly context: RequestContext;
  readonly route: Pick<Route, 'method' | 'paths' | 'operation'>;
  /** Values of `:name`, `:version` and `:alias` in the path, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * Decides about a request by its caller, its headers, its route and the model that the path names.
 * @throws `UNAUTHORIZED` without valid credentials; `FORBIDDEN` when they do not suffice
 */
export type Authorise = (access: Access) => void | Promise<void>;

/** A method on some paths, with its handler. The first path names the operation in metrics and log. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly paths: readonly string[];
  /** The operation that a caller has to be allowed; on all models, if the path names none. `none` answers every caller that is let in. */
  readonly operation: Operation | 'none';
  /**
   * True when the path does not name the model plainly: any caller that is let in gets to the handler, which has to ask `assertAllowed` for
   * the model.
   */
  readonly findsModel?: boolean;
  readonly handle: (exchange: Exchange) => Promise<HttpResponse> | HttpResponse;
}

/** The paths of an operation of the Open Inference Protocol on a model: with and without its version. */
export const versioned = (path: string): string[] => [
  `/v2/models/:name${path}`,
  `/v2/models/:name/versions/:version${path}`,
];

/** The model that a path with `:name`, and perhaps `:version` or `:alias`, names. @throws `NOT_FOUND` for what is no version */
export const modelReference = ({ parameters: { name = '', version, alias } }: Exchange): ModelReference => {
  if (alias !== undefined) return { name, alias };
  return version === undefined ? { name } : { name, version: parseVersion(version) };
};

/** The key that chooses a canary: the caller's own key or id, which a retry can repeat; otherwise the gateway's id. */
export const routingKey = ({ request: { headers }, context }: Exchange): string =>
  headers['x-routing-key'] ?? headers['x-request-id'] ?? context.requestId;

/** Headers that name the version that answered, and the id of the prediction: for feedback. */
export const predictionHeaders = ({ bundle, ids }: Pick<Prediction, 'bundle' | 'ids'>): Record<string, string> => ({
  'x-model-version': String(bundle.version),
  'x-prediction-id': ids[0] ?? '',
});
