import type { Answer } from '../core/answer.ts';
import type { Lap, Task, TaskModel } from './task.ts';

/** Answers the requests of a call one after another, where several at once would take too much memory; one that fails leaves the others alone. */
export const oneByOne =
  <Request>(answer: (request: Request, model: TaskModel, lap: Lap) => Promise<Answer>): Task['predict'] =>
  async (requests, model, lap) => {
    const outcomes: PromiseSettledResult<Answer>[] = [];
    for (const request of requests as Request[])
      outcomes.push(...(await Promise.allSettled([answer(request, model, lap)])));
    return outcomes;
  };
