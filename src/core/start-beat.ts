/**
 * Runs `beat` every `ms` milliseconds, and passes over the times at which the one before has not ended: they would pile up, and go on after
 * the work. Returns a function that ends it.
 */
export const startBeat = (beat: () => Promise<unknown>, ms: number): (() => void) => {
  let isUnderWay = false;
  const timer = setInterval(() => {
    if (isUnderWay) return;
    isUnderWay = true;
    beat()
      .catch(() => undefined)
      .finally(() => {
        isUnderWay = false;
      });
  }, ms);
  return () => clearInterval(timer);
};
