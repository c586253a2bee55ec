import type { ParameterTable } from '../parameters.ts';
import { POOL_NAMES } from './pooling.ts';

export const PARAMETERS = {
  pooling: {
    /** `model` stands for the settings of the model, or for the vector that the graph makes of a text. */
    enum: ['model', 'none', ...POOL_NAMES],
    default: 'model',
    description: 'The way to the vector of a text. "none" answers the vectors of its tokens.',
  },
  normalize: { type: 'boolean', description: "Gives each vector the length 1. Default: the model's own setting." },
  truncate: {
    type: 'boolean',
    default: true,
    description: 'Cuts texts that are too long; otherwise they are refused.',
  },
  truncation_direction: {
    enum: ['left', 'right'],
    description: "The side at which texts are cut. Default: the tokenizer's own.",
  },
  prompt_name: { anyOf: [{ type: 'string' }], description: 'The prompt of the model that is put before each text.' },
} as const satisfies ParameterTable;
