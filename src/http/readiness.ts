import { ServingError } from '../core/errors.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import type { ModelReference } from '../serving/router.ts';
import { loadModel, type Serving } from '../serving/serving.ts';
import type { Exchange } from './route.ts';

/** Loads the version that answers into this process, and returns it. @throws `NOT_FOUND`; `MODEL_UNAVAILABLE` with the reason */
export const assertReady = async (
  serving: Serving,
  reference: ModelReference,
  { context: { deadline } }: Exchange,
): Promise<PublishedBundle> => {
  const bundle = await serving.router.route(reference, undefined, deadline);
  try {
    await loadModel(serving, bundle, deadline);
    return bundle;
  } catch (error) {
    throw new ServingError('MODEL_UNAVAILABLE', `not ready: ${ServingError.from(error).message}`, { cause: error });
  }
};
