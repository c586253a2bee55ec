/** The public contract of extensions: everything that a task of the folder `extensions/` may import to serve. */
export { type Answer, jsonAnswer } from '../core/answer.ts';
export { assertTimeLeft, type Deadline, mapInTime } from '../core/deadline.ts';
export { refuse, ServingError } from '../core/errors.ts';
export type { Graph } from '../core/graph.ts';
export { isObject } from '../core/is-object.ts';
export type { InputDecoder, Payload, ReadFile } from '../core/payload.ts';
export { show } from '../core/show.ts';
export { type Signature, type Tensor, type Tensors, tensor, tensorOf } from '../core/tensor.ts';
export { graphOf } from '../tasks/graph-of.ts';
export { oneByOne } from '../tasks/one-by-one.ts';
export {
  assertKnownParameters,
  readBoolean,
  readChoice,
  readFraction,
  readInteger,
  readTopK,
} from '../tasks/parameters.ts';
export { type RowTask, rowTask } from '../tasks/row-task.ts';
export { type LabelScore, sigmoid, softmax, topLabels } from '../tasks/scores.ts';
export { type SinglePass, singlePass, type TablePass, tablePass } from '../tasks/single-pass.ts';
export type { Lap, Task, TaskModel } from '../tasks/task.ts';
export { signatureOf, type TaskType, type TaskVersion } from '../tasks/task-type.ts';
