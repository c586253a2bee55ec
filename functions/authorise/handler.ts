import { authoriseHandler, connectIdentify } from '../../src/lambda/authorise.ts';

/** Tells API Gateway whose key, or whose token, a request has. */
export const handler = authoriseHandler(connectIdentify());
