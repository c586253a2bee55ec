/** Rounds to an integer as Python's `round` does: halves go to the even one. */
export const roundHalfToEven = (value: number): number => {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
};
