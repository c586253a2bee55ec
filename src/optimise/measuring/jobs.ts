import type { Answer } from '../../core/answer.ts';
import type { Payload } from '../../core/payload.ts';
import type { Interval } from '../../metrics/interval.ts';
import type { Sizes } from '../passes/fix-sizes.ts';
import type { Range } from '../passes/unsigned.ts';
import type { LocalVersion } from './local-version.ts';

/** An input as a caller would send it. */
export interface Sample {
  /** The file, and the line in it. */
  readonly name: string;
  readonly payload: Payload;
  /** The answer that is known to be right: the name of a class, or in the form that `evaluate` reads; undefined for a sample without one. */
  readonly label?: unknown;
}

/** A graph that is run on the inputs that another one had. */
interface Probe {
  readonly version: LocalVersion;
  readonly samples: readonly Sample[];
  readonly role: string;
  /** The place of the graph. */
  readonly path: string;
}

/** Work for a process of its own. */
export interface Jobs {
  /** Answers the samples, and measures memory. */
  answer: { readonly version: LocalVersion; readonly samples: readonly Sample[] };
  /** Runs two versions by turns. */
  time: { readonly versions: readonly [LocalVersion, LocalVersion]; readonly samples: readonly Sample[] };
  /** Answers the samples on so many threads, again and again; a blank input when there are no samples. */
  profile: { readonly version: LocalVersion; readonly samples: readonly Sample[]; readonly threads: number };
  /** Measures ranges of tensors, and histograms within known ranges. */
  observe: Probe & { readonly names: readonly string[]; readonly within?: ReadonlyMap<string, Range> };
  /** Compares pairs of outputs by their squared differences. */
  compare: Probe & { readonly pairs: ReadonlyMap<string, readonly [string, string]> };
}

export interface Results {
  answer: {
    /** In the order of the samples; a message for a sample that was refused. */
    readonly answers: readonly (Answer | string)[];
    /** Sizes of inputs, by the role of the graph. */
    readonly sizes: ReadonlyMap<string, Sizes>;
    readonly createMs: number;
    readonly peakBytes: number;
  };
  time: {
    /** Milliseconds of CPU for the graphs of a sample: medians. */
    readonly cpuMs: readonly [number, number];
    /** The second's time as a part of the first's, in the same round: the median's 95 % interval. */
    readonly ratio: Interval;
  };
  /** CPU times in milliseconds: of all threads, and of the thread of Node. */
  profile: {
    /** A time for each request. */
    readonly cpuMs: readonly number[];
    readonly mainMs: readonly number[];
    /** The creation of the sessions and the load of the task. */
    readonly createMs: number;
    /** The first request. */
    readonly firstMs: number;
    /** Memory before the load, and at its peak. */
    readonly baseBytes: number;
    readonly peakBytes: number;
  };
  observe: { readonly ranges: ReadonlyMap<string, Range>; readonly histograms: ReadonlyMap<string, Float64Array> };
  /** The sum of squared differences, relative to the sum of squares, by layer. */
  compare: ReadonlyMap<string, number>;
}

export type JobType = keyof Jobs;

/** A message to the process. */
export type JobMessage = { [T in JobType]: { readonly type: T; readonly job: Jobs[T] } }[JobType];
