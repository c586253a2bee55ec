import type { Answer } from '../core/answer.ts';
import { ZEROS } from '../core/blank.ts';
import type { Task, TaskModel } from './task.ts';

const noLap = (): void => {};

/** Answers one request. @throws the error of a request that fails */
export const answerOne = async (task: Task, model: TaskModel, request: unknown): Promise<Answer> => {
  const [outcome] = await task.predict([request], model, noLap);
  if (outcome?.status === 'fulfilled') return outcome.value;
  throw outcome?.reason;
};

/** Answers a blank request. @throws the error of a request that fails */
export const runBlank = async (task: Task, model: TaskModel): Promise<void> => {
  await answerOne(task, model, task.blank(ZEROS));
};
