import { peakMemory } from '../../authoring/process-memory.ts';
import type { Answer } from '../../core/answer.ts';
import { LAMBDA_MB_PER_VCPU } from '../../core/aws-limits.ts';
import { ServingError } from '../../core/errors.ts';
import type { Graph } from '../../core/graph.ts';
import type { Tensors } from '../../core/tensor.ts';
import { createSession } from '../../engine/session.ts';
import { medianInterval } from '../../metrics/interval.ts';
import type { Range } from '../passes/unsigned.ts';
import { answerSample } from './answer-sample.ts';
import { createSizeRecorder } from './input-sizes.ts';
import type { JobMessage, Jobs, Results, Sample } from './jobs.ts';
import { type LocalVersion, openVersion } from './local-version.ts';
import { profileVersion } from './profile-version.ts';
import { recordFeeds } from './record-feeds.ts';

/** Bins of a histogram, over the absolute values of a tensor. */
export const BINS = 2048;
/** Largest size of a number in a range: masks of attention have -3.4e38 or infinities, and beside them all other numbers would become 0. */
const LARGEST = 1e9;
/** Rounds of the timing; medians need some, and long models few. */
const [LEAST_ROUNDS, MOST_ROUNDS, TIMING_MS] = [5, 40, 3000];

const answer = async ({ version, samples }: Jobs['answer']): Promise<Results['answer']> => {
  const { wrap, sizes } = createSizeRecorder();
  const opened = await openVersion(version, wrap);
  const answers: (Answer | string)[] = [];
  for (const sample of samples)
    answers.push(await answerSample(opened, sample).catch((error: unknown) => ServingError.from(error).message));
  return { answers, sizes, createMs: opened.createMs, peakBytes: peakMemory() };
};

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** A version whose graphs count the CPU time that they take. */
const openTimed = async (version: LocalVersion) => {
  let spentMs = 0;
  const wrap = ({ signature, run }: Graph): Graph => ({
    signature,
    run: async (feeds, names) => {
      const before = process.cpuUsage();
      const outputs = await run(feeds, names);
      const { user, system } = process.cpuUsage(before);
      spentMs += (user + system) / 1000;
      return outputs;
    },
  });
  const opened = await openVersion(version, wrap);
  const runMs = async (sample: Sample): Promise<number> => {
    spentMs = 0;
    await answerSample(opened, sample);
    return spentMs;
  };
  return { runMs };
};

/** The two versions that are timed. */
const TURNS = [0, 1] as const;

const time = async ({ versions, samples }: Jobs['time']): Promise<Results['time']> => {
  const opened = [await openTimed(versions[0]), await openTimed(versions[1])] as const;
  const spent: [number[], number[]] = [[], []];
  const startMs = performance.now();
  const isOver = (round: number): boolean =>
    round >= MOST_ROUNDS || (round >= LEAST_ROUNDS && performance.now() - startMs > TIMING_MS);
  for (let round = 0; !isOver(round); round += 1)
    for (const sample of samples)
      for (const index of round % 2 === 0 ? TURNS : TURNS.toReversed()) {
        const ms = await opened[index].runMs(sample);
        if (round > 0) spent[index].push(ms); // the first run is slow
      }
  const ratios = spent[1].map((ms, run) => ms / (spent[0][run] ?? 0));
  return { cpuMs: [median(spent[0]), median(spent[1])], ratio: medianInterval(ratios) };
};

/** The inputs of the graph `role` while the samples are answered, each with the outputs `names` of the graph at `path` for it. */
const probe = async (
  { version, samples, role, path }: Jobs['observe'] | Jobs['compare'],
  names: readonly string[],
  see: (outputs: Tensors) => void,
): Promise<void> => {
  const recorded = await recordFeeds(version, samples, role);
  const session = await createSession(path, LAMBDA_MB_PER_VCPU);
  const outputs = names.filter((name) => session.signature.outputs.some((output) => output.name === name));
  for (const feeds of recorded) see({ ...feeds, ...(outputs.length > 0 && (await session.run(feeds, outputs))) });
};

const rangeOf = (name: string, data: Float32Array, [least, most]: Range = [0, 0]): Range => {
  let [low, high] = [least, most];
  for (const value of data) {
    if (Number.isNaN(value))
      throw new ServingError(
        'INVALID_INPUT',
        `calibration met NaN in the tensor ${name}, which has no range; leave out the sample that gives it, or use another method`,
      );
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
};

const observe = async (job: Jobs['observe']): Promise<Results['observe']> => {
  const ranges = new Map<string, Range>();
  const histograms = new Map<string, Float64Array>();
  await probe(job, job.names, (outputs) => {
    for (const [name, { dtype, data }] of Object.entries(outputs)) {
      if (dtype !== 'float32') continue;
      ranges.set(name, rangeOf(name, data, ranges.get(name)));
      const within = job.within?.get(name);
      if (within === undefined) continue;
      const histogram = histograms.get(name) ?? new Float64Array(BINS);
      histograms.set(name, histogram);
      const width = Math.max(Math.abs(within[0]), Math.abs(within[1])) / BINS || 1;
      for (const value of data) {
        const bin = Math.min(BINS - 1, Math.floor(Math.abs(value) / width));
        histogram[bin] = (histogram[bin] ?? 0) + 1;
      }
    }
  });
  const finite = [...ranges].filter(([, bounds]) => bounds.every((bound) => Math.abs(bound) <= LARGEST));
  return { ranges: new Map(finite), histograms };
};

const compare = async (job: Jobs['compare']): Promise<Results['compare']> => {
  const sums = new Map<string, [difference: number, square: number]>();
  await probe(job, [...job.pairs.values()].flat(), (outputs) => {
    for (const [layer, [original, changed]] of job.pairs) {
      const [a, b] = [outputs[original], outputs[changed]];
      if (a?.dtype !== 'float32' || b?.dtype !== 'float32') continue;
      let [difference, square] = sums.get(layer) ?? [0, 0];
      for (let index = 0; index < a.data.length; index += 1) {
        const value = a.data[index] ?? 0;
        difference += (value - (b.data[index] ?? 0)) ** 2;
        square += value ** 2;
      }
      sums.set(layer, [difference, square]);
    }
  });
  return new Map([...sums].map(([layer, [difference, square]]) => [layer, difference / (square || 1)]));
};

/** Does the job of a message. @throws why it cannot be done */
export const runJob = (message: JobMessage): Promise<Results[JobMessage['type']]> => {
  switch (message.type) {
    case 'answer':
      return answer(message.job);
    case 'time':
      return time(message.job);
    case 'profile':
      return profileVersion(message.job);
    case 'observe':
      return observe(message.job);
    case 'compare':
      return compare(message.job);
  }
};
