/** A token by its number, with its text alone and the logarithm of its probability, by the model's own logits. */
export interface TopToken {
  readonly id: number;
  readonly text: string;
  readonly logprob: number;
}

/** The end of an answer, and its numbers of tokens. */
export interface GenerationDetails {
  readonly finish_reason: 'length' | 'eos_token' | 'stop_sequence';
  /** Tokens that the model computed, the one that ended the answer among them. */
  readonly generated_tokens: number;
  /** Tokens of the prompt. */
  readonly input_length: number;
  /** Tokens of the prompt that were known from an earlier request. */
  readonly cached_tokens: number;
  /** Null for an answer without chance. */
  readonly seed: number | null;
  /** The tokens of the prompt, where the request asks for them. */
  readonly prefill?: readonly PromptToken[];
}

/** A token of a prompt, with the logarithm of its probability; null for the first one. */
export interface PromptToken {
  readonly id: number;
  readonly text: string;
  readonly logprob: number | null;
}

/** A generated token as a chunk of an answer, in the names of Hugging Face's text-generation-inference. */
export interface GenerationChunk {
  /** Number of the token in its answer, from 0. */
  readonly index: number;
  readonly token: {
    readonly id: number;
    /** The part of the answer that became certain: empty while a character, or a text that may end the answer, is incomplete. */
    readonly text: string;
    readonly special: boolean;
    /** Null unless the request asks for details, as `own`. */
    readonly logprob: number | null;
    /** The text of the token alone. */
    readonly own?: string;
  };
  readonly top_tokens?: readonly TopToken[];
  /** The whole answer, in the last chunk. */
  readonly generated_text: string | null;
  /** In the last chunk. */
  readonly details: GenerationDetails | null;
}
