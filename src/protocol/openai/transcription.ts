import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import type { Usage } from '../../core/usage.ts';
import { type Fields, parseFields, pickFields, readFieldChoice, refuseField } from './fields.ts';
import { chunksOf, joinWords, toSrt, toVtt } from './transcript.ts';

const FORMATS = ['json', 'text', 'srt', 'vtt', 'verbose_json'] as const;
const GRANULARITIES = ['segment', 'word'] as const;
const GRANULARITIES_FIELD = 'timestamp_granularities[]';
const FIELDS = ['model', 'file', 'language', 'response_format', 'temperature', 'stream', 'timestamp_granularities'];

/** A request of `POST /v1/audio/transcriptions` or `/translations`. https://platform.openai.com/docs/api-reference/audio */
export interface TranscriptionRequest {
  readonly model: unknown;
  readonly file: Uint8Array;
  readonly task: 'transcribe' | 'translate';
  readonly language: string | undefined;
  readonly format: (typeof FORMATS)[number];
  readonly granularities: readonly (typeof GRANULARITIES)[number][];
}

/** A form by its fields: a file as bytes, other fields as text; a field that came twice as a list. */
export type FormFields = Readonly<Record<string, unknown>>;

const readGranularities = ({ timestamp_granularities: given = [] }: Fields): TranscriptionRequest['granularities'] =>
  [given].flat().map((value) => readFieldChoice({ value }, 'value', GRANULARITIES, 'segment'));

/** Greedy search answers as at temperature 0, and in one piece. */
const assertSupported = ({ temperature = '0', stream = 'false' }: Fields): void => {
  if (Number(temperature) !== 0) refuseField('temperature', temperature, '0: speech is transcribed without sampling');
  if (stream !== 'false') refuseField('stream', stream, 'false: a transcript comes in one piece');
};

/** A part without a file name is read as text, which changes its bytes. */
const refuseFile = (file: unknown): never => {
  const expected = 'an audio file as a part of the form, with a file name: curl -F file=@speech.wav';
  if (Array.isArray(file)) return refuse('INVALID_REQUEST', `"file" came ${file.length} times, expected ${expected}`);
  return refuseField('file', file, expected);
};

/** @throws `INVALID_REQUEST` */
export const parseTranscriptionRequest = (
  { [GRANULARITIES_FIELD]: listed, ...form }: FormFields,
  task: TranscriptionRequest['task'],
): TranscriptionRequest => {
  const fields = parseFields({ ...form, ...(listed !== undefined && { timestamp_granularities: listed }) }, FIELDS);
  const { model, file, language } = fields;
  if (!(file instanceof Uint8Array)) return refuseFile(file);
  if (language !== undefined && typeof language !== 'string') return refuseField('language', language, 'one language');
  assertSupported(fields);
  return {
    ...{ model, file, task, language: language === '' ? undefined : language },
    format: readFieldChoice(fields, 'response_format', FORMATS, 'json'),
    granularities: readGranularities(fields),
  };
};

/** A CTC model dates words, and knows one language and no other task. Whisper dates segments. */
const isCtc = (settings: Fields): boolean => settings.kind === 'ctc';

/** The parameters of automatic-speech-recognition for a model with `settings`. */
export const toSpeechParameters = (
  { task, language, format, granularities }: TranscriptionRequest,
  settings: Fields,
): Fields => {
  const isTimed = format !== 'json' && format !== 'text';
  const given = pickFields({ language }, language === undefined ? [] : ['language']);
  if (isCtc(settings))
    return { ...given, ...(task === 'translate' && { task }), ...(isTimed && { return_timestamps: 'word' }) };
  return {
    ...given,
    ...(task === 'translate' && { task }),
    ...(isTimed && { return_timestamps: granularities.includes('word') ? 'word' : true }),
    ...(format === 'verbose_json' && { return_language: true }),
  };
};

/** A transcript with its media type. */
export interface EncodedTranscript {
  readonly body: string;
  readonly contentType: string;
}

const TEXT = 'text/plain; charset=utf-8';

/** The answer of automatic-speech-recognition in the format that was asked for. */
export const encodeTranscript = (
  value: unknown,
  { audioSeconds = 0 }: Usage,
  { format, task, language, granularities }: TranscriptionRequest,
  settings: Fields,
): EncodedTranscript => {
  const text = String(isObject(value) ? value.text : '').trim();
  const chunks = chunksOf(value, audioSeconds);
  const segments = isCtc(settings) ? joinWords(chunks) : chunks;
  if (format === 'text') return { body: `${text}\n`, contentType: TEXT };
  if (format === 'srt') return { body: toSrt(segments), contentType: TEXT };
  if (format === 'vtt') return { body: toVtt(segments), contentType: 'text/vtt; charset=utf-8' };
  const usage = { type: 'duration', seconds: Math.ceil(audioSeconds) };
  const document =
    format === 'json'
      ? { text, usage }
      : {
          task,
          language: language ?? segments.find((segment) => segment.language !== undefined)?.language ?? 'unknown',
          duration: audioSeconds,
          text,
          segments: segments.map((segment, id) => ({ id, ...segment })),
          ...(granularities.includes('word') && {
            words: chunks.map(({ text: word, start, end }) => ({ word, start, end })),
          }),
          usage,
        };
  return { body: JSON.stringify(document), contentType: 'application/json' };
};
