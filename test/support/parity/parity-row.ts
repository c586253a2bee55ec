/** One comparison of a model with its reference, as a test asserts it and the task's page in docs/tasks shows it. */
export interface ParityRow {
  readonly model: string;
  readonly inputs: number;
  /** What is compared, such as `logits` or `token ids`. */
  readonly compared: string;
  /** The largest difference, such as `3.1e-7`, or `identical`. */
  readonly worst: string;
  readonly bar: string;
}

/** True for a row whose worst case is beyond its bar, and for one that is not comparable or compares nothing. */
export const isOverBar = ({ inputs, worst, bar }: ParityRow): boolean =>
  inputs === 0 || !(worst === bar || Number(worst) <= Number(bar));
