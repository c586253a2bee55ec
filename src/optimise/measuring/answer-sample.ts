import type { Answer } from '../../core/answer.ts';
import { answerOne } from '../../tasks/answer-one.ts';
import type { Sample } from './jobs.ts';
import type { OpenedVersion } from './local-version.ts';

/** Answers a sample as a request of its own. @throws why it is refused */
export const answerSample = async ({ task, model }: OpenedVersion, { payload }: Sample): Promise<Answer> =>
  answerOne(task, model, task.decode(payload));
