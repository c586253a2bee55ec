/** Complex numbers: an array of real parts, an array of imaginary parts. */
interface Complex {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

const complex = (length: number): Complex => ({ re: new Float64Array(length), im: new Float64Array(length) });

/** e^(-2πi·k/period) for k from 0 to `length` - 1. */
const rootsOfUnity = (length: number, period: number): Complex => ({
  re: Float64Array.from({ length }, (_, k) => Math.cos((2 * Math.PI * k) / period)),
  im: Float64Array.from({ length }, (_, k) => -Math.sin((2 * Math.PI * k) / period)),
});

/**
 * Combines transforms of `done` values each into transforms of `done` · radix values, from one array into the other, in Stockham's order,
 * which needs no permutation. `roots` has e^(-2πi·k·r/(done·radix)) at k · radix + r. Each radix has a loop of its own: values that pass
 * through an array take twice the time.
 */
type Combine = (from: Complex, to: Complex, done: number, roots: Complex) => void;

const combine2: Combine = ({ re, im }, { re: toRe, im: toIm }, done, { re: cos, im: sin }) => {
  const stride = re.length / 2;
  for (let start = 0; start < stride; start += done)
    for (let k = 0; k < done; k += 1) {
      const at = start + k;
      const root = 2 * k;
      const to = 2 * start + k;
      const r0 = re[at] ?? 0;
      const i0 = im[at] ?? 0;
      const r1 = (re[at + stride] ?? 0) * (cos[root + 1] ?? 0) - (im[at + stride] ?? 0) * (sin[root + 1] ?? 0);
      const i1 = (re[at + stride] ?? 0) * (sin[root + 1] ?? 0) + (im[at + stride] ?? 0) * (cos[root + 1] ?? 0);
      toRe[to] = r0 + r1;
      toIm[to] = i0 + i1;
      toRe[to + done] = r0 - r1;
      toIm[to + done] = i0 - i1;
    }
};

const combine4: Combine = ({ re, im }, { re: toRe, im: toIm }, done, { re: cos, im: sin }) => {
  const stride = re.length / 4;
  for (let start = 0; start < stride; start += done)
    for (let k = 0; k < done; k += 1) {
      const at = start + k;
      const root = 4 * k;
      const to = 4 * start + k;
      const r0 = re[at] ?? 0;
      const i0 = im[at] ?? 0;
      const r1 = (re[at + stride] ?? 0) * (cos[root + 1] ?? 0) - (im[at + stride] ?? 0) * (sin[root + 1] ?? 0);
      const i1 = (re[at + stride] ?? 0) * (sin[root + 1] ?? 0) + (im[at + stride] ?? 0) * (cos[root + 1] ?? 0);
      const r2 = (re[at + 2 * stride] ?? 0) * (cos[root + 2] ?? 0) - (im[at + 2 * stride] ?? 0) * (sin[root + 2] ?? 0);
      const i2 = (re[at + 2 * stride] ?? 0) * (sin[root + 2] ?? 0) + (im[at + 2 * stride] ?? 0) * (cos[root + 2] ?? 0);
      const r3 = (re[at + 3 * stride] ?? 0) * (cos[root + 3] ?? 0) - (im[at + 3 * stride] ?? 0) * (sin[root + 3] ?? 0);
      const i3 = (re[at + 3 * stride] ?? 0) * (sin[root + 3] ?? 0) + (im[at + 3 * stride] ?? 0) * (cos[root + 3] ?? 0);
      const sum02r = r0 + r2;
      const sum02i = i0 + i2;
      const dif02r = r0 - r2;
      const dif02i = i0 - i2;
      const sum13r = r1 + r3;
      const sum13i = i1 + i3;
      const dif13r = r1 - r3;
      const dif13i = i1 - i3;
      toRe[to] = sum02r + sum13r;
      toIm[to] = sum02i + sum13i;
      toRe[to + done] = dif02r + dif13i;
      toIm[to + done] = dif02i - dif13r;
      toRe[to + 2 * done] = sum02r - sum13r;
      toIm[to + 2 * done] = sum02i - sum13i;
      toRe[to + 3 * done] = dif02r - dif13i;
      toIm[to + 3 * done] = dif02i + dif13r;
    }
};

const [COS1, COS2] = [Math.cos((2 * Math.PI) / 5), Math.cos((4 * Math.PI) / 5)];
const [SIN1, SIN2] = [Math.sin((2 * Math.PI) / 5), Math.sin((4 * Math.PI) / 5)];

/** Values k and 5 - k have conjugate roots: the cosines multiply their sum, the sines their difference. */
const combine5: Combine = ({ re, im }, { re: toRe, im: toIm }, done, { re: cos, im: sin }) => {
  const stride = re.length / 5;
  for (let start = 0; start < stride; start += done)
    for (let k = 0; k < done; k += 1) {
      const at = start + k;
      const root = 5 * k;
      const to = 5 * start + k;
      const r0 = re[at] ?? 0;
      const i0 = im[at] ?? 0;
      const r1 = (re[at + stride] ?? 0) * (cos[root + 1] ?? 0) - (im[at + stride] ?? 0) * (sin[root + 1] ?? 0);
      const i1 = (re[at + stride] ?? 0) * (sin[root + 1] ?? 0) + (im[at + stride] ?? 0) * (cos[root + 1] ?? 0);
      const r2 = (re[at + 2 * stride] ?? 0) * (cos[root + 2] ?? 0) - (im[at + 2 * stride] ?? 0) * (sin[root + 2] ?? 0);
      const i2 = (re[at + 2 * stride] ?? 0) * (sin[root + 2] ?? 0) + (im[at + 2 * stride] ?? 0) * (cos[root + 2] ?? 0);
      const r3 = (re[at + 3 * stride] ?? 0) * (cos[root + 3] ?? 0) - (im[at + 3 * stride] ?? 0) * (sin[root + 3] ?? 0);
      const i3 = (re[at + 3 * stride] ?? 0) * (sin[root + 3] ?? 0) + (im[at + 3 * stride] ?? 0) * (cos[root + 3] ?? 0);
      const r4 = (re[at + 4 * stride] ?? 0) * (cos[root + 4] ?? 0) - (im[at + 4 * stride] ?? 0) * (sin[root + 4] ?? 0);
      const i4 = (re[at + 4 * stride] ?? 0) * (sin[root + 4] ?? 0) + (im[at + 4 * stride] ?? 0) * (cos[root + 4] ?? 0);
      const sum1r = r1 + r4;
      const sum1i = i1 + i4;
      const dif1r = r1 - r4;
      const dif1i = i1 - i4;
      const sum2r = r2 + r3;
      const sum2i = i2 + i3;
      const dif2r = r2 - r3;
      const dif2i = i2 - i3;
      const even1r = r0 + COS1 * sum1r + COS2 * sum2r;
      const even1i = i0 + COS1 * sum1i + COS2 * sum2i;
      const even2r = r0 + COS2 * sum1r + COS1 * sum2r;
      const even2i = i0 + COS2 * sum1i + COS1 * sum2i;
      const odd1r = SIN1 * dif1r + SIN2 * dif2r;
      const odd1i = SIN1 * dif1i + SIN2 * dif2i;
      const odd2r = SIN2 * dif1r - SIN1 * dif2r;
      const odd2i = SIN2 * dif1i - SIN1 * dif2i;
      toRe[to] = r0 + sum1r + sum2r;
      toIm[to] = i0 + sum1i + sum2i;
      toRe[to + done] = even1r + odd1i;
      toIm[to + done] = even1i - odd1r;
      toRe[to + 2 * done] = even2r + odd2i;
      toIm[to + 2 * done] = even2i - odd2r;
      toRe[to + 3 * done] = even2r - odd2i;
      toIm[to + 3 * done] = even2i + odd2r;
      toRe[to + 4 * done] = even1r - odd1i;
      toIm[to + 4 * done] = even1i + odd1r;
    }
};

const COMBINES: readonly (readonly [radix: number, combine: Combine])[] = [
  [5, combine5],
  [4, combine4],
  [2, combine2],
];

/** Runs one stage of a transform from one array into the other. */
type Stage = (from: Complex, to: Complex) => void;

/** @throws RangeError when `size` has other prime factors than 2 and 5 */
const planStages = (size: number): Stage[] => {
  const stages: Stage[] = [];
  let done = 1;
  for (const [radix, combine] of COMBINES)
    for (; (size / done) % radix === 0; done *= radix) {
      const roots = complex(done * radix);
      for (let k = 0; k < done; k += 1)
        for (let r = 0; r < radix; r += 1) {
          roots.re[k * radix + r] = Math.cos((2 * Math.PI * k * r) / (done * radix));
          roots.im[k * radix + r] = -Math.sin((2 * Math.PI * k * r) / (done * radix));
        }
      const before = done;
      stages.push((from, to) => combine(from, to, before, roots));
    }
  if (done !== size) throw new RangeError(`a Fourier transform of ${size} values: only 2 and 5 may be its factors`);
  return stages;
};

/** Creates the discrete Fourier transform of the values in `from`, which it overwrites. It returns the array with the result. */
const createTransform = (from: Complex): (() => Complex) => {
  const stages = planStages(from.re.length);
  const other = complex(from.re.length);
  return () => {
    let source = from;
    let target = other;
    for (const stage of stages) {
      stage(source, target);
      const free = source;
      source = target;
      target = free;
    }
    return source;
  };
};

/**
 * Creates the power spectrum of real frames: |X[k]|² for k from 0 to size / 2. The function allocates no memory, and each result
 * overwrites the previous one.
 *
 * Pairs of the `size` real values are transformed as size / 2 complex values, and separated afterwards:
 * Press et al., Numerical Recipes, 3rd edition, section 12.3.2.
 *
 * @param window factors of the samples in a frame; its length is `size`, an even number without prime factors but 2 and 5
 * @returns a function from samples and the start of the frame to float64[size / 2 + 1]
 */
export const createPowerSpectrum = (window: Float64Array): ((samples: Float32Array, start: number) => Float64Array) => {
  const size = window.length;
  const half = size / 2;
  const packed = complex(half);
  const transform = createTransform(packed);
  const roots = rootsOfUnity(half + 1, size);
  const power = new Float64Array(half + 1);

  return (samples, start) => {
    for (let n = 0; n < half; n += 1) {
      packed.re[n] = (samples[start + 2 * n] ?? 0) * (window[2 * n] ?? 0);
      packed.im[n] = (samples[start + 2 * n + 1] ?? 0) * (window[2 * n + 1] ?? 0);
    }
    const { re, im } = transform();
    for (let k = 0; k <= half; k += 1) {
      const a = k === half ? 0 : k;
      const b = k === 0 ? 0 : half - k;
      const evenRe = (re[a] ?? 0) + (re[b] ?? 0);
      const evenIm = (im[a] ?? 0) - (im[b] ?? 0);
      const oddRe = (im[a] ?? 0) + (im[b] ?? 0);
      const oddIm = (re[b] ?? 0) - (re[a] ?? 0);
      const c = roots.re[k] ?? 0;
      const d = roots.im[k] ?? 0;
      const doubleRe = evenRe + oddRe * c - oddIm * d;
      const doubleIm = evenIm + oddRe * d + oddIm * c;
      power[k] = (doubleRe * doubleRe + doubleIm * doubleIm) / 4;
    }
    return power;
  };
};
