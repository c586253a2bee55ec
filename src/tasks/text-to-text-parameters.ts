import { refuse } from '../core/errors.ts';
import { show } from '../core/show.ts';
import { type GenerationConfig, MAX_BEAMS, MAX_TOKENS } from '../generation/generation-config.ts';
import { type Parameters, type ParameterTable, readInteger, readParameters } from './parameters.ts';
import { assertNotSampled, DO_SAMPLE, NESTED_SEARCH } from './search-parameters.ts';

/** The strategies of the Hugging Face API for a single text, which two of them cut alike. */
const TRUNCATIONS = ['longest_first', 'only_first', 'do_not_truncate'] as const;

const TOKENS = { type: 'integer', minimum: 0, maximum: MAX_TOKENS } as const;

/** Parameters of every task that makes texts of texts. Lengths end below the positions of the model. */
export const SEARCH_PARAMETERS = {
  num_beams: {
    type: 'integer',
    minimum: 1,
    maximum: MAX_BEAMS,
    description: "Beams of the search. Default: the model's.",
  },
  max_new_tokens: { ...TOKENS, minimum: 1, description: 'Most tokens of an answer, below the positions of the model.' },
  max_length: {
    ...TOKENS,
    minimum: 2,
    description: 'Most tokens of an answer, and one for its start. max_new_tokens goes before it.',
  },
  min_new_tokens: { ...TOKENS, description: 'Fewest tokens of an answer.' },
  min_length: {
    ...TOKENS,
    description: 'Fewest tokens of an answer, and one for its start. min_new_tokens goes before it.',
  },
  length_penalty: {
    type: 'number',
    minimum: -100,
    maximum: 100,
    description: 'Above 0: beams that ended later are better.',
  },
  early_stopping: {
    anyOf: [{ type: 'boolean' }, { const: 'never' }],
    description: 'When beam search ends: true as soon as all beams have ended.',
  },
  no_repeat_ngram_size: { ...TOKENS, description: 'No run of that many tokens occurs twice.' },
  repetition_penalty: { type: 'number', minimum: 0.01, maximum: 100, description: 'Above 1: fewer repetitions.' },
  do_sample: DO_SAMPLE,
  generate_parameters: NESTED_SEARCH,
  truncation: {
    enum: TRUNCATIONS,
    default: 'longest_first',
    description: 'Cuts texts that are too long, or refuses them.',
  },
  clean_up_tokenization_spaces: { type: 'boolean', default: false, description: 'Drops spaces before punctuation.' },
} as const satisfies ParameterTable;

/** The part of a request that every task of texts to texts has. */
export interface SearchRequest {
  /** Changes of the model's own search. */
  readonly search: Partial<GenerationConfig>;
  readonly mayCut: boolean;
  readonly cleanUp: boolean;
}

const readEarlyStopping = (value: unknown): GenerationConfig['earlyStopping'] | undefined =>
  value === undefined || typeof value === 'boolean' || value === 'never'
    ? value
    : refuse('INVALID_REQUEST', `parameter "early_stopping" is ${show(value)}, expected true, false or "never"`);

/** @throws `INVALID_REQUEST` when an answer would need more tokens than it may have */
const assertFeasible = (fewest: number | undefined, most: number | undefined): void => {
  if (fewest !== undefined && most !== undefined && fewest > most)
    refuse('INVALID_REQUEST', `the parameters ask for ${fewest} tokens or more, and for ${most} or less`);
};

/**
 * The search of a request for a model of `maxLength` positions.
 * @param table `SEARCH_PARAMETERS` and those of the task
 * @throws `INVALID_REQUEST` for a parameter that is not in `table`, or has a wrong value
 */
export const readSearch = (
  parameters: Parameters,
  table: ParameterTable & typeof SEARCH_PARAMETERS,
  maxLength: number,
): SearchRequest => {
  const read = readParameters(parameters, table);
  assertNotSampled(parameters);
  const { num_beams: numBeams, length_penalty: lengthPenalty, repetition_penalty: repetitionPenalty } = read;
  const { no_repeat_ngram_size: noRepeatNgramSize } = read;
  const earlyStopping = readEarlyStopping(read.early_stopping);
  const readTokens = (name: string, least: number, most: number): number | undefined =>
    read[name] === undefined ? undefined : readInteger(parameters, name, least, most);
  const longest = readTokens('max_length', 2, maxLength);
  const maxNewTokens = readTokens('max_new_tokens', 1, maxLength - 1) ?? (longest && longest - 1);
  const minNewTokens = readTokens('min_new_tokens', 0, maxLength - 1);
  const minLength = readTokens('min_length', 0, maxLength);
  assertFeasible(minNewTokens ?? (minLength && minLength - 1), maxNewTokens);
  return {
    search: {
      ...(maxNewTokens !== undefined && { maxNewTokens }),
      ...(minNewTokens !== undefined && { minNewTokens }),
      ...(minLength !== undefined && { minLength }),
      ...(numBeams !== undefined && { numBeams }),
      ...(lengthPenalty !== undefined && { lengthPenalty }),
      ...(earlyStopping !== undefined && { earlyStopping }),
      ...(noRepeatNgramSize !== undefined && { noRepeatNgramSize }),
      ...(repetitionPenalty !== undefined && { repetitionPenalty }),
    },
    mayCut: read.truncation !== 'do_not_truncate',
    cleanUp: read.clean_up_tokenization_spaces ?? false,
  };
};
