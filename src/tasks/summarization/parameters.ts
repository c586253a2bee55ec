import { SEARCH_PARAMETERS } from '../text-to-text-parameters.ts';

export const PARAMETERS = SEARCH_PARAMETERS;
