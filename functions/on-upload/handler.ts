import { onUploadHandler } from '../../src/lambda/on-upload.ts';
import { startFunction } from '../../src/lambda/start-function.ts';

const { serving, background } = await startFunction();

/** Answers objects that were put below `uploads/`, which S3 announces through a queue. */
export const handler = background.around(onUploadHandler(serving));
