/** A prompt, and what the reference makes of it. */
export interface GeneratedReference {
  readonly prompt?: string;
  /** A prompt of a text that many times. */
  readonly repeat?: readonly [text: string, times: number];
  /** The number of tokens for a prompt that repeats. */
  readonly input_ids: readonly number[] | number;
  readonly ids: readonly number[];
  readonly logprobs: readonly number[];
  readonly margin: number;
  readonly text: string;
  /** float32 of the next token, as base64. */
  readonly logits?: string;
}
