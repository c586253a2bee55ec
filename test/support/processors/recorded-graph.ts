import type { Tensors } from '../../../src/core/tensor.ts';

/** A graph of the fixtures with the feeds of some of its runs, or with the outputs of the same runs. */
export interface RecordedGraph {
  readonly path: string;
  readonly feeds: readonly Tensors[];
}

export interface ReplayedGraph {
  readonly path: string;
  readonly outputs: readonly Tensors[];
}
