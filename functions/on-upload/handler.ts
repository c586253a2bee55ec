import { openCrashNote } from '../../src/lambda/crash-note.ts';
import { createMessageQueue } from '../../src/lambda/message-queue.ts';
import { onUploadHandler } from '../../src/lambda/on-upload.ts';
import { startFunction } from '../../src/lambda/start-function.ts';

const { serving, background, config } = await startFunction();
const queue = createMessageQueue((error) =>
  serving.telemetry.warned('a message of the upload queue cannot be hidden or deleted: it comes again later', error),
);

const crashNote = openCrashNote(`${config.modelCacheDirectory}-crashes`);
const { dataBucket: bucket, uploadAttempts: attempts } = config;

/** Answers objects that were put below `uploads/`, which S3 announces through a queue. */
export const handler = background.around(onUploadHandler(serving, { bucket, attempts, queue, crashNote }));
