import { refuse, ServingError } from '../../core/errors.ts';
import { formatSpec, type Signature, type TensorSpec } from '../../core/tensor.ts';
import { answerOne } from '../answer-one.ts';
import { graphOf } from '../graph-of.ts';
import type { TaskRecipe } from '../recipe.ts';
import type { TensorSettings } from './settings.ts';

const symbolicNames = ({ inputs }: Signature): Set<string> =>
  new Set(
    inputs.flatMap(({ shape }) => shape.filter((size) => typeof size === 'string').filter((name) => name !== '')),
  );

/** @throws `MODEL_INVALID` when an input, or every output, is float16. Callers send every input, and choose among outputs. */
const assertJsonCanCarry = ({ inputs, outputs }: Signature): void => {
  const isHalf = ({ dtype }: TensorSpec): boolean => dtype === 'float16';
  if (!inputs.some(isHalf) && !outputs.every(isHalf)) return;
  const halves = [...inputs, ...outputs].filter(isHalf).map((spec) => `"${spec.name}" ${formatSpec(spec)}`);
  refuse(
    'MODEL_INVALID',
    `${halves.join(', ')}: float16 has no form in JSON; export the model ` +
      'with float32 inputs and outputs (its weights may stay float16)',
  );
};

export const tensor: TaskRecipe<TensorSettings> = {
  graphs: ['model'],
  example: '<request.json>',

  read: async () => ({ settings: {} }),

  async trialRun(task, model, _settings, dimensions) {
    const { signature } = graphOf(model.graphs);
    assertJsonCanCarry(signature);
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
