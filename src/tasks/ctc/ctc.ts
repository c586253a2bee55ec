import * as v from 'valibot';
import { isBatchable } from '../../core/batch.ts';
import { ServingError } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import type { Signature } from '../../core/tensor.ts';
import { decodeRecordings } from '../audio/decode-recordings.ts';
import { type Recordings, toRecordings } from '../audio/input.ts';
import { createSilence } from '../audio/wav.ts';
import { assertKnownParameters } from '../parameters.ts';
import type { Lap, Payload, Task, TaskModel } from '../task.ts';
import { type CtcGraph, countOutputs, fewestSamples, parseGraph, toFeeds } from './features.ts';
import { type TimestampUnit, toWords, transcribe } from './transcribe.ts';
import {
  LONG_RECORDING,
  MAX_WINDOW_SECONDS,
  readWindowing,
  toReadOutputs,
  toWindows,
  type Window,
  type Windowing,
} from './windows.ts';

const countSchema = v.pipe(v.number(), v.integer(), v.minValue(1));

const settingsSchema = v.object({
  kind: v.literal('ctc'),
  vocabulary: v.object({
    tokens: v.pipe(v.array(v.string()), v.minLength(1)),
    blank: v.string(),
    unknown: v.string(),
    wordDelimiter: v.string(),
    wordDelimiterText: v.string(),
    lowerCase: v.boolean(),
    cleanUpSpaces: v.boolean(),
  }),
  /** In hertz. */
  sampleRate: v.pipe(countSchema, v.maxValue(192_000)),
  /** Whether each recording is brought to a mean of zero and a variance of one. */
  normalize: v.boolean(),
  /** The feature encoder's, from the samples on. */
  convolutions: v.pipe(v.array(v.object({ kernel: countSchema, stride: countSchema })), v.minLength(1)),
});

type Settings = v.InferOutput<typeof settingsSchema>;

interface Request {
  readonly recordings: Recordings;
  readonly timestamps: TimestampUnit | undefined;
  readonly windowing: Windowing | undefined;
}

/** A part of a recording that is one row of a run. */
interface Row {
  readonly samples: Float32Array;
  /** Undefined for a recording that runs whole. */
  readonly window: Window | undefined;
  /** The most likely token of each output, once it has run. */
  ids: Int32Array;
}

const readTimestamps = ({ return_timestamps: value }: Payload['parameters']): TimestampUnit | undefined => {
  if (value === undefined || value === null || value === false) return undefined;
  if (value === 'word' || value === 'char') return value;
  throw new ServingError(
    'INVALID_REQUEST',
    `parameter "return_timestamps" is ${show(value)}, a CTC model takes "word" or "char"`,
  );
};

const decode = (payload: Payload): Request => {
  assertKnownParameters(payload.parameters, ['return_timestamps', 'chunk_length_s', 'stride_length_s']);
  return {
    recordings: toRecordings(payload),
    timestamps: readTimestamps(payload.parameters),
    windowing: readWindowing(payload.parameters),
  };
};

/** The place of the largest of each `width` values, the first among equals. */
const argMaxima = (values: Float32Array, width: number): Int32Array =>
  Int32Array.from({ length: values.length / width }, (_, row) => {
    let best = row * width;
    for (let at = best + 1; at < (row + 1) * width; at += 1)
      if ((values[at] as number) > (values[best] as number)) best = at;
    return best - row * width;
  });

