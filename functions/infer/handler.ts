import { inferHandler } from '../../src/lambda/infer.ts';
import { startFunction } from '../../src/lambda/start-function.ts';

const { serving, background, config } = await startFunction({ isAwaited: true });

const { auth, jobBodyBytes: bodyBytes, jobModels: models, webhookHosts } = config;

/** Answers HTTP requests that come through API Gateway. */
export const handler = background.around(inferHandler(serving, auth, { bodyBytes, models, webhookHosts }, config));
