import { ServingError } from '../core/errors.ts';
import type { Graph } from '../core/graph.ts';
import type { TaskModel } from './task.ts';

export type Graphs = TaskModel['graphs'];

/** The graph of a role. @throws `MODEL_INVALID` when the model has no graph of that role */
export const graphOf = (graphs: Graphs, role = 'model'): Graph => {
  const graph = graphs[role];
  if (graph === undefined) throw new ServingError('MODEL_INVALID', `there is no graph named "${role}"`);
  return graph;
};
