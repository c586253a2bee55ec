import type { ParameterTable } from '../parameters.ts';
import { AGGREGATION_STRATEGIES } from './aggregate-tokens.ts';

export const MAX_IGNORED_LABELS = 1_000;

export const PARAMETERS = {
  aggregation_strategy: {
    enum: AGGREGATION_STRATEGIES,
    default: 'none',
    description: 'The way from tokens to entities. With "none", each token is answered.',
  },
  ignore_labels: {
    anyOf: [{ type: 'array', items: { type: 'string' }, maxItems: MAX_IGNORED_LABELS }],
    default: ['O'],
    description: 'Labels that are left out.',
  },
  stride: {
    anyOf: [{ type: 'integer', minimum: 0 }],
    description: 'Tokens that neighbouring windows of a long text share.',
  },
} as const satisfies ParameterTable;
