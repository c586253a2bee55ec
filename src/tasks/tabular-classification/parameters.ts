import { type ParameterTable, TOP_K } from '../parameters.ts';

export const PARAMETERS = {
  top_k: { ...TOP_K, description: 'Number of best labels of each row. Default: all.' },
} as const satisfies ParameterTable;
