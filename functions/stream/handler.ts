import { streamHandler } from '../../src/lambda/response-stream.ts';
import { startFunction } from '../../src/lambda/start-function.ts';

const { serving, background, config } = await startFunction({ isAwaited: true });

/** Answers HTTP requests that come through the URL of the function, chunk by chunk. */
export const handler = streamHandler(serving, background, { auth: config.auth, settings: config });
