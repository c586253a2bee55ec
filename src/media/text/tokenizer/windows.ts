/**
 * Splits `count` tokens into windows `[start, end)` of at most `size` tokens that overlap by `stride`, as `tokenizers` does with
 * `return_overflowing_tokens`. There is at least one window, which may be empty. `size` exceeds `stride`.
 */
export const windowsOf = (count: number, size: number, stride: number): (readonly [start: number, end: number])[] => {
  const windows: (readonly [number, number])[] = [];
  for (let start = 0; ; start += size - stride) {
    const end = Math.min(start + size, count);
    windows.push([start, end]);
    if (end === count) return windows;
  }
};

/** Most tokens that `windows` such windows cover. */
export const mostTokens = (windows: number, size: number, stride: number): number =>
  windows === 0 ? 0 : windows * (size - stride) + stride;
