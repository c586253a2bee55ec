import { type Answer, jsonAnswer } from '../core/answer.ts';
import { within } from '../core/deadline.ts';
import { endedStream, resumedStream, type Stream } from '../core/stream.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import type { Task, TaskModel } from '../tasks/task.ts';
import { afterStream } from './after-answer.ts';
import { toTaskModel } from './decoded.ts';
import type { Run } from './run.ts';
import { type Call, createIds, forgetInvalid, routeCall, type Serving, taskOf } from './serving.ts';

/** An answer that comes chunk by chunk. */
export interface StreamedAnswer {
  readonly bundle: PublishedBundle;
  /** The id of the prediction. */
  readonly id: string;
  /** JSON values. The model stays in memory until the stream has ended. */
  readonly chunks: Stream<unknown>;
}

type StreamOf = NonNullable<Task['stream']>;

/** Makes the first chunk: an error that comes before it is the error of the request. */
const start = async (stream: StreamOf, request: unknown, model: TaskModel): Promise<AsyncIterable<unknown>> => {
  const chunks = stream(request, model)[Symbol.asyncIterator]();
  const first = await chunks.next();
  return resumedStream(first.done ? { done: true, value: undefined } : first, {
    async next() {
      const step = await chunks.next();
      return step.done ? { done: true, value: undefined } : step;
    },
    async return() {
      await chunks.return?.();
      return { done: true, value: undefined };
    },
  });
};

/**
 * Answers the one input of `call` chunk by chunk; undefined when the model's task does not stream. No input has been read then.
 * @throws errors of `predict`, and the error of the input, before the first chunk
 */
export const openStream = async (serving: Serving, call: Call): Promise<StreamedAnswer | undefined> => {
  const { deadline, observation, payloads } = call;
  const { stopwatch } = observation;
  const bundle = await routeCall(serving, call);
  const ids = createIds(call, bundle);
  const capture = (error: unknown, run?: Run): void => {
    const outcome: PromiseSettledResult<Answer> =
      error === undefined
        ? { status: 'fulfilled', value: jsonAnswer(undefined) }
        : { status: 'rejected', reason: error };
    afterStream(serving, call, { bundle, ids, outcomes: [outcome] }, run);
  };
  try {
    const task = await taskOf(serving, call, bundle);
    const [payload] = payloads;
    const stream = task.stream?.bind(task);
    if (stream === undefined || payload === undefined) return undefined;
    stopwatch.lap('route');
    const request = task.decode(await within(deadline, payload(), 'the inputs are still being read'));
    stopwatch.lap('decode');
    const lease = await serving.models.acquire(bundle, deadline);
    stopwatch.lap('load');
    const end = (): void => {
      stopwatch.lap('run');
      lease.release();
    };
    const decoded: Run['decoded'] = [{ status: 'fulfilled', value: { request } }];
    const { resources } = lease.value;
    try {
      const chunks = await start(stream, request, toTaskModel(lease.value, call, deadline, serving));
      observation.firstChunkMs = stopwatch.totalMs();
      const ended = (error?: unknown): void => {
        end();
        capture(error, { task, decoded, resources });
      };
      return { bundle, id: ids[0] ?? '', chunks: endedStream(chunks, deadline, ended) };
    } catch (error) {
      end();
      throw error;
    }
  } catch (error) {
    forgetInvalid(serving, bundle, error);
    capture(error);
    throw error;
  }
};
