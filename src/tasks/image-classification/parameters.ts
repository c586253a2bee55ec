import { type ParameterTable, TOP_K } from '../parameters.ts';
import { FUNCTION_NAMES } from '../scores.ts';

export const PARAMETERS = {
  top_k: { ...TOP_K, default: 5 },
  function_to_apply: { enum: FUNCTION_NAMES, description: "From logits to scores. Default: the model's own." },
} as const satisfies ParameterTable;
