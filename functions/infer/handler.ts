import { inferHandler } from '../../src/lambda/infer.ts';
import { startFunction } from '../../src/lambda/start-function.ts';

const { serving, background, config } = await startFunction();

/** Answers HTTP requests that come through API Gateway. */
export const handler = background.around(inferHandler(serving, config.auth));
