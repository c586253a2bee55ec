/** Complex numbers, as their real and imaginary parts. */
interface Complex {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

const complex = (length: number): Complex => ({ re: new Float64Array(length), im: new Float64Array(length) });

/** e^(-2πi·k/period) for k from 0 up to `length`. */
const rootsOfUnity = (length: number, period: number): Complex => ({
  re: Float64Array.from({ length }, (_, k) => Math.cos((2 * Math.PI * k) / period)),
  im: Float64Array.from({ length }, (_, k) => -Math.sin((2 * Math.PI * k) / period)),
});

/** Replaces its first few values by their discrete Fourier transform. */
type Butterfly = (values: Complex) => void;

const butterfly2: Butterfly = ({ re, im }) => {
  const br = re[1] as number;
  const bi = im[1] as number;
  re[1] = (re[0] as number) - br;
  im[1] = (im[0] as number) - bi;
  re[0] = (re[0] as number) + br;
  im[0] = (im[0] as number) + bi;
};

const butterfly4: Butterfly = ({ re, im }) => {
  const sum02r = (re[0] as number) + (re[2] as number);
  const sum02i = (im[0] as number) + (im[2] as number);
  const dif02r = (re[0] as number) - (re[2] as number);
  const dif02i = (im[0] as number) - (im[2] as number);
  const sum13r = (re[1] as number) + (re[3] as number);
  const sum13i = (im[1] as number) + (im[3] as number);
  const dif13r = (re[1] as number) - (re[3] as number);
  const dif13i = (im[1] as number) - (im[3] as number);
  re[0] = sum02r + sum13r;
  im[0] = sum02i + sum13i;
  re[1] = dif02r + dif13i;
  im[1] = dif02i - dif13r;
  re[2] = sum02r - sum13r;
  im[2] = sum02i - sum13i;
  re[3] = dif02r - dif13i;
  im[3] = dif02i + dif13r;
};

const [COS1, COS2] = [Math.cos((2 * Math.PI) / 5), Math.cos((4 * Math.PI) / 5)];
const [SIN1, SIN2] = [Math.sin((2 * Math.PI) / 5), Math.sin((4 * Math.PI) / 5)];

/** Values k and 5 - k have conjugate roots: their sum meets the cosines, their difference the sines. */
const butterfly5: Butterfly = ({ re, im }) => {
  const xr = re[0] as number;
  const xi = im[0] as number;
  const sum1r = (re[1] as number) + (re[4] as number);
  const sum1i = (im[1] as number) + (im[4] as number);
  const dif1r = (re[1] as number) - (re[4] as number);
  const dif1i = (im[1] as number) - (im[4] as number);
  const sum2r = (re[2] as number) + (re[3] as number);
  const sum2i = (im[2] as number) + (im[3] as number);
  const dif2r = (re[2] as number) - (re[3] as number);
  const dif2i = (im[2] as number) - (im[3] as number);
  const even1r = xr + COS1 * sum1r + COS2 * sum2r;
  const even1i = xi + COS1 * sum1i + COS2 * sum2i;
  const even2r = xr + COS2 * sum1r + COS1 * sum2r;
  const even2i = xi + COS2 * sum1i + COS1 * sum2i;
  const odd1r = SIN1 * dif1r + SIN2 * dif2r;
  const odd1i = SIN1 * dif1i + SIN2 * dif2i;
  const odd2r = SIN2 * dif1r - SIN1 * dif2r;
  const odd2i = SIN2 * dif1i - SIN1 * dif2i;
  re[0] = xr + sum1r + sum2r;
  im[0] = xi + sum1i + sum2i;
  re[1] = even1r + odd1i;
  im[1] = even1i - odd1r;
  re[4] = even1r - odd1i;
  im[4] = even1i + odd1r;
  re[2] = even2r + odd2i;
  im[2] = even2i - odd2r;
  re[3] = even2r - odd2i;
  im[3] = even2i + odd2r;
};

const BUTTERFLIES: readonly (readonly [radix: number, butterfly: Butterfly])[] = [
  [5, butterfly5],
  [4, butterfly4],
  [2, butterfly2],
];

/** Joins transforms of `done` values each into ones of `done` · `radix`. */
interface Stage {
  readonly radix: number;
  readonly butterfly: Butterfly;
  readonly done: number;
  /** e^(-2πi·k·r/(done·radix)) at k · radix + r. */
  readonly roots: Complex;
}

/** @throws RangeError when `size` has other prime factors than 2 and 5 */
const planStages = (size: number): Stage[] => {
  const stages: Stage[] = [];
  let done = 1;
  for (const [radix, butterfly] of BUTTERFLIES)
    for (; (size / done) % radix === 0; done *= radix) {
      const roots = complex(done * radix);
      for (let k = 0; k < done; k += 1)
        for (let r = 0; r < radix; r += 1) {
          roots.re[k * radix + r] = Math.cos((2 * Math.PI * k * r) / (done * radix));
          roots.im[k * radix + r] = -Math.sin((2 * Math.PI * k * r) / (done * radix));
        }
      stages.push({ radix, butterfly, done, roots });
    }
  if (done !== size) throw new RangeError(`a Fourier transform of ${size} values: only 2 and 5 may be its factors`);
  return stages;
};

/** One stage of Stockham's order, in which nothing has to be permuted: from one array into the other. */
const run = ({ radix, butterfly, done, roots }: Stage, from: Complex, to: Complex, values: Complex): void => {
  const stride = from.re.length / radix;
  for (let j = 0; j < stride; j += 1) {
    const k = j % done;
    for (let r = 0; r < radix; r += 1) {
      const a = from.re[j + r * stride] as number;
      const b = from.im[j + r * stride] as number;
      const c = roots.re[k * radix + r] as number;
      const d = roots.im[k * radix + r] as number;
      values.re[r] = a * c - b * d;
      values.im[r] = a * d + b * c;
    }
    butterfly(values);
    const first = (j - k) * radix + k;
    for (let r = 0; r < radix; r += 1) {
      to.re[first + r * done] = values.re[r] as number;
      to.im[first + r * done] = values.im[r] as number;
    }
  }
};

/** The discrete Fourier transform of the values in `from`, which it overwrites; returns where the result is. */
const createTransform = (from: Complex): (() => Complex) => {
  const stages = planStages(from.re.length);
  const other = complex(from.re.length);
  const values = complex(5);
  return () => {
    let source = from;
    let target = other;
    for (const stage of stages) {
      run(stage, source, target, values);
      const free = source;
      source = target;
      target = free;
    }
    return source;
  };
};

/**
 * Power spectra of real frames: |X[k]|² for k from 0 to size / 2. The function it returns works in one piece of memory, and
 * overwrites what it returned before.
 *
 * The `size` real values are taken for size / 2 complex ones, transformed, and taken apart again:
 * Press et al., Numerical Recipes, 3rd edition, section 12.3.2.
 *
 * @param window multiplies each frame; its length is `size`, an even number with no prime factors but 2 and 5
 * @returns from samples and where the frame starts in them to float64[size / 2 + 1]
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
      packed.re[n] = (samples[start + 2 * n] as number) * (window[2 * n] as number);
      packed.im[n] = (samples[start + 2 * n + 1] as number) * (window[2 * n + 1] as number);
    }
    const { re, im } = transform();
    for (let k = 0; k <= half; k += 1) {
      const a = k === half ? 0 : k;
      const b = k === 0 ? 0 : half - k;
      const evenRe = (re[a] as number) + (re[b] as number);
      const evenIm = (im[a] as number) - (im[b] as number);
      const oddRe = (im[a] as number) + (im[b] as number);
      const oddIm = (re[b] as number) - (re[a] as number);
      const c = roots.re[k] as number;
      const d = roots.im[k] as number;
      const doubleRe = evenRe + oddRe * c - oddIm * d;
      const doubleIm = evenIm + oddRe * d + oddIm * c;
      power[k] = (doubleRe * doubleRe + doubleIm * doubleIm) / 4;
    }
    return power;
  };
};
