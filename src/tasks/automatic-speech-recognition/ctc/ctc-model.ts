import { argMax } from '../../../core/arg-max.ts';
import { ServingError } from '../../../core/errors.ts';
import type { Graph } from '../../../core/graph.ts';
import { tensorOf } from '../../../core/tensor.ts';
import type { CtcSettings } from '../settings.ts';
import { decodeTokens, type TimestampUnit, toWords } from './decode-tokens.ts';
import { type CtcGraph, countOutputs, fewestSamples, toFeeds } from './features.ts';
import {
  DEFAULT_WINDOWING,
  MAX_WINDOW_SECONDS,
  toReadOutputs,
  toWindows,
  type Window,
  type Windowing,
} from './windows.ts';

/** A part of the audio that is one row of a run. */
export interface Row {
  readonly samples: Float32Array;
  /** Undefined for audio that runs whole. */
  readonly window: Window | undefined;
  /** The most likely token of each output, after the run. */
  ids: Int32Array;
}

/** The settings and the graph of one model, with the figures that follow from them. */
export interface CtcModel {
  readonly settings: CtcSettings;
  readonly graph: CtcGraph;
  /** True for a graph of a fixed batch size. */
  readonly isOneByOne: boolean;
  readonly samplesPerOutput: number;
  /** Most samples of a run. */
  readonly longestRun: number;
  readonly fewestSamples: number;
}

export const createCtcModel = (settings: CtcSettings, graph: CtcGraph, isOneByOne: boolean): CtcModel => ({
  settings,
  graph,
  isOneByOne,
  samplesPerOutput: settings.convolutions.reduce((product, { stride }) => product * stride, 1),
  longestRun: MAX_WINDOW_SECONDS * settings.sampleRate,
  fewestSamples: fewestSamples(settings.convolutions),
});

/** @throws `INVALID_INPUT` for audio without a single output */
export const assertLongEnough = ({ length }: Float32Array, { settings, fewestSamples: fewest }: CtcModel): void => {
  if (length < fewest)
    throw new ServingError(
      'INVALID_INPUT',
      `the audio file has ${length} samples at ${settings.sampleRate} Hz, the model needs at least ${fewest}`,
    );
};

/** The rows of one audio file. Windows too short for an output are passed over. */
export const toRows = (samples: Float32Array, requested: Windowing | undefined, model: CtcModel): Row[] => {
  const windowing = requested ?? (samples.length > model.longestRun ? DEFAULT_WINDOWING : undefined);
  if (windowing === undefined) return [{ samples, window: undefined, ids: new Int32Array() }];
  return toWindows(samples.length, windowing, model.settings.sampleRate, model.samplesPerOutput)
    .filter(({ start, end }) => end - start >= model.fewestSamples)
    .map((window) => ({ samples: samples.subarray(window.start, window.end), window, ids: new Int32Array() }));
};

/**
 * Rows that run together. Rows of different lengths do when they can be padded. A batch has no more samples in all than the longest run of a
 * single row.
 */
export const toBatches = (rows: readonly Row[], maxBatch: number, model: CtcModel): Row[][] => {
  const { settings, graph, isOneByOne, longestRun } = model;
  const canPad = settings.padTogether && graph.mask !== undefined;
  const sorted = rows.toSorted((a, b) => a.samples.length - b.samples.length);
  const batches: Row[][] = [];
  for (const row of sorted) {
    const batch = batches.at(-1);
    const { length } = row.samples;
    const isLike = canPad || batch?.[0]?.samples.length === length;
    const fits = batch && batch.length < maxBatch && (batch.length + 1) * length <= longestRun;
    if (batch && fits && isLike && !isOneByOne) batch.push(row);
    else batches.push([row]);
  }
  return batches;
};

/** Runs a batch, and writes the most likely tokens into its rows. @throws `MODEL_INVALID` for logits of another number of tokens */
export const runBatch = async (
  batch: readonly Row[],
  graph: Graph,
  { settings, graph: names }: CtcModel,
): Promise<void> => {
  const samples = batch.map((row) => row.samples);
  const tensors = await graph.run(toFeeds(samples, names, settings.normalize), [names.logits]);
  const logits = tensorOf(tensors, names.logits, 'float32');
  const [rowCount = 0, outputs = 0, width = 0] = logits.shape;
  if (rowCount !== batch.length || width !== settings.tokens.length)
    throw new ServingError(
      'MODEL_INVALID',
      `the graph answered ${batch.length} rows with logits [${logits.shape}], expected ${settings.tokens.length} tokens as in config.json and vocab.json`,
    );
  for (const [index, row] of batch.entries()) {
    const own = batch.length === 1 ? outputs : countOutputs(row.samples.length, settings.convolutions);
    row.ids = Int32Array.from({ length: Math.min(own, outputs) }, (_, output) => {
      const start = (index * outputs + output) * width;
      return argMax(logits.data, start, start + width) - start;
    });
  }
};

/** The answer for the rows of one audio file, after their run. */
export const toAnswer = (
  rows: readonly Row[],
  timestamps: TimestampUnit | undefined,
  { settings, samplesPerOutput }: CtcModel,
) => {
  const ids = rows.flatMap((row) => [
    ...(row.window === undefined ? row.ids : row.ids.subarray(...toReadOutputs(row.window, samplesPerOutput))),
  ]);
  const { text, letters } = decodeTokens(ids, settings);
  if (timestamps === undefined) return { text };
  const spans = timestamps === 'char' ? letters : toWords(letters, settings.wordDelimiterText);
  const toSeconds = (output: number): number => (output * samplesPerOutput) / settings.sampleRate;
  return {
    text,
    chunks: spans.map((span) => ({ text: span.text, timestamp: [toSeconds(span.start), toSeconds(span.end)] })),
  };
};
