/** A model cache that keeps everything and runs nothing by itself. */
export const UNBOUNDED = {
  memoryMb: 1769,
  memoryBudgetBytes: Number.POSITIVE_INFINITY,
  diskBudgetBytes: Number.POSITIVE_INFINITY,
  warmUp: async () => {},
  onLoaded: () => {},
  onEvicted: () => {},
};
