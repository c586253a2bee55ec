import { ServingError } from '../../core/errors.ts';
import type { Payload } from '../../core/payload.ts';
import { shorten } from '../../core/show.ts';
import { type FileKind, type InputFiles, toInputFiles } from '../input-files.ts';

/** Most audio files of a request. */
export const MAX_AUDIO_FILES = 64;

const AUDIO: FileKind = {
  noun: 'audio file',
  example: 'audio/wav',
  assertType: (contentType) => {
    if (contentType.startsWith('audio/') || contentType === 'application/ogg' || contentType === 'video/ogg') return;
    throw new ServingError(
      'UNSUPPORTED_MEDIA_TYPE',
      `content type ${shorten(contentType)} is no audio; send audio/wav, audio/flac, audio/mpeg or audio/ogg, or JSON {"inputs": "<base64>"}`,
    );
  },
};

/** The audio files of one request, not decoded yet. */
export type AudioFiles = InputFiles;

/** @throws the errors of `toInputFiles` */
export const toAudioFiles = (payload: Payload): AudioFiles => toInputFiles(payload, AUDIO, MAX_AUDIO_FILES);

/** The seconds of sound in files that were decoded at `sampleRate`, in hertz. */
export const totalSeconds = (files: readonly Float32Array[], sampleRate: number): number =>
  files.reduce((sum, { length }) => sum + length, 0) / sampleRate;
