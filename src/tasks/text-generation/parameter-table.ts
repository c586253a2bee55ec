import type { ParameterTable } from '../parameters.ts';

/** Most texts that end an answer, and the most characters of one. */
export const MAX_STOPS = 16;
export const MAX_STOP_CHARACTERS = 1_000;
/** No context is longer. */
export const MAX_TOKENS = 10_000_000;

const STOP = { type: 'string', minLength: 1, maxLength: MAX_STOP_CHARACTERS } as const;
const TOKENS = { type: 'integer', minimum: 0, maximum: MAX_TOKENS } as const;
const SHARE = { type: 'number', minimum: 0, maximum: 1 } as const;
const PENALTY = { type: 'number', minimum: -2, maximum: 2 } as const;

export const PARAMETERS = {
  max_new_tokens: {
    anyOf: [{ ...TOKENS, minimum: 1 }, { const: 'rest' }],
    description: 'Most tokens of an answer. "rest": as many as context and memory allow.',
  },
  min_new_tokens: { ...TOKENS, description: 'Fewest tokens before the end.' },
  stop: {
    anyOf: [STOP, { type: 'array', items: STOP, maxItems: MAX_STOPS }],
    description: 'Ends the answer before one of these texts.',
  },
  do_sample: { type: 'boolean', description: 'Draws tokens; otherwise the likeliest is taken.' },
  temperature: { type: 'number', minimum: 0, maximum: 100, description: 'Divides the logits. 0: the likeliest token.' },
  top_k: { ...TOKENS, description: 'Draws from that many tokens. 0: from all.' },
  top_p: { ...SHARE, description: 'Draws from the likeliest tokens that have this probability together.' },
  min_p: { ...SHARE, description: "Draws from tokens of at least this part of the likeliest one's probability." },
  seed: {
    type: 'integer',
    minimum: -Number.MAX_SAFE_INTEGER,
    maximum: Number.MAX_SAFE_INTEGER,
    description: 'An equal seed gives an equal answer of the same version.',
  },
  repetition_penalty: { type: 'number', minimum: 0.01, maximum: 100, description: 'Above 1: fewer repetitions.' },
  frequency_penalty: { ...PENALTY, description: 'Lowers a token for each time that it is in the answer.' },
  presence_penalty: { ...PENALTY, description: 'Lowers a token once it is in the answer.' },
  logit_bias: {
    anyOf: [{ type: 'object', additionalProperties: true }],
    description: 'Numbers from -100 to 100 by the number of a token.',
  },
  grammar: {
    anyOf: [{ type: 'object', additionalProperties: true }],
    description: 'The JSON schema of the answer: {"type": "json", "value": …}.',
  },
  details: { type: 'boolean', default: false, description: 'Adds the end, and each token with its log-probability.' },
  decoder_input_details: {
    type: 'boolean',
    default: false,
    description: 'Adds the log-probability of each token of the text. Takes a run for each.',
  },
  top_n_tokens: { type: 'integer', minimum: 0, maximum: 20, description: 'Likeliest tokens at each place.' },
  return_full_text: { type: 'boolean', default: false, description: 'Puts the text before the answer.' },
  cache_prompt: {
    type: 'boolean',
    default: true,
    description: 'Uses what an earlier text computed that begins alike.',
  },
} as const satisfies ParameterTable;
