import { ServingError } from '../core/errors.ts';
import { loadModel, type Serving } from '../serving/serving.ts';
import { type Exchange, modelReference } from './route.ts';

/** Loads the version that answers into this process. @throws `NOT_FOUND`; `MODEL_UNAVAILABLE` with the reason */
export const assertReady = async (serving: Serving, exchange: Exchange): Promise<void> => {
  const { deadline } = exchange.context;
  const bundle = await serving.router.route(modelReference(exchange), undefined, deadline);
  try {
    await loadModel(serving, bundle, deadline);
  } catch (error) {
    throw new ServingError('MODEL_UNAVAILABLE', `not ready: ${ServingError.from(error).message}`, { cause: error });
  }
};
