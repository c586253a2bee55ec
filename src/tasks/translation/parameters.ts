import type { ParameterTable } from '../parameters.ts';
import { SEARCH_PARAMETERS } from '../text-to-text-parameters.ts';

export const PARAMETERS = {
  src_lang: { anyOf: [{ type: 'string' }], description: 'Language of the texts, if the model has several.' },
  tgt_lang: { anyOf: [{ type: 'string' }], description: 'Language of the translations, if the model has several.' },
  ...SEARCH_PARAMETERS,
} as const satisfies ParameterTable;
