import type { Signature, Tensors } from '../core/tensor.ts';

/** What a caller sent, before any task has looked at it. */
export interface Payload {
  /** The bytes of a raw body or of an uploaded object; otherwise the JSON value under `inputs`, or the list of a JSON Lines body. */
  readonly inputs: unknown;
  /** Media type of raw bytes, lower-case and without parameters. */
  readonly contentType?: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** A graph of the loaded model. */
export interface Graph {
  readonly signature: Signature;
  /**
   * @param outputNames which outputs to compute; all when left out
   * @throws `DEADLINE_EXCEEDED` before, `INVALID_INPUT` when `feeds` do not fit the signature, `INFERENCE_FAILED` in the run
   */
  run(feeds: Tensors, outputNames?: readonly string[]): Promise<Tensors>;
}

/** What a task needs of the loaded model. */
export interface TaskModel {
  /** By role: `model`, or `encoder` and `decoder`. */
  readonly graphs: Readonly<Record<string, Graph>>;
  /** What `Task.load` returned. */
  readonly resources: unknown;
  /** How many rows may run together. */
  readonly maxBatch: number;
}

/** Reads a file of the model's version. */
export type ReadFile = (path: string) => Promise<Uint8Array>;

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
  /** One outcome per request, in order; a request that fails leaves the others alone. */
  predict(requests: readonly unknown[], model: TaskModel, lap: Lap): Promise<PromiseSettledResult<unknown>[]>;
}
