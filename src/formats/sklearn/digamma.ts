/** From here on, the series below has all digits of float64. */
const LARGE = 12;

/** Coefficients of the asymptotic series in 1/x², the Bernoulli numbers B₂ₖ/2k. */
const COEFFICIENTS = [1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32_760, 1 / 12];

/**
 * The derivative of the logarithm of the gamma function, of positive `x`.
 * https://dlmf.nist.gov/5.11.E2, after the recurrence 5.5.2 for small numbers
 */
export const digamma = (x: number): number => {
  let [value, z] = [0, x];
  for (; z < LARGE; z += 1) value -= 1 / z;
  const inverse = 1 / (z * z);
  const series = COEFFICIENTS.reduceRight((sum, coefficient) => (sum + coefficient) * inverse, 0);
  return value + Math.log(z) - 0.5 / z - series;
};
