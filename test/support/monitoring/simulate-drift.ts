import { createRandom } from '../../../src/core/random.ts';
import { countValues, makeBins } from '../../../src/monitoring/drift/histogram.ts';
import { judgeWindow } from '../../../src/monitoring/drift/judge.ts';

const BASELINE = 5_000;

/** Normal numbers (Box and Muller 1958). */
const createNormal = (random: () => number) => (): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Numbers, counts, and categories by Zipf's law: the kinds of features that there are. */
const KINDS: readonly ((normal: () => number, random: () => number) => number | string)[] = [
  (normal) => normal(),
  (normal) => Math.exp(normal()),
  (normal) => Math.floor(Math.abs(normal()) * 3),
  (_normal, random) => `category ${Math.floor(Math.exp(random() * Math.log(100)))}`,
];

export interface Simulation {
  readonly seed: number;
  readonly runs: number;
  readonly windows: number;
  readonly features: number;
  readonly samples: number;
  /** By which the first feature of each window is moved, in standard deviations. */
  readonly shift: number;
}

export interface Simulated {
  /** Windows that were judged, and those with a warning or a drift. */
  readonly windows: number;
  readonly alarms: number;
  /** Windows in which the first feature was named. */
  readonly named: number;
}

/** Judges windows of made-up features. */
export const simulateDrift = ({ seed, runs, windows, features, samples, shift }: Simulation): Simulated => {
  const random = createRandom(seed);
  const normal = createNormal(random);
  let [alarms, named] = [0, 0];
  for (let run = 0; run < runs; run += 1) {
    const made = Array.from({ length: features }, (_, index) => {
      const kind = KINDS[index % KINDS.length] ?? normal;
      const draw = (): number | string => kind(normal, random);
      const values = Array.from({ length: BASELINE }, draw);
      const bins = makeBins(values);
      return { name: `feature ${index}`, draw, base: { bins, counts: countValues(bins, values) } };
    });
    const baseline = Object.fromEntries(made.map(({ name, base }) => [name, base]));
    for (let window = 0; window < windows; window += 1) {
      const counts = made.map(({ name, draw, base }, index) => {
        const values = Array.from({ length: samples }, () => {
          const value = draw();
          return index === 0 && typeof value === 'number' ? value + shift : value;
        });
        return [name, countValues(base.bins, values)] as const;
      });
      const { drifted } = judgeWindow(baseline, Object.fromEntries(counts), samples);
      if (drifted.length > 0) alarms += 1;
      if (drifted.includes('feature 0')) named += 1;
    }
  }
  return { windows: runs * windows, alarms, named };
};
