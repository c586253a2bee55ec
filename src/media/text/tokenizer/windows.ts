/**
 * The parts `[start, end)` of `count` tokens, each of at most `size`, that overlap by `stride` and cover them all: where
 * `tokenizers` cuts with `return_overflowing_tokens`. One part, which may be empty, when all fit.
 * `size` exceeds `stride`.
 */
export const windowsOf = (count: number, size: number, stride: number): (readonly [start: number, end: number])[] => {
  const windows: (readonly [number, number])[] = [];
  for (let start = 0; ; start += size - stride) {
    const end = Math.min(start + size, count);
    windows.push([start, end]);
    if (end === count) return windows;
  }
};

/** How many tokens `windows` such parts hold. */
export const mostTokens = (windows: number, size: number, stride: number): number =>
  windows === 0 ? 0 : windows * (size - stride) + stride;
