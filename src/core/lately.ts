const MAX_AGE_MS = 100;

/** A measurement that may be 100 ms old. To measure memory or disk takes 5 to 20 µs, as long as many other figures of a small request. */
export const lately = <Value>(measure: () => Value): (() => Value) => {
  let last: { readonly value: Value; readonly measuredMs: number } | undefined;
  return () => {
    const nowMs = performance.now();
    if (last === undefined || nowMs - last.measuredMs >= MAX_AGE_MS) last = { value: measure(), measuredMs: nowMs };
    return last.value;
  };
};
