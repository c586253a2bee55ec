import { createMessageQueue } from '../../src/lambda/message-queue.ts';
import { onJobHandler } from '../../src/lambda/on-job.ts';
import { startFunction } from '../../src/lambda/start-function.ts';

const { serving, background, config } = await startFunction();
const queue = createMessageQueue((error) =>
  serving.telemetry.warned('a message of the job queue cannot be hidden: it comes again later', error),
);

/** Runs jobs, which S3 announces through a queue as their requests are written. */
export const handler = background.around(onJobHandler(serving, { bucket: config.dataBucket, queue }));
