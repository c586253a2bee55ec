import type { Serving } from '../serving/serving.ts';
import type { Route } from './route.ts';

/** `POST /uploads` gives a URL that takes what exceeds a request. The body names the model. */
export const uploadRoutes = (serving: Serving): Route[] => [
  {
    method: 'POST',
    paths: ['/uploads'],
    operation: 'predict',
    findsModel: true,
    // Few requests are about uploads: no cold start waits for their code.
    handle: async (exchange) => (await import('./create-upload.ts')).createUpload(serving, exchange),
  },
];
