/** The amounts that an answer took, for protocols and metrics that count them. */
export interface Usage {
  /** Tokens of the input, special ones included. */
  readonly promptTokens?: number;
  /** Tokens that the model wrote. */
  readonly answerTokens?: number;
  /** Seconds of sound. */
  readonly audioSeconds?: number;
}
