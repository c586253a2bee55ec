import { MAX_BEAMS, MAX_TOKENS } from '../../generation/generation-config.ts';
import type { ParameterTable } from '../parameters.ts';

/** The strategies of the Hugging Face API for a single text, which two of them cut alike. */
const TRUNCATIONS = ['longest_first', 'only_first', 'do_not_truncate'] as const;

export const PARAMETERS = {
  src_lang: { anyOf: [{ type: 'string' }], description: 'Language of the texts, if the model has several.' },
  tgt_lang: { anyOf: [{ type: 'string' }], description: 'Language of the translations, if the model has several.' },
  num_beams: {
    type: 'integer',
    minimum: 1,
    maximum: MAX_BEAMS,
    description: "Beams of the search. Default: the model's.",
  },
  max_new_tokens: {
    ...{ type: 'integer', minimum: 1, maximum: MAX_TOKENS },
    description: 'Most tokens of a translation, below the positions of the model.',
  },
  generate_parameters: {
    anyOf: [{ type: 'object' }],
    description: 'The other parameters, in the form of the Hugging Face API.',
  },
  truncation: {
    enum: TRUNCATIONS,
    default: 'longest_first',
    description: 'Cuts texts that are too long, or refuses them.',
  },
  clean_up_tokenization_spaces: { type: 'boolean', default: false, description: 'Drops spaces before punctuation.' },
} as const satisfies ParameterTable;
