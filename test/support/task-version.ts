import type { Signature } from '../../src/core/tensor.ts';
import type { TaskName } from '../../src/tasks/index.ts';
import type { TaskVersion } from '../../src/tasks/task-type.ts';

/** A version with one graph. */
export const taskVersion = (task: TaskName, settings: TaskVersion['settings'], signature: Signature): TaskVersion => ({
  name: 'model',
  version: 1,
  task,
  settings,
  graphs: { model: { signature } },
});
