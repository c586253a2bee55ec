import * as v from 'valibot';

const countSchema = v.pipe(v.number(), v.integer(), v.minValue(1));

/** Connectionist temporal classification: a token for every 20 ms or so of audio. */
export const ctcSchema = v.object({
  kind: v.literal('ctc'),
  /** By id, from `vocab.json`. */
  tokens: v.pipe(v.array(v.string()), v.minLength(1)),
  /** Separates a letter from the same letter again: `pad_token`. */
  blank: v.string(),
  /** Stands for ids without a token: `unk_token`. */
  unknown: v.string(),
  wordDelimiter: v.string(),
  /** Replaces the word delimiter in texts. */
  wordDelimiterText: v.string(),
  lowerCase: v.boolean(),
  cleanUpSpaces: v.boolean(),
  /** In hertz. */
  sampleRate: v.pipe(countSchema, v.maxValue(192_000)),
  /** True when audio is scaled to a mean of zero and a variance of one. */
  normalize: v.boolean(),
  /** True when the model was trained to disregard padding by its attention mask. */
  padTogether: v.boolean(),
  /** Layers of the feature encoder, from the samples on. */
  convolutions: v.pipe(v.array(v.object({ kernel: countSchema, stride: countSchema })), v.minLength(1)),
});

/** An encoder and a decoder that writes one token after another. */
export const whisperSchema = v.object({
  kind: v.literal('whisper'),
  /** `feature_size` of preprocessor_config.json: 80, or 128 for large-v3. */
  melBins: v.pipe(countSchema, v.maxValue(512)),
  /** `chunk_length` of preprocessor_config.json: seconds of audio that the encoder takes. */
  seconds: v.pipe(countSchema, v.maxValue(60)),
  /** `max_target_positions` of config.json: most tokens of a text, its prompt included. */
  maxTokens: countSchema,
  /** `generation_config.json` as the model came with it. */
  generation: v.record(v.string(), v.unknown()),
});

export const settingsSchema = v.variant('kind', [ctcSchema, whisperSchema]);

export type SpeechSettings = v.InferOutput<typeof settingsSchema>;
export type CtcSettings = v.InferOutput<typeof ctcSchema>;
export type WhisperSettings = v.InferOutput<typeof whisperSchema>;
