import { ServingError } from '../../../core/errors.ts';
import type { Graph } from '../../../core/graph.ts';
import { type Convolution, type CtcGraph, countOutputs, fewestSamples, toFeeds } from './features.ts';
import { type CtcVocabulary, type TimestampUnit, toWords, transcribe } from './transcribe.ts';
import {
  LONG_RECORDING,
  MAX_WINDOW_SECONDS,
  toReadOutputs,
  toWindows,
  type Window,
  type Windowing,
} from './windows.ts';

/** What a model is fed, and what its outputs mean. */
export interface CtcSettings extends CtcVocabulary {
  /** In hertz. */
  readonly sampleRate: number;
  /** Whether each recording is brought to a mean of zero and a variance of one. */
  readonly normalize: boolean;
  /** Whether the model has learnt to disregard what it is told is padding. */
  readonly padTogether: boolean;
  /** The feature encoder's, from the samples on. */
  readonly convolutions: readonly Convolution[];
}

/** A part of a recording that is one row of a run. */
interface Row {
  readonly samples: Float32Array;
  /** Undefined for a recording that runs whole. */
  readonly window: Window | undefined;
  /** The most likely token of each output, once it has run. */
  ids: Int32Array;
}

/** The place of the largest of each `width` values, the first among equals. */
const argMaxima = (values: Float32Array, width: number): Int32Array =>
  Int32Array.from({ length: values.length / width }, (_, row) => {
    let best = row * width;
    for (let at = best + 1; at < (row + 1) * width; at += 1)
      if ((values[at] as number) > (values[best] as number)) best = at;
    return best - row * width;
  });

/** What follows from the settings and the graph of one model. */
export const createReader = (settings: CtcSettings, graph: CtcGraph, isOneByOne: boolean) => {
  const { sampleRate, normalize, padTogether, convolutions, tokens, wordDelimiterText } = settings;
  const samplesPerOutput = convolutions.reduce((product, { stride }) => product * stride, 1);
  const longestRun = MAX_WINDOW_SECONDS * sampleRate;
  const fewest = fewestSamples(convolutions);

  const assertLongEnough = ({ length }: Float32Array): void => {
    if (length < fewest)
      throw new ServingError(
        'INVALID_INPUT',
        `the recording has ${length} samples at ${sampleRate} Hz, the model needs at least ${fewest}`,
      );
  };

  /** The rows of a recording. Windows too short to hold an output are passed over. */
  const toRows = (samples: Float32Array, requested: Windowing | undefined): Row[] => {
    const windowing = requested ?? (samples.length > longestRun ? LONG_RECORDING : undefined);
    if (windowing === undefined) return [{ samples, window: undefined, ids: new Int32Array() }];
    return toWindows(samples.length, windowing, sampleRate, samplesPerOutput)
      .filter(({ start, end }) => end - start >= fewest)
      .map((window) => ({ samples: samples.subarray(window.start, window.end), window, ids: new Int32Array() }));
  };

  /** Rows that run together: of one length where nothing can be padded, and no longer in all than the longest row alone. */
  const toBatches = (rows: readonly Row[], maxBatch: number): Row[][] => {
    const sorted = rows.toSorted((a, b) => a.samples.length - b.samples.length);
    const batches: Row[][] = [];
    for (const row of sorted) {
      const batch = batches.at(-1);
      const { length } = row.samples;
      const isLike = (padTogether && graph.mask !== undefined) || batch?.[0]?.samples.length === length;
      const fits = batch && batch.length < maxBatch && (batch.length + 1) * length <= longestRun;
      if (batch && fits && isLike && !isOneByOne) batch.push(row);
      else batches.push([row]);
    }
    return batches;
  };

  const run = async (batch: readonly Row[], model: Graph): Promise<void> => {
    const feeds = toFeeds(
      batch.map(({ samples }) => samples),
      graph,
      normalize,
    );
    const { [graph.logits]: logits } = await model.run(feeds, [graph.logits]);
    const [rowCount = 0, outputs = 0, width = 0] = logits?.shape ?? [];
    if (rowCount !== batch.length || width !== tokens.length)
      throw new ServingError(
        'MODEL_INVALID',
        `the graph answered ${batch.length} recordings with logits [${logits?.shape}], expected ${tokens.length} tokens as in config.json and vocab.json`,
      );
    const ids = argMaxima(logits?.data as Float32Array, width);
    for (const [index, row] of batch.entries()) {
      const own = ids.subarray(index * outputs, (index + 1) * outputs);
      row.ids = batch.length === 1 ? own : own.subarray(0, countOutputs(row.samples.length, convolutions));
    }
  };

  const toAnswer = (rows: readonly Row[], timestamps: TimestampUnit | undefined) => {
    const read = rows.flatMap(({ ids, window }) => [
      ...(window === undefined ? ids : ids.subarray(...toReadOutputs(window, samplesPerOutput))),
    ]);
    const { text, letters } = transcribe(read, settings);
    if (timestamps === undefined) return { text };
    const spans = timestamps === 'char' ? letters : toWords(letters, wordDelimiterText);
    const toSeconds = (output: number): number => (output * samplesPerOutput) / sampleRate;
    return {
      text,
      chunks: spans.map((span) => ({ text: span.text, timestamp: [toSeconds(span.start), toSeconds(span.end)] })),
    };
  };

  return { sampleRate, assertLongEnough, toRows, toBatches, run, toAnswer };
};
