import type { Signature, Tensors } from './tensor.ts';

/** A graph of a loaded model. */
export interface Graph {
  readonly signature: Signature;
  /**
   * @param outputNames outputs to compute; all when left out
   * @throws `DEADLINE_EXCEEDED` before the run, `INVALID_INPUT` when `feeds` do not fit the signature, `INFERENCE_FAILED` in the run
   */
  run(feeds: Tensors, outputNames?: readonly string[]): Promise<Tensors>;
}
