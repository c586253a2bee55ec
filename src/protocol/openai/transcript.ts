import { isObject } from '../../core/is-object.ts';

/** A part of a transcript, in seconds of the audio file. */
export interface Segment {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** English name, where the model says it. */
  readonly language?: string;
}

/** Characters of a line of subtitles, and seconds of silence after which the next one begins. */
const LONGEST_LINE = 80;
const PAUSE_SECONDS = 0.7;

const toSegment = (chunk: unknown, audioSeconds: number): Segment => {
  const { text, timestamp, language } = isObject(chunk) ? chunk : {};
  const [start, end] = Array.isArray(timestamp) ? timestamp : [];
  return {
    start: typeof start === 'number' ? start : 0,
    end: typeof end === 'number' ? end : audioSeconds, // Whisper has none for a segment that the audio cuts off
    text: String(text),
    ...(typeof language === 'string' && { language: language.toLowerCase() }),
  };
};

/** The chunks of an answer of automatic-speech-recognition: segments of Whisper, words of a CTC model. */
export const chunksOf = (value: unknown, audioSeconds: number): Segment[] => {
  const { chunks } = isObject(value) ? value : {};
  return Array.isArray(chunks) ? chunks.map((chunk) => toSegment(chunk, audioSeconds)) : [];
};

/** Words as lines of subtitles: a line ends at a pause, or when it is full. */
export const joinWords = (words: readonly Segment[]): Segment[] => {
  const lines: Segment[] = [];
  for (const word of words) {
    const line = lines.at(-1);
    const text = line === undefined ? '' : `${line.text} ${word.text}`;
    if (line === undefined || word.start - line.end > PAUSE_SECONDS || text.length > LONGEST_LINE) lines.push(word);
    else lines[lines.length - 1] = { ...line, end: word.end, text };
  }
  return lines;
};

const two = (value: number): string => String(value).padStart(2, '0');

/** `00:01:02,500`, with the mark of the format before the milliseconds. */
const toClock = (seconds: number, mark: ',' | '.'): string => {
  const ms = Math.round(seconds * 1000);
  const whole = Math.floor(ms / 1000);
  const clock = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60].map(two).join(':');
  return `${clock}${mark}${String(ms % 1000).padStart(3, '0')}`;
};

/** An arrow would end the line of the times. */
const toLine = (text: string): string => text.trim().replaceAll('-->', '->');

const cuesOf = (segments: readonly Segment[], mark: ',' | '.'): string[] =>
  segments.map(({ start, end, text }) => `${toClock(start, mark)} --> ${toClock(end, mark)}\n${toLine(text)}\n`);

/** Subtitles in SubRip's format. */
export const toSrt = (segments: readonly Segment[]): string =>
  cuesOf(segments, ',')
    .map((cue, index) => `${index + 1}\n${cue}`)
    .join('\n');

/** Subtitles in WebVTT. https://www.w3.org/TR/webvtt1/ */
export const toVtt = (segments: readonly Segment[]): string => ['WEBVTT\n', ...cuesOf(segments, '.')].join('\n');
