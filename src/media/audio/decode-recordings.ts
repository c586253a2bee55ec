import { ServingError } from '../../core/errors.ts';
import { decodeAudio, MAX_AUDIO_SECONDS } from './decode-audio.ts';
import type { Recordings } from './input.ts';

/**
 * The samples of each recording at `sampleRate` hertz, one file decoded after the other; together they may last `MAX_AUDIO_SECONDS`.
 * @param assertUsable throws when the model cannot use a recording
 * @throws as `decodeAudio` and `assertUsable`, naming the element of a list
 */
export const decodeRecordings = async (
  { files, isList }: Recordings,
  sampleRate: number,
  assertUsable: (samples: Float32Array) => void = () => {},
): Promise<Float32Array[]> => {
  const recordings: Float32Array[] = [];
  let leftSeconds = MAX_AUDIO_SECONDS;
  for (const [index, file] of files.entries()) {
    try {
      const samples = await decodeAudio(file, sampleRate, leftSeconds);
      assertUsable(samples);
      recordings.push(samples);
      leftSeconds = Math.max(0, leftSeconds - samples.length / sampleRate);
    } catch (error) {
      const { code, message } = ServingError.from(error);
      throw isList ? new ServingError(code, `inputs[${index}]: ${message}`, { cause: error }) : error;
    }
  }
  return recordings;
};
