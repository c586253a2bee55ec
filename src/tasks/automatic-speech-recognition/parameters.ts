import { MAX_BEAMS, MAX_TOKENS } from '../../generation/generation-config.ts';
import type { ParameterTable } from '../parameters.ts';
import { DO_SAMPLE, NESTED_SEARCH } from '../search-parameters.ts';

const SECONDS = { type: 'number', minimum: 0 } as const;

const WINDOWS = {
  chunk_length_s: { anyOf: [SECONDS], description: 'Seconds of the windows that long audio is divided into.' },
  stride_length_s: {
    anyOf: [SECONDS, { type: 'array', items: SECONDS, minItems: 2, maxItems: 2 }],
    description: 'Seconds that a window shares with its neighbours, or those of each side.',
  },
} as const satisfies ParameterTable;

export const CTC_PARAMETERS = {
  return_timestamps: {
    anyOf: [{ enum: ['word', 'char', false] }],
    description: 'Answers words, or characters, with their seconds.',
  },
  ...WINDOWS,
} as const satisfies ParameterTable;

export const WHISPER_PARAMETERS = {
  return_timestamps: { anyOf: [{ type: 'boolean' }], description: 'Answers passages with their seconds.' },
  return_language: { type: 'boolean', default: false, description: 'Answers the language of each passage.' },
  language: { anyOf: [{ type: 'string' }], description: 'Language of the audio: a code, or an English name.' },
  task: { anyOf: [{ enum: ['transcribe', 'translate'] }], description: '"translate" answers in English.' },
  ...WINDOWS,
  num_beams: {
    type: 'integer',
    minimum: 1,
    maximum: MAX_BEAMS,
    description: "Beams of the search. Default: the model's.",
  },
  max_new_tokens: {
    ...{ type: 'integer', minimum: 1, maximum: MAX_TOKENS },
    description: 'Most tokens of a window, below the positions of the model.',
  },
  do_sample: DO_SAMPLE,
  generation_parameters: NESTED_SEARCH,
} as const satisfies ParameterTable;
