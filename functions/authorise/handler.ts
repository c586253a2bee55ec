import { authoriseHandler, identifyByKeysOfBucket } from '../../src/lambda/authorise.ts';

/** Tells API Gateway whose key a request has. */
export const handler = authoriseHandler(identifyByKeysOfBucket());
