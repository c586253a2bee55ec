import { type ParameterTable, TOP_K } from '../parameters.ts';

export const PARAMETERS = { top_k: { ...TOP_K, default: 10 } } as const satisfies ParameterTable;
