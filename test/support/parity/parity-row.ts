/** How one model fares against its reference, as a test asserts it and docs/tasks.md shows it. */
export interface ParityRow {
  readonly model: string;
  readonly inputs: number;
  /** What is compared, such as `logits` or `token ids`. */
  readonly compared: string;
  /** The largest difference, such as `3.1e-7`, or `identical`. */
  readonly worst: string;
  readonly bar: string;
}
