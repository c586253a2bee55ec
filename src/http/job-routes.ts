import type { Serving } from '../serving/serving.ts';
import type { Route } from './route.ts';

/** Few requests are about jobs: no cold start waits for their code. */
const handlers = () => import('./job-handlers.ts');

/** `POST /models/{name}` makes jobs. Everybody sees those of their own, so that no scope is asked for. */
export const jobRoutes = (serving: Serving): Route[] => [
  {
    method: 'GET',
    paths: ['/jobs'],
    operation: 'none',
    handle: async (exchange) => (await handlers()).listOwnJobs(serving, exchange),
  },
  {
    method: 'GET',
    paths: ['/jobs/:id'],
    operation: 'none',
    handle: async (exchange) => (await handlers()).getJob(serving, exchange),
  },
  {
    method: 'DELETE',
    paths: ['/jobs/:id'],
    operation: 'none',
    handle: async (exchange) => (await handlers()).deleteJob(serving, exchange),
  },
];
