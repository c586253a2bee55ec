import type { Answer } from '../core/answer.ts';
import type { Blank } from '../core/blank.ts';
import type { Deadline } from '../core/deadline.ts';
import type { Features } from '../core/features.ts';
import type { Graph } from '../core/graph.ts';
import type { Payload, ReadFile } from '../core/payload.ts';

/** A loaded model, as its task uses it. */
export interface TaskModel<Resources = unknown> {
  /** By role: `model`, or `encoder` and `decoder`. */
  readonly graphs: Readonly<Record<string, Graph>>;
  /** The value that `Task.load` returned. */
  readonly resources: Resources;
  /** Most rows that may run together. */
  readonly maxBatch: number;
  /** The deadline of the requests. Runs look at it themselves; long work before and after a run has to look at it in between. */
  readonly deadline: Deadline;
  /** The caller, by the name of its key or token; undefined where nobody asks for one. The input of one must not help to answer another. */
  readonly caller?: string | undefined;
  /** Bytes of the memory of models that none takes now: for what a task keeps while it answers, and between answers. Left out without a limit. */
  readonly freeBytes?: () => number;
}

/** Called at the end of each step. */
export type Lap = (step: 'preprocess' | 'run' | 'postprocess') => void;

/**
 * A task with the settings of one model. It does no I/O of its own and knows no transport.
 *
 * Serving keeps tasks as `Task`, without the types of their requests and resources. It hands a task only the requests that its `decode` or
 * `blank` returned, and the resources that its `load` returned.
 */
export interface Task<Request = unknown, Resources = unknown> {
  /**
   * Turns an untrusted payload into a request, without the model.
   * @throws `INVALID_REQUEST`, `INVALID_INPUT`, `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE`
   */
  decode(payload: Payload): Request;
  /**
   * The elements of the payload of a list, when each may be answered by itself as a list of one, and the lists joined are the answer to all.
   * Undefined for any other payload; left out by a task that answers no lists.
   */
  elements?(payload: Payload): readonly unknown[] | undefined;
  /**
   * A minimal valid request for warming up a model that has no recorded inputs. The tensor task makes it of `blank`; other tasks have one
   * of their own.
   */
  blank(blank: Blank): Request;
  /** Reads the resources, once for each loaded model; left out by a task without resources. @throws `MODEL_INVALID` */
  load?(read: ReadFile): Promise<Resources>;
  /** Answers requests: one outcome for each, in their order. A request that fails leaves the others alone. */
  predict(requests: readonly Request[], model: TaskModel<Resources>, lap: Lap): Promise<PromiseSettledResult<Answer>[]>;
  /**
   * Cheap figures of each input of a request, for monitoring: they are asked for behind the answer. Left out by a task that has none.
   * @throws the errors of `predict`
   */
  describe?(
    request: Request,
    model: Pick<TaskModel<Resources>, 'resources' | 'deadline'>,
  ): Promise<readonly Features[]> | readonly Features[];
  /**
   * Answers one request in chunks, each a JSON value, as soon as the model has made them; left out by a task that answers in one piece.
   * The caller ends the run by returning from its loop.
   * @throws the errors that `predict` reports as outcomes
   */
  stream?(request: Request, model: TaskModel<Resources>): AsyncIterable<unknown>;
}
