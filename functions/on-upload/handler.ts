import { readConfig } from '../../src/core/config.ts';
import { createServing } from '../../src/lambda/create-serving.ts';
import { onUploadHandler } from '../../src/lambda/on-upload.ts';
import { preload } from '../../src/serving/preload.ts';

const config = readConfig();
const serving = createServing(config);
await preload(serving, config.preloadModels, config.initBudgetMs);

/** Answers objects that were put below `uploads/`, which S3 announces through a queue. */
export const handler = onUploadHandler(serving);
