import { batchKey, concatenate, isBatchable, rows } from '../core/batch.ts';
import { ServingError } from '../core/errors.ts';
import type { Signature, Tensors } from '../core/tensor.ts';

/** What a caller sent, before any task has looked at it. */
export interface Payload {
  /** The bytes of a raw body or of an uploaded object; otherwise the JSON value under `inputs`. */
  readonly inputs: unknown;
  /** Media type of raw bytes, lower-case and without parameters. */
  readonly contentType?: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** What a task needs of the loaded model. */
export interface TaskModel {
  readonly signature: Signature;
  /** @throws `DEADLINE_EXCEEDED` before, `INFERENCE_FAILED` in the run */
  run(feeds: Tensors, outputNames?: readonly string[]): Promise<Tensors>;
}

/** Called at the end of each stage. */
export type Lap = (stage: 'preprocess' | 'run' | 'postprocess') => void;

/** A task with the settings of one model. It does no I/O and knows no transport. */
export interface Task {
  /** Untrusted payload → request. @throws `INVALID_REQUEST`, `INVALID_INPUT`, `UNSUPPORTED_MEDIA_TYPE` */
  decode(payload: Payload): unknown;
  /** The plainest input there is, for a model without recorded ones; variable dimensions that `dimensions` does not name are 1. */
  blank(signature: Signature, dimensions: Readonly<Record<string, number>>): Promise<Tensors> | Tensors;
  /** One outcome per request, in order; a request that fails leaves the others alone. */
  predict(requests: readonly unknown[], model: TaskModel, lap: Lap): Promise<PromiseSettledResult<unknown>[]>;
}

/** The three pure functions of a task that runs its graph once, in the order they run. */
export interface SinglePass<Request> {
  /** The plainest request there is. */
  readonly blank: Request;
  decode(payload: Payload): Request;
  /** Tensors with a leading batch dimension, here of one request. @throws `INVALID_INPUT` */
  preprocess(request: Request, signature: Signature): Promise<Tensors> | Tensors;
  postprocess(outputs: Tensors, request: Request): unknown;
}

interface Prepared<Request> {
  readonly index: number;
  readonly request: Request;
  readonly feeds: Tensors;
}

/** Requests that may share a run, by the shape of their inputs. */
const group = <Request>(prepared: readonly Prepared<Request>[], signature: Signature): Prepared<Request>[][] =>
  isBatchable(signature)
    ? [...Map.groupBy(prepared, ({ feeds }) => batchKey(feeds)).values()]
    : prepared.map((single) => [single]);

const batchSize = (feeds: Tensors): number => Object.values(feeds)[0]?.shape[0] ?? 1;

/** Completes a task: prepares requests side by side, runs those of one shape together, and hands each its share of the outputs. */
export const singlePass = <Request>({ blank, decode, preprocess, postprocess }: SinglePass<Request>): Task => ({
  decode,

  blank: (signature) => preprocess(blank, signature),

  async predict(requests, { signature, run }, lap) {
    const feeds = await Promise.allSettled(
      (requests as Request[]).map(async (request) => preprocess(request, signature)),
    );
    lap('preprocess');
    const outcomes: PromiseSettledResult<unknown>[] = feeds.map((outcome) => outcome);
    const prepared = feeds.flatMap((outcome, index) =>
      outcome.status === 'fulfilled' ? [{ index, request: requests[index] as Request, feeds: outcome.value }] : [],
    );

    const finish = ({ index, request }: Prepared<Request>, outputs: Tensors): void => {
      try {
        outcomes[index] = { status: 'fulfilled', value: postprocess(outputs, request) };
      } catch (reason) {
        outcomes[index] = { status: 'rejected', reason };
      }
    };

    const runTogether = async (members: readonly Prepared<Request>[]): Promise<void> => {
      try {
        const outputs = await run(concatenate(members.map((member) => member.feeds)));
        lap('run');
        const rowCount = members.reduce((sum, member) => sum + batchSize(member.feeds), 0);
        if (members.length > 1 && Object.values(outputs).some(({ shape }) => shape[0] !== rowCount))
          throw new ServingError('INFERENCE_FAILED', `the outputs of a batch of ${rowCount} have no ${rowCount} rows`);
        let start = 0;
        for (const member of members) {
          const end = start + batchSize(member.feeds);
          finish(member, members.length === 1 ? outputs : rows(outputs, start, end));
          start = end;
        }
        lap('postprocess');
      } catch (reason) {
        const code = ServingError.from(reason).code;
        if (code !== 'INFERENCE_FAILED' || members.length === 1) {
          for (const { index } of members) outcomes[index] = { status: 'rejected', reason };
          return;
        }
        for (const member of members) await runTogether([member]); // so that one of them fails alone
      }
    };

    for (const members of group(prepared, signature)) await runTogether(members);
    return outcomes;
  },
});
