import { ServingError } from '../../core/errors.ts';
import type { Signature } from '../../core/tensor.ts';
import { answerOne } from '../answer-one.ts';
import { graphOf } from '../graph-of.ts';
import type { TaskRecipe } from '../recipe.ts';
import type { TensorSettings } from './settings.ts';

const symbolicNames = ({ inputs }: Signature): Set<string> =>
  new Set(
    inputs.flatMap(({ shape }) => shape.filter((size) => typeof size === 'string').filter((name) => name !== '')),
  );

export const tensor: TaskRecipe<TensorSettings> = {
  graphs: ['model'],
  example: '<request.json>',

  read: async () => ({ settings: {} }),

  async trialRun(task, model, _settings, dimensions) {
    const { signature } = graphOf(model.graphs);
    const known = symbolicNames(signature);
    for (const name of Object.keys(dimensions))
      if (!known.has(name))
        throw new ServingError(
          'INVALID_REQUEST',
          `no input has a dimension "${name}"; variable are: ${[...known].join(', ') || 'none'}`,
        );
    try {
      await answerOne(task, model, task.blank(dimensions));
    } catch (error) {
      const failure = ServingError.from(error);
      if (failure.code !== 'INFERENCE_FAILED' && failure.code !== 'INVALID_INPUT') throw failure;
      const variable = [...known].map((name) => `${name}=${dimensions[name] ?? 1}`);
      const sizes =
        variable.length === 0
          ? ''
          : ` with ${variable.join(', ')}; other sizes are tried with --dimension <name>=<size>`;
      throw new ServingError('MODEL_INVALID', `it failed on zeros${sizes}: ${failure.message}`, { cause: error });
    }
  },
};
