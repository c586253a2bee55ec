import type { ServingError } from '../core/errors.ts';
import type { Stopwatch } from '../core/stopwatch.ts';
import type { TraceContext } from '../core/trace-context.ts';
import type { Usage } from '../core/usage.ts';
import type { EvictionReport } from '../engine/model-cache.ts';
import type { LoadReport } from '../engine/model-loader.ts';
import type { ShadowReport } from './compare-answers.ts';
import type { CanaryStep } from './router.ts';

/** The steps of a request, in their order. */
export const STEPS = ['route', 'load', 'decode', 'preprocess', 'run', 'postprocess', 'encode'] as const;

export type Step = (typeof STEPS)[number];

/** The figures of a request, or of a batch of uploads for a version; filled in on the way. */
export interface Observation {
  readonly requestId: string;
  /** The id that the gateway gave to a request with an id of its caller's. */
  gatewayRequestId?: string;
  /** The trace that the caller's header names. */
  trace?: TraceContext;
  /** Route or trigger, such as `POST /models/:name` or `upload`: few distinct values. */
  operation: string;
  readonly stopwatch: Stopwatch<Step>;
  model?: string;
  version?: number;
  /** Requests that were answered together. */
  batchSize: number;
  /** Uploads that needed no run: answered already, or older than their answer. */
  skipped?: number;
  /** Time until the first chunk of a streamed answer. */
  firstChunkMs?: number;
  /** The amounts that the answers took, if their task counts them. */
  usage?: Usage;
  /** The holder of the key or the token; undefined when nobody was identified. */
  holder?: string;
  /** Chose the version, if a canary takes its share. */
  key?: string;
  /** The automatic canary for which the request counts. */
  step?: CanaryStep;
  /** The model had to be loaded first. */
  waited?: boolean;
  /** Uploads that were run, with their routing keys and their failures. */
  uploads?: readonly { readonly key: string; readonly error?: ServingError }[];
  readonly failures: ServingError[];
}

/** Receives measurements. It is given no payload and no message of a caller. */
export interface Telemetry {
  /** At the end of every request: one metrics blob, one log line. */
  observed(observation: Observation): void;
  /** After a model was loaded. */
  loaded(report: LoadReport): void;
  /** After a model was released to make room for others. */
  evicted(report: EvictionReport): void;
  /** After a version was run in the shadow of another. */
  shadowed(report: ShadowReport): void;
  /** After a version was routed to and could not be loaded. The version before it goes on answering. */
  refused(model: string, version: number, error: ServingError): void;
  /** After captured predictions were lost, because S3 did not take them. */
  captureLost(model: string, records: number, error: ServingError): void;
  /** After a failure that concerns no request, such as a model that could not be preloaded. */
  warned(message: string, error: ServingError): void;
}
