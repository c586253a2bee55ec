/** The public contract of extensions: audio files and their samples. */
export { decodeAudioFiles } from '../media/audio/decode-audio-files.ts';
export { type AudioFiles, toAudioFiles } from '../media/audio/input.ts';
