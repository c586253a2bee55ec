import type { Task } from '../tasks/task.ts';
import type { Decoded } from './decoded.ts';
import type { Call, Prediction, Serving } from './serving.ts';

/** The run that a prediction came from. */
export interface Run {
  readonly task: Task;
  readonly decoded: readonly Decoded[];
  /** The resources of the model. */
  readonly resources: unknown;
}

/** Work after an answer: undefined when this answer asks for none. `run` is undefined when nothing ran. */
export type AfterAnswer = (
  serving: Serving,
  call: Call,
  prediction: Prediction,
  run: Run | undefined,
) => (() => Promise<void>) | undefined;
