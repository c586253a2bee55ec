import { type ParameterTable, TOP_K } from '../parameters.ts';

/** Bounds the time of a request: each query ranks the whole catalogue. */
export const MAX_QUERIES = 1_000;

export const PARAMETERS = { top_k: { ...TOP_K, default: 10 } } as const satisfies ParameterTable;
