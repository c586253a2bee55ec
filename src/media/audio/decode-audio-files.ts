import type { Deadline } from '../../core/deadline.ts';
import { namingFile } from '../input-files.ts';
import { decodeAudio, MAX_AUDIO_SECONDS } from './decode-audio.ts';
import type { AudioFiles } from './input.ts';

/**
 * Decodes each file to samples at `sampleRate` hertz, one after the other. All files together may last `MAX_AUDIO_SECONDS`.
 * @param assertUsable throws when the model cannot use the audio
 * @throws the errors of `decodeAudio` and `assertUsable`, naming the element of a list
 */
export const decodeAudioFiles = async (
  audioFiles: AudioFiles,
  sampleRate: number,
  deadline: Deadline,
  assertUsable: (samples: Float32Array) => void = () => {},
): Promise<Float32Array[]> => {
  const decoded: Float32Array[] = [];
  let leftSeconds = MAX_AUDIO_SECONDS;
  const decode = async (file: Uint8Array): Promise<Float32Array> => {
    const samples = await decodeAudio(file, sampleRate, deadline, leftSeconds);
    assertUsable(samples);
    return samples;
  };
  for (const [index, file] of audioFiles.files.entries()) {
    const samples = await namingFile(audioFiles, index, decode(file));
    decoded.push(samples);
    leftSeconds = Math.max(0, leftSeconds - samples.length / sampleRate);
  }
  return decoded;
};
