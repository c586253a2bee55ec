/** An answer for which inputs were cut to what the model takes. Each transport says so in its own way. */
export class Truncated {
  readonly value: unknown;
  /** Positions of the inputs that were cut, ascending. */
  readonly inputs: readonly number[];

  constructor(value: unknown, inputs: readonly number[]) {
    this.value = value;
    this.inputs = inputs;
  }
}

/** Positions of the inputs that were cut for `answer`. */
export const truncatedInputs = (answer: unknown): readonly number[] =>
  answer instanceof Truncated ? answer.inputs : [];
