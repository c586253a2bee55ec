import { jsonAnswer } from '../../../core/answer.ts';
import { isBatchable } from '../../../core/batch.ts';
import { ServingError } from '../../../core/errors.ts';
import type { Payload } from '../../../core/payload.ts';
import { show } from '../../../core/show.ts';
import type { Signature } from '../../../core/tensor.ts';
import { decodeAudioFiles } from '../../../media/audio/decode-audio-files.ts';
import { describeAudio } from '../../../media/audio/features.ts';
import { type AudioFiles, toAudioFiles, totalSeconds } from '../../../media/audio/input.ts';
import { createSilence } from '../../../media/audio/wav.ts';
import { listElements } from '../../elements.ts';
import { graphOf } from '../../graph-of.ts';
import { oneByOne } from '../../one-by-one.ts';
import { type Parameters, readParameters } from '../../parameters.ts';
import type { Task } from '../../task.ts';
import { CTC_PARAMETERS } from '../parameters.ts';
import type { CtcSettings } from '../settings.ts';
import { assertLongEnough, type CtcModel, createCtcModel, runBatch, toAnswer, toBatches, toRows } from './ctc-model.ts';
import type { TimestampUnit } from './decode-tokens.ts';
import { findTensors } from './features.ts';
import { readWindowing, type Windowing } from './windows.ts';

interface Request {
  readonly audio: AudioFiles;
  readonly timestamps: TimestampUnit | undefined;
  readonly windowing: Windowing | undefined;
}

const readTimestamps = ({ return_timestamps: value }: Parameters): TimestampUnit | undefined => {
  if (value === undefined || value === null || value === false) return undefined;
  if (value === 'word' || value === 'char') return value;
  throw new ServingError(
    'INVALID_REQUEST',
    `parameter "return_timestamps" is ${show(value)}, a CTC model takes "word" or "char"`,
  );
};

const decode = (payload: Payload): Request => {
  readParameters(payload.parameters, CTC_PARAMETERS);
  return {
    audio: toAudioFiles(payload),
    timestamps: readTimestamps(payload.parameters),
    windowing: readWindowing(payload.parameters),
  };
};

/** Requests run one after another, since each may bring an hour of audio. */
const createPredict = (ctc: CtcModel): Task<Request>['predict'] =>
  oneByOne(async ({ audio, timestamps, windowing }, { graphs, maxBatch, deadline }, lap) => {
    const decoded = await decodeAudioFiles(audio, ctc.settings.sampleRate, deadline, (samples) =>
      assertLongEnough(samples, ctc),
    );
    const rows = decoded.map((samples) => toRows(samples, windowing, ctc));
    lap('preprocess');
    for (const batch of toBatches(rows.flat(), maxBatch, ctc)) await runBatch(batch, graphOf(graphs), ctc);
    lap('run');
    const answers = rows.map((own) => toAnswer(own, timestamps, ctc));
    lap('postprocess');
    const audioSeconds = totalSeconds(decoded, ctc.settings.sampleRate);
    return jsonAnswer(audio.isList ? answers : answers[0], [], { audioSeconds });
  });

/**
 * Transcription by connectionist temporal classification (wav2vec 2.0, HuBERT, WavLM): the most likely token of each 20 ms or so.
 * Graph: `input_values` float32[N,samples], perhaps `attention_mask` int64[N,samples] → `logits` float32[N,outputs,tokens].
 *
 * @throws `MODEL_INVALID` when the graph is no CTC model
 */
export const createCtc = (settings: CtcSettings, signature: Signature): Task<Request> => {
  const silence = createSilence(1, settings.sampleRate);
  return {
    elements: listElements,

    decode,
    describe: ({ audio }, { deadline }) => describeAudio(audio, deadline),
    blank: () => ({ audio: { files: [silence], isList: false }, timestamps: undefined, windowing: undefined }),
    predict: createPredict(createCtcModel(settings, findTensors(signature), !isBatchable(signature))),
  };
};
