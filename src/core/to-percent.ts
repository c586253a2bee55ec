/** 7, of 0.07: a product of floating-point numbers has a tail. */
export const toPercent = (share: number): number => Number((share * 100).toFixed(4));