/** What follows from the settings and the graph of one model. */
const createReader = (settings: Settings, graph: CtcGraph, isOneByOne: boolean) => {
  const { sampleRate, normalize, convolutions, vocabulary } = settings;
  const samplesPerOutput = convolutions.reduce((product, { stride }) => product * stride, 1);
  const longestRun = MAX_WINDOW_SECONDS * sampleRate;

  /** The rows of a recording. Windows too short to hold an output are passed over. */
  const toRows = (samples: Float32Array, requested: Windowing | undefined): Row[] => {
    const fewest = fewestSamples(convolutions);
    if (samples.length < fewest)
      throw new ServingError(
        'INVALID_INPUT',
        `the recording has ${samples.length} samples at ${sampleRate} Hz, the model hears nothing in fewer than ${fewest}`,
      );
    const windowing = requested ?? (samples.length > longestRun ? LONG_RECORDING : undefined);
    if (windowing === undefined) return [{ samples, window: undefined, ids: new Int32Array() }];
    return toWindows(samples.length, windowing, sampleRate, samplesPerOutput)
      .filter(({ start, end }) => end - start >= fewest)
      .map((window) => ({ samples: samples.subarray(window.start, window.end), window, ids: new Int32Array() }));
  };

  /** Rows that run together: of one length where the graph takes no mask, and no longer in all than the longest row alone. */
  const toBatches = (rows: readonly Row[], maxBatch: number): Row[][] => {
    const sorted = rows.toSorted((a, b) => a.samples.length - b.samples.length);
    const batches: Row[][] = [];
    for (const row of sorted) {
      const batch = batches.at(-1);
      const { length } = row.samples;
      const isLike = graph.mask !== undefined || batch?.[0]?.samples.length === length;
      const fits = batch && batch.length < maxBatch && (batch.length + 1) * length <= longestRun;
      if (batch && fits && isLike && !isOneByOne) batch.push(row);
      else batches.push([row]);
    }
    return batches;
  };

  const run = async (batch: readonly Row[], { model }: TaskModel['graphs']): Promise<void> => {
    const feeds = toFeeds(
      batch.map(({ samples }) => samples),
      graph,
      normalize,
    );
    const { [graph.logits]: logits } = (await model?.run(feeds, [graph.logits])) ?? {};
    const [rowCount = 0, outputs = 0, width = 0] = logits?.shape ?? [];
    if (rowCount !== batch.length || width !== vocabulary.tokens.length)
      throw new ServingError(
        'MODEL_INVALID',
        `the graph answered ${batch.length} recordings with logits [${logits?.shape}], expected ${vocabulary.tokens.length} tokens as in config.json and vocab.json`,
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
    const { text, letters } = transcribe(read, vocabulary);
    if (timestamps === undefined) return { text };
    const spans = timestamps === 'char' ? letters : toWords(letters, vocabulary.wordDelimiterText);
    const toSeconds = (output: number): number => (output * samplesPerOutput) / sampleRate;
    return {
      text,
      chunks: spans.map((span) => ({ text: span.text, timestamp: [toSeconds(span.start), toSeconds(span.end)] })),
    };
  };

  return { sampleRate, toRows, toBatches, run, toAnswer };
};

/** Requests run one after another: an hour of sound at a time is enough. */
const createPredict = (reader: ReturnType<typeof createReader>): Task['predict'] => {
  const answer = async ({ recordings, timestamps, windowing }: Request, model: TaskModel, lap: Lap) => {
    const samples = await decodeRecordings(recordings, reader.sampleRate);
    const rows = samples.map((recording) => reader.toRows(recording, windowing));
    lap('preprocess');
    for (const batch of reader.toBatches(rows.flat(), model.maxBatch)) await reader.run(batch, model.graphs);
    lap('run');
    const answers = rows.map((own) => reader.toAnswer(own, timestamps));
    lap('postprocess');
    return recordings.isList ? answers : answers[0];
  };
  return async (requests, model, lap) => {
    const outcomes: PromiseSettledResult<unknown>[] = [];
    for (const request of requests as Request[])
      outcomes.push(...(await Promise.allSettled([answer(request, model, lap)])));
    return outcomes;
  };
};

/**
 * Speech by connectionist temporal classification (wav2vec 2.0, HuBERT, WavLM): the most likely token of each 20 ms or so.
 * Graph: `input_values` float32[N,samples], perhaps `attention_mask` int64[N,samples] → `logits` float32[N,outputs,tokens].
 *
 * @throws `MODEL_INVALID` when `settings` or `signature` are not those of such a model
 */
export const createCtc = (settings: unknown, signature: Signature): Task => {
  const parsed = v.safeParse(settingsSchema, settings);
  if (!parsed.success) throw new ServingError('MODEL_INVALID', `CTC settings: ${v.summarize(parsed.issues)}`);
  const { output } = parsed;
  const reader = createReader(output, parseGraph(signature), !isBatchable(signature));
  const silence = createSilence(1, output.sampleRate);
  return {
    decode,
    blank: (): Request => ({
      recordings: { files: [silence], isList: false },
      timestamps: undefined,
      windowing: undefined,
    }),
    predict: createPredict(reader),
  };
};
