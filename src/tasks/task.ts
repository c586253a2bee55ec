import type { Answer } from '../core/answer.ts';
import type { Graph } from '../core/graph.ts';
import type { Payload, ReadFile } from '../core/payload.ts';
import type { Signature } from '../core/tensor.ts';

/** A version of a model as its task sees it before the graphs are loaded. */
export interface TaskVersion {
  readonly name: string;
  readonly version: number;
  /** Name of the task. */
  readonly task: string;
  /** The task parses them. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** By role: `model`, or `encoder` and `decoder`. */
  readonly graphs: Readonly<Record<string, { readonly signature: Signature }>>;
}

/** A loaded model as its task sees it. */
export interface TaskModel {
  /** By role: `model`, or `encoder` and `decoder`. */
  readonly graphs: Readonly<Record<string, Graph>>;
  /** What `Task.load` returned. */
  readonly resources: unknown;
  /** How many rows may run together. */
  readonly maxBatch: number;
}

/** Called at the end of each stage. */
export type Lap = (stage: 'preprocess' | 'run' | 'postprocess') => void;

/** A task with the settings of one model. It does no I/O of its own and knows no transport. */
export interface Task {
  /** Untrusted payload → request, without the model. @throws `INVALID_REQUEST`, `INVALID_INPUT`, `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE` */
  decode(payload: Payload): unknown;
  /** The plainest request there is, for a model without recorded ones; variable dimensions of bare tensors that `dimensions` does not name are 1. */
  blank(dimensions: Readonly<Record<string, number>>): unknown;
  /** Reads what the task needs besides graphs and settings, once for each loaded model. @throws `MODEL_INVALID` */
  load?(read: ReadFile): Promise<unknown>;
  /**
   * The answer to one request, chunk by chunk: JSON values. Beside `predict`, for tasks whose answers grow.
   * Ends when its reader stops. @throws as the outcome of `predict`
   */
  stream?(request: unknown, model: TaskModel): AsyncIterable<unknown>;
  /** One outcome per request, in order; a request that fails leaves the others alone. */
  predict(requests: readonly unknown[], model: TaskModel, lap: Lap): Promise<PromiseSettledResult<Answer>[]>;
}
