import { readConfig } from '../../src/core/config.ts';
import { createServing } from '../../src/lambda/create-serving.ts';
import { inferHandler } from '../../src/lambda/infer.ts';
import { preload } from '../../src/serving/preload.ts';

const config = readConfig();
const serving = createServing(config);
await preload(serving, config.preloadModels, config.initBudgetMs);

/** Answers HTTP requests that come through API Gateway. */
export const handler = inferHandler(serving);
