import { onBulkHandler } from '../../src/lambda/on-bulk.ts';
import { startFunction } from '../../src/lambda/start-function.ts';

const { serving, background } = await startFunction();

/** Answers a chunk of a run over many objects or rows, which a state machine hands out. */
export const handler = background.around(onBulkHandler(serving));
