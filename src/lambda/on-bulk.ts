import type { Context } from 'aws-lambda';
import { deadlineAt } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import { isObject } from '../core/is-object.ts';
import { show } from '../core/show.ts';
import { parseChunkKey } from '../jobs/bulk/bulk-run.ts';
import type { ChunkEnd } from '../jobs/bulk/chunk-end.ts';
import { runChunk } from '../jobs/bulk/run-chunk.ts';
import type { Serving } from '../serving/serving.ts';

/** Room to answer before Lambda ends the function. */
const MARGIN_MS = 5_000;

/** Answers the chunk of a run that the state machine names: `{"key": "bulk/<run>/plan/00000000.jsonl", "child": "<its execution>"}`. */
export const onBulkHandler =
  (serving: Serving) =>
  async (event: unknown, context: Context): Promise<ChunkEnd> => {
    const key = isObject(event) ? event.key : undefined;
    const chunk = typeof key === 'string' ? parseChunkKey(key) : undefined;
    if (chunk === undefined)
      throw new ServingError(
        'INVALID_REQUEST',
        `the event is ${show(event)}, expected {"key": "bulk/<run>/plan/….jsonl"}`,
      );
    const requestId = context.awsRequestId; // the same when Lambda tries an event again
    const child = isObject(event) && typeof event.child === 'string' ? event.child : requestId;
    const deadline = deadlineAt(Date.now() + context.getRemainingTimeInMillis() - MARGIN_MS);
    return runChunk(serving, { ...chunk, deadline, requestId, child });
  };
