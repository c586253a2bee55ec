import * as v from 'valibot';
import { jsonAnswer } from '../../../core/answer.ts';
import { isBatchable } from '../../../core/batch.ts';
import { ServingError } from '../../../core/errors.ts';
import type { Payload } from '../../../core/payload.ts';
import { show } from '../../../core/show.ts';
import type { Signature } from '../../../core/tensor.ts';
import { decodeAudioFiles } from '../../../media/audio/decode-audio-files.ts';
import { type AudioFiles, toAudioFiles } from '../../../media/audio/input.ts';
import { createSilence } from '../../../media/audio/wav.ts';
import { oneByOne } from '../../one-by-one.ts';
import { assertKnownParameters } from '../../parameters.ts';
import { onlyGraph } from '../../single-pass.ts';
import type { Task } from '../../task.ts';
import { parseGraph } from './features.ts';
import { createReader } from './reader.ts';
import type { TimestampUnit } from './transcribe.ts';
import { readWindowing, type Windowing } from './windows.ts';

const countSchema = v.pipe(v.number(), v.integer(), v.minValue(1));

const settingsSchema = v.object({
  kind: v.literal('ctc'),
  tokens: v.pipe(v.array(v.string()), v.minLength(1)),
  blank: v.string(),
  unknown: v.string(),
  wordDelimiter: v.string(),
  wordDelimiterText: v.string(),
  lowerCase: v.boolean(),
  cleanUpSpaces: v.boolean(),
  sampleRate: v.pipe(countSchema, v.maxValue(192_000)),
  normalize: v.boolean(),
  padTogether: v.boolean(),
  convolutions: v.pipe(v.array(v.object({ kernel: countSchema, stride: countSchema })), v.minLength(1)),
});

interface Request {
  readonly recordings: AudioFiles;
  readonly timestamps: TimestampUnit | undefined;
  readonly windowing: Windowing | undefined;
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
    recordings: toAudioFiles(payload),
    timestamps: readTimestamps(payload.parameters),
    windowing: readWindowing(payload.parameters),
  };
};

/** An hour of sound at a time is enough. */
const createPredict = (reader: ReturnType<typeof createReader>): Task['predict'] =>
  oneByOne(async ({ recordings, timestamps, windowing }: Request, model, lap) => {
    const samples = await decodeAudioFiles(recordings, reader.sampleRate, reader.assertLongEnough);
    const rows = samples.map((recording) => reader.toRows(recording, windowing));
    lap('preprocess');
    for (const batch of reader.toBatches(rows.flat(), model.maxBatch)) await reader.run(batch, onlyGraph(model.graphs));
    lap('run');
    const answers = rows.map((own) => reader.toAnswer(own, timestamps));
    lap('postprocess');
    return jsonAnswer(recordings.isList ? answers : answers[0]);
  });

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
