import { type ParameterTable, TOP_K } from '../parameters.ts';

export const PARAMETERS = {
  top_k: { ...TOP_K, description: 'Number of best labels of each row. Default: all.' },
  label_numbers: {
    type: 'boolean',
    default: false,
    description:
      'Answers the number of the best label of each row alone: the label itself if all labels are numbers, else its place.',
  },
} as const satisfies ParameterTable;
