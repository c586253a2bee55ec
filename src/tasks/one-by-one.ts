import type { Answer } from '../core/answer.ts';
import type { Lap, Task, TaskModel } from './task.ts';

/**
 * A `predict` that answers one request after another, for tasks whose requests would take too much memory together. A request that fails
 * leaves the others alone.
 */
export const oneByOne =
  <Request, Resources>(
    answer: (request: Request, model: TaskModel<Resources>, lap: Lap) => Promise<Answer>,
  ): Task<Request, Resources>['predict'] =>
  async (requests, model, lap) => {
    const outcomes: PromiseSettledResult<Answer>[] = [];
    for (const request of requests) outcomes.push(...(await Promise.allSettled([answer(request, model, lap)])));
    return outcomes;
  };
