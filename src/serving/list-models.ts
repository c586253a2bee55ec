import type { Deadline } from '../core/deadline.ts';
import { within } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import { unlessMissing } from '../repository/model-repository.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import type { Serving } from './serving.ts';

/** A model with the version that answers, or the error that hides it. */
export type ListedModel =
  | { readonly name: string; readonly bundle: PublishedBundle }
  | { readonly name: string; readonly error: ServingError };

/** The models with a version; a broken one stands with its error. @throws `MODEL_UNAVAILABLE` at the deadline */
export const listModels = async ({ repository, router }: Serving, deadline: Deadline): Promise<ListedModel[]> => {
  const names = await within(deadline, repository.names(), 'the models are still being listed');
  const models = await Promise.all(
    names.map(async (name): Promise<ListedModel | undefined> => {
      try {
        const bundle = await unlessMissing(router.route({ name }, undefined, deadline)); // a first push may be under way
        return bundle && { name, bundle };
      } catch (error) {
        return { name, error: ServingError.from(error) };
      }
    }),
  );
  return models.filter((model) => model !== undefined);
};
