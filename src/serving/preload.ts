import { deadlineAt, NEVER, within } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { loadModel, type Serving } from './serving.ts';

/** The machine that recorded `createMs` at push may have been faster than this one. */
const CREATE_MARGIN = 2;

const createMs = ({ graphs }: PublishedBundle): number =>
  Object.values(graphs).reduce((sum, graph) => sum + graph.createMs, 0);

/**
 * Loads models before the first request, within `budgetMs`. Creating a session blocks the thread and cannot be stopped: it starts only
 * if the time that push recorded, doubled, is left. The first request goes on with an unfinished download. A model that cannot be loaded
 * is reported, and left to the first request that asks for it.
 */
export const preload = async (serving: Serving, names: readonly string[], budgetMs: number): Promise<void> => {
  const deadline = deadlineAt(Date.now() + budgetMs);
  for (const name of names) {
    try {
      const bundle = await serving.router.route({ name }, undefined, deadline);
      await within(deadline, serving.models.fetch(bundle), 'init ran out of time');
      if (createMs(bundle) * CREATE_MARGIN > deadline.remainingMs()) continue;
      await loadModel(serving, bundle, NEVER);
    } catch (error) {
      serving.telemetry.warned(`model ${name} was not preloaded`, ServingError.from(error));
    }
  }
};
