import { refuse } from '../../core/errors.ts';
import { formatSpec, type Signature, type TensorSpec } from '../../core/tensor.ts';
import { graphOf } from '../graph-of.ts';
import type { TaskRecipe } from '../recipe.ts';
import { findBlank } from './find-blank.ts';
import type { TensorSettings } from './settings.ts';

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
  maxBatch: 1, // requests run one by one

  read: async () => ({ settings: {} }),

  async trialRun(_task, { graphs }) {
    assertJsonCanCarry(graphOf(graphs).signature);
  },

  findBlank,
};
