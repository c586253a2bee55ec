import { ServingError } from '../core/errors.ts';
import type { Payload } from '../core/payload.ts';
import { parseTaskRequest, type TaskRequest } from '../protocol/task-api/request.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { resolveInputs } from '../serving/inputs.ts';
import type { Serving } from '../serving/serving.ts';
import { createTask } from '../tasks/index.ts';
import type { Task } from '../tasks/task.ts';
import type { JobRequest } from './job-document.ts';
import { withoutWebhook } from './webhooks/webhook.ts';

/** The input of a job: the whole of it, or its elements, each a list of one. */
export interface JobInput {
  readonly payloads: readonly Payload[];
  /** The answers of the elements are joined to one list. */
  readonly isList: boolean;
}

/** An error of the element at `index`, whose task has seen a list of one. */
export const atElement = (error: unknown, index: number): ServingError => {
  const { code, message, operator } = ServingError.from(error);
  return new ServingError(code, message.replaceAll('inputs[0]', `inputs[${index}]`), { cause: error, operator });
};

const toInput = (task: Task, payload: Payload): JobInput => {
  const elements = task.elements?.(payload);
  if (elements === undefined) return { payloads: [payload], isList: false };
  return { payloads: elements.map((element) => ({ ...payload, inputs: [element] })), isList: true };
};

/** Refuses now what the run could only refuse later. An object that the request refers to is not read. @throws errors of `Task.decode` */
export const assertDecodes = async (bundle: PublishedBundle, request: TaskRequest): Promise<void> => {
  if ('reference' in request) return;
  const task = await createTask(bundle);
  const { payloads, isList } = toInput(task, { ...request, parameters: withoutWebhook(request.parameters) });
  for (const [index, payload] of payloads.entries())
    try {
      task.decode(payload);
    } catch (error) {
      throw isList ? atElement(error, index) : error;
    }
};

/** The access to a reference was checked when the job was made. */
const ALLOWED = async (): Promise<void> => undefined;

/** Reads the input of a job. @throws `NOT_FOUND` once it was deleted; `MODEL_UNAVAILABLE`, and the errors of `resolveInputs` */
export const readInput = async (
  serving: Serving,
  { input, model }: JobRequest,
  bundle: PublishedBundle,
): Promise<JobInput> => {
  const { body } = await serving.data.read(input.key);
  const request = parseTaskRequest(body, input.contentType, input.query);
  const taskRequest = { ...request, parameters: withoutWebhook(request.parameters) };
  const payload = await resolveInputs(taskRequest, model, { ...serving, references: 'all' }, ALLOWED);
  return toInput(await createTask(bundle), payload);
};
