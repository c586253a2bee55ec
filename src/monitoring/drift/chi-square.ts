/** Lanczos' approximation with g = 7: right to 15 digits (Godfrey 2001). */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const;

/** The natural logarithm of the gamma function, for numbers of 0.5 and more. */
export const logGamma = (x: number): number => {
  const [first = 0, ...others] = LANCZOS;
  const sum = others.reduce((total, weight, index) => total + weight / (x + index), first);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
};

const PRECISION = 1e-16;
const TINY = 1e-300;
const MOST_STEPS = 10_000;

/** The lower regularised gamma function by its series, for x below a + 1. */
const lowerBySeries = (a: number, x: number): number => {
  let [term, sum] = [1 / a, 1 / a];
  for (let step = 1; step < MOST_STEPS && Math.abs(term) > PRECISION * sum; step += 1) {
    term *= x / (a + step);
    sum += term;
  }
  return sum * Math.exp(a * Math.log(x) - x - logGamma(a));
};

/** The upper one by its continued fraction (Lentz's method), for x above a + 1. */
const upperByFraction = (a: number, x: number): number => {
  let b = x + 1 - a;
  let c = 1 / TINY;
  let d = 1 / b;
  let fraction = d;
  for (let step = 1; step < MOST_STEPS; step += 1) {
    const numerator = -step * (step - a);
    b += 2;
    d = 1 / (numerator * d + b || TINY);
    c = b + numerator / c || TINY;
    const change = c * d;
    fraction *= change;
    if (Math.abs(change - 1) < PRECISION) break;
  }
  return fraction * Math.exp(a * Math.log(x) - x - logGamma(a));
};

/** The probability of more than `value` by the chi-squared distribution, as `scipy.stats.chi2.sf` has it. */
export const chiSquareTail = (value: number, freedom: number): number => {
  if (value <= 0) return 1;
  const [a, x] = [freedom / 2, value / 2];
  return x < a + 1 ? 1 - lowerBySeries(a, x) : upperByFraction(a, x);
};

/** Bounds by probability and degrees of freedom: the features of a window share few. */
const bounds = new Map<string, number>();

/** The value that is exceeded with probability `tail`, as `scipy.stats.chi2.isf` has it. */
export const chiSquareBound = (tail: number, freedom: number): number => {
  const name = `${tail} ${freedom}`;
  const bound = bounds.get(name) ?? findBound(tail, freedom);
  bounds.set(name, bound);
  return bound;
};

const findBound = (tail: number, freedom: number): number => {
  let [low, high] = [0, freedom + 10];
  while (chiSquareTail(high, freedom) > tail) high *= 2;
  for (let step = 0; step < 200 && high - low > 1e-14 * high; step += 1) {
    const middle = (low + high) / 2;
    if (chiSquareTail(middle, freedom) > tail) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
};
