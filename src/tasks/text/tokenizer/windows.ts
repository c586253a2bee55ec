/**
 * The parts `[start, end)` of `count` tokens, each of at most `size`, that overlap by `stride` and cover them all: where
 * `tokenizers` cuts with `return_overflowing_tokens`. One part, which may be empty, when all fit.
 * `size` exceeds `stride`.
 */
export function* windowsOf(
  count: number,
  size: number,
  stride: number,
): Iterable<readonly [start: number, end: number]> {
  for (let start = 0; ; start += size - stride) {
    const end = Math.min(start + size, count);
    yield [start, end];
    if (end === count) return;
  }
}
